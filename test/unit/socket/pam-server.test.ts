// /run/scauth/pam.sock with a scripted story behind it: order, heartbeat, limits, and nothing secret left behind.

import { mock } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Pin } from '../../../agent/base/pin.ts';
import { freeSecretSlots, secretBlock, SecretBuffer } from '../../../agent/base/secret.ts';
import type { LoginResult } from '../../../agent/stories/login/login-parts.ts';
import type { Conversation } from '../../../agent/stories/card/conversation.ts';
import { CARD_REQUIRED } from '../../../agent/words/login.ts';
import type { AuthRequest } from '../../../agent/model/request.ts';
import {
  encodeFrame,
  HIGHEST_VERSION,
  type Frame,
  type VerdictFrame,
} from '../../../agent/protocol/frames.ts';
import type { PamServerParts } from '../../../agent/socket/pam-server.ts';
import { asNobody, rootTest } from '../base/folders.ts';
import { begin, FrameClient, serveAt, slotsBack, pamServer } from './clients.ts';

type Story = (request: AuthRequest, person: Conversation) => Promise<LoginResult>;

const refused: LoginResult = { decision: { kind: 'unavailable', reason: 'no-card' }, password: null };
const PIN = '735912';

const free = freeSecretSlots();
test.beforeEach(() => slotsBack(free));

async function serve(
  t: ExecutionContext,
  login: Story,
  enter: PamServerParts['enter'] = () => Promise.reject(new Error('must not run')),
): Promise<{ path: string; log: string[] }> {
  const log: string[] = [];
  const path = await serveAt(t, pamServer({ login, enter, log: (line) => log.push(line) }));
  return { path, log };
}

function verdict(code: VerdictFrame['code'], more: Partial<VerdictFrame> = {}): VerdictFrame {
  return { type: 'verdict', code, user: null, authtok: null, message: null, ...more };
}

/** Asks for a PIN and denies, whatever it was; keeps what it heard. */
function asking(heard: (string | null)[]): Story {
  return async (_request, person) => {
    const pin = await person.ask('PIN: ', false);
    heard.push(pin?.peek((bytes) => bytes.toString()) ?? null);
    pin?.wipe();
    if (secretBlock().includes(PIN)) throw new Error('the PIN is still in the read buffer');
    return { decision: { kind: 'denied', reason: 'wrong-pin' }, password: null };
  };
}

test.serial(
  'a conversation in order, with the request as the relay named it and the peer as the kernel does',
  async (t) => {
    const requests: AuthRequest[] = [];
    const heard: (string | null)[] = [];
    const { path } = await serve(t, (request, person) => {
      requests.push(request);
      person.tell('information', 'hello');
      return asking(heard)(request, person);
    });
    const client = new FrameClient(t, path);
    client.send(begin({ tty: '/dev/pts/1', rhost: 'far', ruser: 'bob', flags: 5 }));
    t.deepEqual(await client.next(), { type: 'tell', kind: 'information', text: 'hello' });
    t.deepEqual(await client.next(), { type: 'ask', echo: false, text: 'PIN: ' });
    client.answer(PIN);
    t.deepEqual(await client.nextWord(), verdict('denied'));
    t.is(await client.nextWord(), null);
    t.deepEqual(heard, [PIN]);
    t.like(requests[0], {
      service: 'sudo',
      user: 'alice',
      tty: '/dev/pts/1',
      rhost: 'far',
      ruser: 'bob',
      flags: 5,
    });
    t.like(requests[0]?.peer, {
      pid: process.pid,
      uid: process.geteuid?.() ?? 0,
      gid: process.getegid?.() ?? 0,
    });
    await slotsBack(free);
    t.false(secretBlock().includes(PIN));
  },
);

