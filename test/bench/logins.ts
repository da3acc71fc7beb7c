// Asks scauthd of a sandbox so many times for the same, from within it: node logins.ts KIND COUNT USER [PIN]. Prints how
// many came to what they should.
// no-pairing: a login of somebody without a card; no-card: of somebody whose card is not in; account: an account phase;
// call: a call of io.scauth; card: a login by card; wrong-pin: one with a wrong PIN, and then one with the right one.
import { connect } from 'node:net';
import type { VerdictCode } from '../../agent/protocol/frames.ts';
import { frameLogin } from './frame-login.ts';

const [kind = '', count = '0', user = 'ada', pin = ''] = process.argv.slice(2);
const usesCard = kind === 'card' || kind === 'wrong-pin';
/** At once; scauthd gives the system more places. There is one card. */
const AT_ONCE = usesCard ? 1 : 4;
const WRONG_PIN = '99999999';

const call = Buffer.from(
  `${JSON.stringify({ method: 'io.scauth.GetPairingPrompt', parameters: { token: null } })}\0`,
);

/** What came in the place of an answer, and how often. */
const failures = new Map<string, number>();

function note(failure: string): void {
  failures.set(failure, (failures.get(failure) ?? 0) + 1);
}

function login(secret: string): Promise<VerdictCode | null> {
  return frameLogin({ user, phase: kind === 'account' ? 'account' : 'authenticate' }, secret, note);
}

function isAnswered(): Promise<boolean> {
  return new Promise((resolve) => {
    let answered = false;
    const socket = connect('/run/scauth/io.scauth');
    socket.on('connect', () => socket.write(call));
    socket.on('data', () => {
      answered = true;
      socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(answered);
    });
  });
}

/** @returns whether it came to what it should */
async function ask(): Promise<boolean> {
  switch (kind) {
    case 'call':
      return isAnswered();
    case 'card':
      return (await login(pin)) === 'granted';
    case 'wrong-pin':
      return (await login(WRONG_PIN)) === 'denied' && (await login(pin)) === 'granted';
    default:
      return (await login('')) !== null;
  }
}

let left = Number(count);
let good = 0;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) if (await ask()) good += 1;
  }),
);
console.log(good);
for (const [failure, times] of failures) console.error(`${times} × ${failure}`);
