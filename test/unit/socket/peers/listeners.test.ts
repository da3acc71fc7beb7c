// Both sockets of io.scauth under peers that say nothing, half of something, or too much: they are let go in time, what
// they send is left with them, and root has a socket that nobody else can reach.

import { statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { mock } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { rootSocketPath } from '../../../../agent/base/socket-paths.ts';
import { freeSecretSlots } from '../../../../agent/base/secret.ts';
import { AgentLink, LinkError } from '../../../../agent/protocol/client/link.ts';
import { openListeners } from '../../../../agent/socket/peers/listeners.ts';
import { asNobody, rootTest, temporaryFolder } from '../../base/folders.ts';
import { serve } from '../admin-place.ts';
import { slotsBack, VarlinkClient } from '../clients.ts';

const free = freeSecretSlots();
test.beforeEach(() => slotsBack(free));
const INFO = 'org.varlink.service.GetInfo';

/** So many connections have got a place and a buffer each. */
async function untilTaken(count: number): Promise<void> {
  while (freeSecretSlots() > free - count) await new Promise(setImmediate);
}

rootTest('S1: root has a socket of its own, which others may not reach', async (t) => {
  const { path } = await serve(t);
  const own = rootSocketPath(path);
  t.is(statSync(dirname(own)).mode & 0o7777, 0o700);
  t.is((await new VarlinkClient(t, own).call(INFO))?.error, undefined);
  const code = await new Promise((resolve) => {
    const socket = asNobody(() => connect(own));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code);
    });
  });
  t.is(code, 'EACCES');
});

rootTest('S1: who is not root is closed at once where root’s socket stands open', async (t) => {
  const served: number[] = [];
  const listeners = openListeners({ root: 1, others: 1, oneOwner: 1 }, ({ peer }) => served.push(peer.uid));
  const path = `${temporaryFolder(t)}/socket`;
  t.teardown(() => {
    listeners.close();
  });
  await new Promise<void>((resolve) => {
    listeners.root.listen({ path, readableAll: true, writableAll: true }, resolve);
  });
  const stranger = asNobody(() => connect(path)).resume();
  await new Promise((resolve) => stranger.once('close', resolve));
  t.deepEqual(served, []);
});

test.serial(
  'S5: who says nothing, half of a call, or a byte now and then, is let go after five seconds',
  async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.teardown(() => {
      mock.timers.reset();
    });
    const { path } = await serve(t);
    const [silent, half, slow] = [1, 2, 3].map(() => new VarlinkClient(t, path)) as [
      VarlinkClient,
      VarlinkClient,
      VarlinkClient,
    ];
    const answered = new VarlinkClient(t, path);
    t.is((await answered.call(INFO))?.error, undefined);
    half.socket.write('{"method":');
    await untilTaken(4);
    for (let second = 0; second < 4; second += 1) {
      slow.socket.write(' ');
      mock.timers.tick(1000);
      await new Promise(setImmediate);
    }
    t.false([silent, half, slow, answered].some(({ socket }) => socket.destroyed));
    mock.timers.tick(1000);
    for (const client of [silent, half, slow, answered]) t.is(await client.next(), null);
    await slotsBack(free);
  },
);

rootTest('S5: forty-eight idle connections of seven users keep nobody out', async (t) => {
  const { path } = await serve(t);
  const owners = Array.from({ length: 7 }, (_, number) => 70_000 + number);
  for (const uid of owners) {
    process.seteuid?.(uid);
    for (let count = 0; count < 8; count += 1) new VarlinkClient(t, path);
    process.seteuid?.(0);
  }
  await untilTaken(32);
  t.is((await new VarlinkClient(t, path).call('io.scauth.GetEnforcement'))?.error, undefined);
  t.is((await new VarlinkClient(t, rootSocketPath(path)).call(INFO))?.error, undefined);
  t.is((await asNobody(() => new VarlinkClient(t, path)).call(INFO))?.error, undefined);
});

test.serial('S2: what is sent while a call is answered stays with the sender', async (t) => {
  const gate = Promise.withResolvers<never[]>();
  const { path } = await serve(t, { tokens: { present: () => gate.promise } });
  const client = new VarlinkClient(t, path);
  const one = `{"method":"${INFO}"}\0`;
  client.send({ method: 'io.scauth.ListTokens' });
  await pause(50);
  let written = 0;
  for (let count = 0; count < 200; count += 1)
    client.socket.write(one.repeat(1000), () => {
      written += 1;
    });
  await pause(200);
  t.true(written < 100, `${written} of 200`);
  gate.resolve([]);
  t.deepEqual(await client.next(), { parameters: { tokens: [] } });
  t.is((await client.next())?.error, undefined);
});

test.serial(
  'S2: a oneway call that only reads closes the connection, one that changes something does not',
  async (t) => {
    const { path, table, log } = await serve(t);
    for (const method of [
      INFO,
      'io.scauth.ListDrivers',
      'io.scauth.Explain',
      'io.scauth.Pair',
      'io.scauth.Nothing',
    ]) {
      const client = new VarlinkClient(t, path);
      client.send({ method, oneway: true });
      t.is(await client.next(), null, method);
    }
    t.is(log.filter((line) => line.includes('for nothing')).length, 5);
    const client = new VarlinkClient(t, path);
    client.send({ method: 'io.scauth.SetPairingPrompt', parameters: { enabled: false }, oneway: true });
    t.is((await client.call(INFO))?.error, undefined);
    t.is(table.prompts.size, 1);
  },
);

test.serial('S2: who asks and never reads is let go, and what waits for them is bounded', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => {
    mock.timers.reset();
  });
  const { path } = await serve(t);
  const client = new VarlinkClient(t, path);
  client.socket.pause();
  const call =
    '{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.scauth"}}\0';
  client.socket.write(call.repeat(500));
  await untilTaken(1);
  for (let rounds = 0; rounds < 20 && freeSecretSlots() !== free; rounds += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    for (let turns = 0; turns < 200; turns += 1) await new Promise(setImmediate);
    mock.timers.tick(10_000);
  }
  await slotsBack(free);
  t.pass();
});

rootTest(
  'S1: sc_auth goes to the ordinary socket where root’s is not there or not to be entered',
  async (t) => {
    const folder = temporaryFolder(t);
    const server = createServer((socket) => socket.end('hello'));
    await new Promise<void>((resolve) => server.listen(`${folder}/socket`, resolve));
    t.teardown(() => server.close());
    const link = await AgentLink.connect([rootSocketPath(`${folder}/socket`), `${folder}/socket`]);
    t.is((await link.read(10_000)).toString(), 'hello');
    link.close();
    await t.throwsAsync(AgentLink.connect([`${folder}/none`, `${folder}/none-either`]), {
      instanceOf: LinkError,
    });
  },
);

rootTest(
  'S2: who has made a fault keeps the place for a second, and cannot come again at once',
  async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.teardown(() => {
      mock.timers.reset();
    });
    const { path, log } = await serve(t);
    const client = asNobody(() => new VarlinkClient(t, path));
    client.socket.write(`nonsense\0{"method":"${INFO}"}\0`);
    await untilTaken(1);
    while (log.length === 0) await new Promise(setImmediate);
    mock.timers.tick(999);
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    t.is(freeSecretSlots(), free - 1);
    mock.timers.tick(1);
    t.is(await client.next(), null);
    t.is(log.length, 1);
    await slotsBack(free);
  },
);