test.serial('each decision becomes its verdict; the password goes out once and is wiped', async (t) => {
  const password = 'correct horse';
  const results: readonly (readonly [() => LoginResult, VerdictFrame])[] = [
    [() => refused, verdict('unavailable')],
    [() => ({ decision: { kind: 'retry', triesLeft: 1 }, password: null }), verdict('denied')],
    [
      () => ({ decision: { kind: 'cancelled' }, password: new Pin(Buffer.from(password)) }),
      verdict('cancelled'),
    ],
    [
      () => ({
        decision: { kind: 'unavailable', reason: 'password-instead' },
        password: new Pin(Buffer.from(password)),
      }),
      verdict('unavailable', { authtok: Buffer.from(password) }),
    ],
  ];
  for (const [result, expected] of results) {
    const { path } = await serve(t, () => Promise.resolve(result()));
    const client = new FrameClient(t, path);
    client.send(begin());
    t.deepEqual(await client.nextWord(), expected);
    await client.closed;
    await slotsBack(free);
    t.false(secretBlock().includes(password));
  }
});

test.serial('while the agent works, wait frames come', async (t) => {
  const gate = Promise.withResolvers<LoginResult>();
  const { path } = await serve(t, () => gate.promise);
  const client = new FrameClient(t, path);
  client.send(begin());
  t.deepEqual(await client.next(), { type: 'wait' });
  t.deepEqual(await client.next(), { type: 'wait' });
  gate.resolve(refused);
  t.is((await client.nextWord())?.type, 'verdict');
});

test.serial('between an ask and its answer nothing is sent', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => {
    mock.timers.reset();
  });
  const { path } = await serve(t, asking([]));
  const client = new FrameClient(t, path);
  client.send(begin());
  t.is((await client.next())?.type, 'ask');
  mock.timers.tick(60_000);
  client.answer(PIN);
  t.is((await client.next())?.type, 'verdict');
});

test.serial('other phases are permitted, and no story runs', async (t) => {
  const { path } = await serve(t, () => Promise.reject(new Error('must not run')));
  for (const phase of ['setcred', 'open-session', 'close-session', 'chauthtok'] as const) {
    const client = new FrameClient(t, path);
    client.send(begin({ phase }));
    t.deepEqual(await client.nextWord(), verdict('permitted'));
  }
});

test.serial('the account phase runs its own story, and a refusal says why', async (t) => {
  const entries = ['permitted', 'card-required', 'unknown-user', 'unavailable'] as const;
  for (const entry of entries) {
    const requests: AuthRequest[] = [];
    const { path } = await serve(
      t,
      () => Promise.reject(new Error('must not run')),
      (request) => {
        requests.push(request);
        return Promise.resolve(entry);
      },
    );
    const client = new FrameClient(t, path);
    client.send(begin({ phase: 'account', tty: '/dev/tty1' }));
    const message = entry === 'card-required' ? CARD_REQUIRED : null;
    t.deepEqual(await client.nextWord(), verdict(entry, { message }));
    t.like(requests[0], { phase: 'account', user: 'alice', tty: '/dev/tty1' });
  }
});

test.serial('a name that cannot be one, and an empty one', async (t) => {
  const users: (string | null)[] = [];
  const { path } = await serve(t, (request) => {
    users.push(request.user);
    return Promise.resolve(refused);
  });
  for (const user of ['-rf', 'a b', '../x', 'a:b', '\u001b[2J']) {
    const client = new FrameClient(t, path);
    client.send(begin({ user }));
    t.deepEqual(await client.nextWord(), verdict('unknown-user'));
  }
  for (const user of ['', null]) {
    const client = new FrameClient(t, path);
    client.send(begin({ user }));
    t.deepEqual(await client.nextWord(), verdict('unavailable'));
  }
  t.deepEqual(users, [null, null]);
});

