// What answers at scauthd's socket in its place, as quickly as Node can: takes the first bytes of a connection, whatever
// they are, and sends "no card for this login". Says "ready", and ends with its standard input.
// Usage: node test/bench/bare-server.ts SOCKET
import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { encodeFrame } from '../../agent/protocol/frames.ts';

const [path = ''] = process.argv.slice(2);
const verdict = encodeFrame({
  type: 'verdict',
  code: 'unavailable',
  user: null,
  authtok: null,
  message: null,
});
rmSync(path, { force: true });
createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => socket.end(verdict));
}).listen(path, () => {
  chmodSync(path, 0o666);
  process.stdout.write('ready\n');
});
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
