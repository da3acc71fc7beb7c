// L19: the peer is a process, not a number. A real program connects, hands its socket to a child and ends.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { holdPeer, peerOf } from '../../../../agent/socket/peers/peer.ts';
import { temporaryFolder } from '../../base/folders.ts';

/** The child keeps the connection until its standard input ends; the parent ends when a line comes. */
const PROGRAM = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
if os.fork() == 0:
    s.recv(1)
    os._exit(0)
sys.stdin.readline()
os._exit(0)
`;

for (const withPidfd of [true, false]) {
  const how = withPidfd ? 'SO_PEERPIDFD' : 'the start of the process, on an older Linux';
  test(`L19: a peer that has ended is noticed while its connection lives on: ${how}`, async (t) => {
    const path = join(temporaryFolder(t), 'socket');
    const server = createServer({ pauseOnConnect: true });
    server.listen(path);
    await once(server, 'listening');
    const program = spawn('/usr/bin/python3', ['-c', PROGRAM, path], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const [socket] = (await once(server, 'connection')) as [Socket];
    const { pid } = peerOf(socket);
    t.is(pid, program.pid ?? 0);
    const held = holdPeer(socket, pid, withPidfd);
    t.true(held.runs());
    program.stdin.end('\n');
    await once(program, 'exit');
    t.false(held.runs());
    t.false(socket.destroyed);
    held.release();
    held.release();
    t.false(held.runs());
    socket.destroy();
    server.close();
  });
}