test.serial('L13: a relay of other versions is told so in version 1, and no story runs', async (t) => {
  const { path, log } = await serve(t, () => Promise.reject(new Error('must not run')));
  const offers = [
    encodeFrame(begin({ minVersion: HIGHEST_VERSION + 1, maxVersion: HIGHEST_VERSION + 2 })),
    encodeFrame(begin()),
  ];
  offers[1]?.writeUInt8(2, 2);
  for (const bytes of offers) {
    const client = new FrameClient(t, path);
    client.socket.write(bytes);
    t.like(await client.nextWord(), { type: 'verdict', code: 'unavailable' });
    t.is(await client.nextWord(), null);
  }
  t.is(log.length, 2);
});

const answer: Frame = { type: 'answer', status: 'answered', secret: Buffer.from(PIN) };
const oversized = Buffer.from('5343010100001001', 'hex');

for (const [name, bytes] of [
  ['random bytes', Buffer.alloc(64, 0xa5)],
  ['an oversized header', oversized],
  ['another frame than begin', encodeFrame(answer)],
  ['an answer before begin, in one piece', Buffer.concat([encodeFrame(answer), encodeFrame(begin())])],
  ['a frame of the agent', encodeFrame({ type: 'wait' })],
  ['a result', encodeFrame({ type: 'result', json: '{}' })],
] as const) {
  test.serial(`${name}: the connection is closed and no story runs`, async (t) => {
    let ran = 0;
    const { path } = await serve(t, () => {
      ran += 1;
      return Promise.resolve(refused);
    });
    const client = new FrameClient(t, path);
    client.socket.write(bytes);
    t.is(await client.next(), null);
    t.is(ran, 0);
    await slotsBack(free);
    const next = new FrameClient(t, path);
    next.send(begin());
    t.deepEqual(await next.nextWord(), verdict('unavailable'));
  });
}

for (const [name, late] of [
  ['garbage', Buffer.alloc(16, 0xa5)],
  ['a second begin', encodeFrame(begin())],
  ['two answers', Buffer.concat([encodeFrame(answer), encodeFrame(answer)])],
  ['an answer in another version', encodeFrame(answer, undefined, 2)],
] as const) {
  test.serial(`L5: ${name} instead of an answer ends the conversation as cancelled`, async (t) => {
    const done = Promise.withResolvers<string | null>();
    const { path } = await serve(t, async (_request, person) => {
      const first = await person.ask('PIN: ', false);
      first?.wipe();
      const second = await person.ask('again: ', false);
      done.resolve(second === null ? null : 'answered');
      second?.wipe();
      return refused;
    });
    const client = new FrameClient(t, path);
    client.send(begin());
    t.is((await client.nextWord())?.type, 'ask');
    client.socket.write(late);
    t.is(await done.promise, null);
    t.is(await client.nextWord(), null);
    await slotsBack(free);
    t.false(secretBlock().includes(PIN));
  });
}

test.serial('an answer that nobody asked for closes', async (t) => {
  const gate = Promise.withResolvers<LoginResult>();
  const { path } = await serve(t, () => gate.promise);
  const client = new FrameClient(t, path);
  client.socket.write(Buffer.concat([encodeFrame(begin()), encodeFrame(answer)]));
  t.is(await client.nextWord(), null);
  gate.resolve(refused);
});

test.serial('a failed answer and a relay that goes away are cancelled', async (t) => {
  const heard: (string | null)[] = [];
  const { path } = await serve(t, asking(heard));
  const failing = new FrameClient(t, path);
  failing.send(begin());
  await failing.nextWord();
  failing.send({ type: 'answer', status: 'failed', secret: Buffer.alloc(0) });
  t.is((await failing.nextWord())?.type, 'verdict');
  const leaving = new FrameClient(t, path);
  leaving.send(begin());
  await leaving.nextWord();
  leaving.socket.destroy();
  await slotsBack(free);
  t.deepEqual(heard, [null, null]);
});

test.serial('more than 64 asks and tells are not sent', async (t) => {
  const { path } = await serve(t, async (_request, person) => {
    for (let count = 0; count < 100; count += 1) person.tell('error', String(count));
    t.is(await person.ask('PIN: ', false), null);
    return refused;
  });
  const client = new FrameClient(t, path);
  client.send(begin());
  let told = 0;
  for (let frame = await client.nextWord(); frame?.type === 'tell'; frame = await client.nextWord())
    told += 1;
  t.is(told, 64);
});

