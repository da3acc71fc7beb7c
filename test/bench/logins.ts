// Asks scauthd of a sandbox so many times for the same, from within it: node logins.ts KIND COUNT. No card is used.
// no-pairing: a login of somebody without a card; no-card: of somebody whose card is not in; account: an account phase;
// call: a call of io.scauth.
import { connect } from 'node:net';
import { encodeFrame, type BeginFrame } from '../../agent/protocol/frames.ts';

const [kind = '', count = '0', user = 'ada'] = process.argv.slice(2);
/** At once; scauthd gives the system more places. */
const AT_ONCE = 4;

const begin: BeginFrame = {
  type: 'begin',
  minVersion: 1,
  maxVersion: 3,
  phase: kind === 'account' ? 'account' : 'authenticate',
  flags: 0,
  service: 'sudo',
  user,
  tty: null,
  rhost: null,
  ruser: null,
};
const login = Buffer.from(encodeFrame(begin));
const call = Buffer.from(
  `${JSON.stringify({ method: 'io.scauth.GetPairingPrompt', parameters: { token: null } })}\0`,
);

/** @returns whether anything was answered */
function ask(): Promise<boolean> {
  return new Promise((resolve) => {
    let answered = false;
    const socket = connect(kind === 'call' ? '/run/scauth/io.scauth' : '/run/scauth/pam.sock');
    socket.on('connect', () => socket.write(kind === 'call' ? call : login));
    socket.on('data', () => {
      answered = true;
      if (kind === 'call') socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(answered);
    });
  });
}

let left = Number(count);
let answered = 0;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) if (await ask()) answered += 1;
  }),
);
console.log(answered);
