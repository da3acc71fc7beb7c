// A connection whose peer has made a fault, or does not take what it is sent; and sockets of which the kernel says nothing.

import { openSync, closeSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { freeSecretSlots } from '../../../../agent/base/secret.ts';
import { Connection } from '../../../../agent/socket/peers/connection.ts';
import { duplicateDescriptor, holdPeer, peerOf } from '../../../../agent/socket/peers/peer.ts';
import { temporaryFolder } from '../../base/folders.ts';
import { slotsBack } from '../clients.ts';

/** Accepted sockets, each with its client. */
async function sockets(t: ExecutionContext, count: number): Promise<Socket[]> {
  const path = join(temporaryFolder(t), 'socket');
  const server = createServer({ pauseOnConnect: true });
  server.listen(path);
  await once(server, 'listening');
  const accepted: Socket[] = [];
  for (let made = 0; made < count; made += 1) {
    const client = connect(path);
    client.on('error', () => undefined);
    const [socket] = (await once(server, 'connection')) as [Socket];
    accepted.push(socket);
    t.teardown(() => {
      client.destroy();
      socket.destroy();
    });
  }
  server.close();
  return accepted;
}

const free = freeSecretSlots();

async function connections(t: ExecutionContext, ...uids: readonly number[]): Promise<Connection[]> {
  const accepted = await sockets(t, uids.length);
  return accepted.map((socket, at) => {
    const connection = new Connection(socket, { pid: process.pid, uid: uids[at] ?? -1, gid: 0 }, 'owner');
    t.teardown(async () => {
      connection.destroy();
      await slotsBack(free);
    });
    return connection;
  });
}

test.serial('S1: who is dismissed keeps the place for a while; root does not', async (t) => {
  const [user, root] = await connections(t, 1000, 0);
  if (user === undefined || root === undefined) throw new Error('no connection');
  user.dismiss();
  // Not in the same turn: what is closed in one is not told in its order.
  await pause(50);
  root.dismiss();
  t.false(user.isOpen || root.isOpen);
  const first = await Promise.race([user.closed.then(() => 'user'), root.closed.then(() => 'root')]);
  t.is(first, 'root');
  await user.closed;
});

test.serial('S1: what a peer does not take does not pile up: the connection is given up', async (t) => {
  const [connection] = await connections(t, 1000);
  if (connection === undefined) throw new Error('no connection');
  // More than the kernel holds of it: the first part stays with us, and the next one is too much.
  void connection.send(Buffer.alloc(1024 * 1024));
  t.false(connection.isOpen, 'more at once than any message');
  await connection.closed;
});

test.serial('a socket that is gone, or none, has no peer', (t) => {
  const internal = { code: 'internal' } as object;
  const at = (fd: number | undefined): Socket => ({ _handle: { fd } }) as unknown as Socket;
  for (const socket of [new Socket(), at(undefined), at(-1)]) t.throws(() => peerOf(socket), internal);
  const file = openSync('/dev/null', 'r');
  t.throws(() => peerOf(at(file)), { ...internal, message: /SO_PEERCRED/ });
  closeSync(file);
  t.throws(() => duplicateDescriptor(at(1_000_000)), internal);
});

test.serial('L19: a process that was let go of is not another one that has its descriptor', async (t) => {
  const [first, second] = await sockets(t, 2);
  if (first === undefined || second === undefined) throw new Error('no socket');
  const before = holdPeer(first, process.pid);
  t.true(before.runs());
  before.release();
  const after = holdPeer(second, process.pid);
  t.false(before.runs());
  t.true(after.runs());
  after.release();
});
