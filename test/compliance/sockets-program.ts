// What somebody without rights can do to whoever listens: runs in a sandbox as root and, under other uids, connects to each
// Unix socket there that takes connections. Usage: node sockets-program.ts MODE FIRST-UID UIDS CONNECTIONS-OF-EACH
//   idle     holds the connections and says nothing
//   busy     writes as fast as it is read, and comes again when it is closed
//   garbage  writes each of GARBAGE once
// It says `ready` when each connection was tried (garbage: when all is over), and goes on until its input ends.
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

const [mode = '', first = '', uids = '', each = ''] = process.argv.slice(2);

/** proc_net(5): flags with SO_ACCEPTCON, type SOCK_STREAM, and the path. The suite's own are left out. */
const LISTENING = /^\S+ \S+ \S+ 00010000 0001 \S+ +\S+ (\/(?!run\/sandbox\/)\S+)$/gm;
const paths = new Set(
  [...readFileSync('/proc/net/unix', 'utf8').matchAll(LISTENING)].map(([, path = '']) => path),
);

/** Lengths that lie, in either order of bytes, in front of too little, behind nothing and behind what looks like a head. */
const LENGTHS = [
  '00000000',
  '00000001',
  'ffffffff',
  '7fffffff',
  '80000000',
  '01000000',
  'ffffff7f',
  '0000ffff',
];
const HEADS = ['', '00', '5343', '53430101', '534301ff', '53430901', '0c000000', '7b22'];
const GARBAGE: readonly Buffer[] = [
  ...HEADS.flatMap((head) => LENGTHS.map((length) => Buffer.from(`${head}${length}4142434400`, 'hex'))),
  Buffer.alloc(100_000, 0xff),
  Buffer.alloc(100_000),
  Buffer.from('{'.repeat(100_000)),
  Buffer.from(`${'{"method":'.repeat(1000)}\0`),
];

function open(path: string, uid: number): Socket {
  process.seteuid?.(uid);
  const socket = connect(path);
  process.seteuid?.(0);
  socket.on('error', () => undefined); // 'close' follows
  return socket;
}

const settled = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once('connect', resolve);
    socket.once('close', () => {
      resolve();
    });
  });

/** Whatever is answered is thrown away; whoever waits for more is left. */
function write(path: string, uid: number, bytes: Buffer): Promise<void> {
  const socket = open(path, uid);
  socket.resume();
  socket.setTimeout(20, () => socket.destroy());
  socket.write(bytes);
  return new Promise((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
}

function pump(path: string, uid: number): Promise<void> {
  const socket = open(path, uid);
  const bytes = Buffer.concat(GARBAGE.slice(0, 64));
  const more = (): void => {
    socket.write(bytes, (error) => {
      if (error == null) more();
    });
  };
  socket.resume();
  socket.once('connect', more);
  socket.once('close', () => {
    setTimeout(() => void pump(path, uid), 10);
  });
  return settled(socket);
}

const tried: Promise<void>[] = [];
for (const path of paths)
  for (let uid = Number(first); uid < Number(first) + Number(uids); uid += 1)
    for (let number = 0; number < Number(each); number += 1) {
      if (mode === 'garbage') for (const bytes of GARBAGE) await write(path, uid, bytes);
      else if (mode === 'busy') tried.push(pump(path, uid));
      else tried.push(settled(open(path, uid)));
    }
await Promise.all(tried);
console.log('ready', paths.size);
process.stdin.resume().once('end', () => {
  process.exit(0);
});