test.serial(
  'C4: a begin that does not come closes; an answer is waited for as long as the relay does',
  async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.teardown(() => {
      mock.timers.reset();
    });
    const { path } = await serve(t, asking([]));
    const silent = new FrameClient(t, path);
    silent.socket.write(encodeFrame(begin()).subarray(0, -1));
    while (freeSecretSlots() > free - 2) await new Promise(setImmediate);
    mock.timers.tick(4999);
    t.false(silent.socket.destroyed);
    mock.timers.tick(1);
    t.is(await silent.next(), null);
    const slow = new FrameClient(t, path);
    slow.send(begin());
    t.is((await slow.nextWord())?.type, 'ask');
    mock.timers.tick(24 * 60 * 60 * 1000);
    slow.send({ type: 'answer', status: 'answered', secret: Buffer.from('735912') });
    t.is((await slow.nextWord())?.type, 'verdict');
    const left = new FrameClient(t, path);
    left.send(begin());
    t.is((await left.nextWord())?.type, 'ask');
    left.socket.destroy();
    await slotsBack(free);
  },
);

test.serial('a story that throws closes without a verdict', async (t) => {
  const { path, log } = await serve(t, () => Promise.reject(new Error('bug')));
  const client = new FrameClient(t, path);
  client.send(begin());
  t.is(await client.nextWord(), null);
  t.deepEqual(log, ['Error: bug']);
});

/** Opens connections that wait at a prompt, one after the other. @returns those that were let in */
async function flood(open: () => FrameClient, count: number): Promise<FrameClient[]> {
  const inside: FrameClient[] = [];
  for (let opened = 0; opened < count; opened += 1) {
    const client = open();
    client.send(begin());
    if ((await client.nextWord()) !== null) inside.push(client);
  }
  return inside;
}

async function closedOf(clients: readonly FrameClient[]): Promise<number> {
  const isOpen = (client: FrameClient) => Promise.race([client.closed.then(() => false), pause(100, true)]);
  return (await Promise.all(clients.map(isOpen))).filter((open) => !open).length;
}

rootTest('S1: a flood by one user costs that user only, and one by root takes its own places', async (t) => {
  const { path } = await serve(t, asking([]));
  const theirs = await flood(() => asNobody(() => new FrameClient(t, path)), 10);
  t.is(theirs.length, 8);
  const root = await flood(() => new FrameClient(t, path), 80);
  t.is(root.length, 80);
  t.deepEqual([await closedOf(theirs), await closedOf(root)], [0, 16]);
  for (const client of [...theirs, ...root]) client.socket.destroy();
  await slotsBack(free);
  const after = asNobody(() => new FrameClient(t, path));
  after.send(begin());
  t.is((await after.nextWord())?.type, 'ask');
});

rootTest('L19: the peer is who the kernel says', async (t) => {
  const uids: number[] = [];
  const { path } = await serve(t, (request) => {
    uids.push(request.peer.uid);
    return Promise.resolve(refused);
  });
  const client = asNobody(() => new FrameClient(t, path));
  client.send(begin({ user: 'root', ruser: 'root' }));
  await client.nextWord();
  t.deepEqual(uids, [65_534]);
});

test.serial('without locked memory a caller is turned away, and nothing of it stays', async (t) => {
  const { path } = await serve(t, asking([]));
  for (const left of [0, 1]) {
    const taken = Array.from({ length: free - left }, () => new SecretBuffer(1));
    const client = new FrameClient(t, path);
    client.send(begin());
    t.is(await client.next(), null);
    for (const buffer of taken) buffer.release();
    await slotsBack(free);
  }
  const next = new FrameClient(t, path);
  next.send(begin());
  t.is((await next.nextWord())?.type, 'ask');
});
