// Runs in a sandbox as root and floods a socket of scauthd under many uids, as newuidmap gives one user. Whatever is
// closed comes again at once. Usage: node flood-program.ts SOCKET MODE FIRSTUID UIDS CONNECTIONS-OF-EACH [PULSE]
// PULSE: milliseconds after which all is let go, and after which it begins anew, so that it begins in any phase of a login.
// It prints the line `ready` when each connection was tried, and then goes on until it is killed.
import { connect, type Socket } from 'node:net';

const [path = '', mode = '', first = '', uids = '', each = '', pulse = '0'] = process.argv.slice(2);
const isPam = path.endsWith('pam.sock');

/** begin of version 1: authenticate, service sudo, user nobody, nothing else (PROTOCOL.md, 1.3). */
const BEGIN = Buffer.from('534301010000001b0102010000000000047375646f00066e6f626f6479ffffffffffff', 'hex');
const call = (method: string, more: object = {}): string =>
  `${JSON.stringify({ method: `io.scauth.${method}`, ...more })}\0`;
const WHOLE = isPam ? BEGIN : Buffer.from(call('GetEnforcement'));
/** As many bytes as scauthd takes. */
const STREAMS: Readonly<Record<string, string>> = {
  oneway: call('ListDrivers', { oneway: true }),
  'oneway-prompt': call('SetPairingPrompt', { oneway: true, parameters: { enabled: true } }),
  calls: call('Explain', { parameters: { service: 'sudo' } }),
  reads: [
    ...['ListTokens', 'ListIdentities', 'ListItems', 'ListDrivers', 'ListReaders', 'ListPairings'].map(
      (method) => call(method),
    ),
    ...['GetKeyring', 'GetPairingPrompt', 'GetEnforcement', 'Monitor'].map((method) => call(method)),
    call('GetHealth', { parameters: { days: 30 } }),
    call('Explain', { parameters: { service: 'sudo' } }),
  ].join(''),
};

function act(socket: Socket): void {
  const stream = STREAMS[mode];
  if (stream !== undefined) {
    const batch = Buffer.from(stream.repeat(40));
    const pump = (): void => {
      socket.write(batch, (error) => {
        if (error == null) pump();
      });
    };
    pump();
  } else if (mode === 'half') socket.write(WHOLE.subarray(0, -3));
  else if (mode === 'slow') {
    let sent = 0;
    const timer = setInterval(() => {
      socket.write(WHOLE.subarray(sent % WHOLE.length, (sent % WHOLE.length) + 1));
      sent += 1;
    }, 1000);
    socket.once('close', () => {
      clearInterval(timer);
    });
  } else if (mode === 'frames') {
    socket.write(WHOLE);
    const timer = setInterval(() => socket.write(WHOLE), 1000);
    socket.once('close', () => {
      clearInterval(timer);
    });
  } else if (mode === 'more') {
    socket.pause();
    socket.write(isPam ? BEGIN : call('Monitor', { more: true }));
  } else if (mode !== 'idle') throw new Error(`no such mode: ${mode}`);
  if (mode !== 'more') socket.resume();
}

const held = new Set<Socket>();
let isOn = true;

function hold(uid: number): void {
  process.seteuid?.(uid);
  const socket = connect(path);
  process.seteuid?.(0);
  socket.once('connect', () => {
    act(socket);
  });
  socket.on('error', () => undefined);
  held.add(socket);
  socket.once('close', () => {
    held.delete(socket);
    if (isOn) setTimeout(hold, 1, uid);
  });
}

function flood(): void {
  for (let uid = Number(first); uid < Number(first) + Number(uids); uid += 1)
    for (let count = 0; count < Number(each); count += 1) hold(uid);
}

if (Number(pulse) > 0)
  setInterval(() => {
    isOn = !isOn;
    if (isOn) flood();
    else for (const socket of held) socket.destroy();
  }, Number(pulse));

flood();
setTimeout(() => {
  console.log('ready');
}, 500);
