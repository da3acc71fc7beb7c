// Frames of versions 2 to 4 on the PAM socket: which version is spoken, a hold and its skip, and what a relay of version 1 gets
// instead.

import test, { type ExecutionContext } from 'ava';
import type { LoginResult } from '../../../agent/stories/login/login-parts.ts';
import type { Conversation } from '../../../agent/stories/card/conversation.ts';
import type { Entry } from '../../../agent/stories/enforcement/account-phase.ts';
import type { AuthRequest } from '../../../agent/model/request.ts';
import { encodeFrame } from '../../../agent/protocol/frames.ts';
import { begin, FrameClient, serveAt, pamServer } from './clients.ts';

type Story = (request: AuthRequest, person: Conversation) => Promise<LoginResult>;

const refused: LoginResult = { decision: { kind: 'unavailable', reason: 'no-card' }, password: null };
const verdict = { type: 'verdict', code: 'unavailable', user: null, authtok: null, message: null };
const PIN = '735912';

async function serve(t: ExecutionContext, login: Story): Promise<{ path: string }> {
  return {
    path: await serveAt(t, pamServer({ login })),
  };
}

/** Asks for a PIN and refuses, whatever it was; keeps what it heard. */
function asking(heard: (string | null)[]): Story {
  return async (_request, person) => {
    const pin = await person.ask('PIN: ', false);
    heard.push(pin?.peek((bytes) => bytes.toString()) ?? null);
    pin?.wipe();
    return refused;
  };
}

test.serial('a relay of version 2 is answered in version 2: hold, skip, and an answer in it', async (t) => {
  const heard: (string | null)[] = [];
  const { path } = await serve(t, async (_request, person) => {
    const skipped = person.hold?.('Card, or Enter.', 'Card.');
    if (skipped !== undefined && !skipped.aborted)
      await new Promise((resolve) => {
        skipped.addEventListener('abort', resolve);
      });
    heard.push('skipped');
    return asking(heard)(_request, person);
  });
  const client = new FrameClient(t, path);
  client.version = 2;
  client.send(begin({ maxVersion: 2 }));
  t.deepEqual(await client.nextWord(), { type: 'hold', text: 'Card, or Enter.', plain: 'Card.' });
  t.is(client.lastVersion, 2);
  client.send({ type: 'skip' });
  t.is((await client.nextWord())?.type, 'ask');
  // Enter once more, on its way when the hold was over: no answer to anything.
  client.send({ type: 'skip' });
  client.answer(PIN);
  t.deepEqual(await client.nextWord(), verdict);
  t.is(client.lastVersion, 2);
  t.deepEqual(heard, ['skipped', PIN]);
});

test.serial('a relay of version 1 gets a message instead of a hold, and may not skip', async (t) => {
  const { path } = await serve(t, async (_request, person) => {
    const skipped = person.hold?.('Card, or Enter.', 'Card.');
    const pin = await person.ask('PIN: ', false);
    t.is(pin, null);
    t.true(skipped?.aborted, 'who is gone waits no more');
    t.is(await person.takeNewPassword?.(), null);
    return refused;
  });
  const client = new FrameClient(t, path);
  client.send(begin());
  t.deepEqual(await client.nextWord(), { type: 'tell', kind: 'information', text: 'Card.' });
  t.is((await client.nextWord())?.type, 'ask');
  client.socket.write(encodeFrame({ type: 'skip' }));
  t.is(await client.nextWord(), null);
});

test.serial('a skip that no hold has asked for closes', async (t) => {
  const { path } = await serve(t, asking([]));
  const client = new FrameClient(t, path);
  client.version = 2;
  client.send(begin({ maxVersion: 2 }));
  t.is((await client.nextWord())?.type, 'ask');
  client.send({ type: 'skip' });
  t.is(await client.nextWord(), null);
});

/** An account phase that says what the relay has noted, as the name of an account. */
async function serveRecall(t: ExecutionContext, heard: unknown[]): Promise<string> {
  const enter = async (_request: AuthRequest, person: Conversation): Promise<Entry> => {
    heard.push(await person.recall?.());
    return 'card-required';
  };
  return serveAt(t, pamServer({ enter }));
}

test.serial('S1: a relay of version 3 says what it has noted; an older one is not asked', async (t) => {
  const heard: unknown[] = [];
  const path = await serveRecall(t, heard);
  for (const [happened, maxVersion, version] of [
    ['nothing', 3, 3],
    ['verdict', 4, 4],
    ['no-verdict', 9, 4],
  ] as const) {
    const client = new FrameClient(t, path);
    client.version = version;
    client.send(begin({ maxVersion, phase: 'account' }));
    t.deepEqual(await client.nextWord(), { type: 'recall' });
    t.is(client.lastVersion, version);
    client.send({ type: 'happened', happened });
    t.like(await client.nextWord(), { type: 'verdict', code: 'card-required' });
  }
  const old = new FrameClient(t, path);
  old.version = 2;
  old.send(begin({ maxVersion: 2, phase: 'account' }));
  t.like(await old.nextWord(), { type: 'verdict', code: 'card-required' });
  t.deepEqual(heard, ['nothing', 'verdict', 'no-verdict', null]);
});

test.serial(
  'S1: a relay that leaves instead has noted something, and a note that nobody asked for closes',
  async (t) => {
    const heard: unknown[] = [];
    const path = await serveRecall(t, heard);
    const leaving = new FrameClient(t, path);
    leaving.version = 3;
    leaving.send(begin({ maxVersion: 3, phase: 'account' }));
    t.deepEqual(await leaving.nextWord(), { type: 'recall' });
    leaving.socket.destroy();
    while (heard.length === 0) await new Promise(setImmediate);
    t.deepEqual(heard, ['no-verdict']);
    const unasked = await serve(t, (_request, person) => person.ask('PIN: ', false).then(() => refused));
    const client = new FrameClient(t, unasked.path);
    client.version = 3;
    client.send(begin({ maxVersion: 3 }));
    t.is((await client.nextWord())?.type, 'ask');
    client.send({ type: 'happened', happened: 'nothing' });
    t.is(await client.nextWord(), null);
  },
);

test.serial(
  'a relay of version 4 is asked once how wide it is, and told the card; an older one neither',
  async (t) => {
    const heard: unknown[] = [];
    const { path } = await serve(t, async (_request, person) => {
      heard.push(await person.columns?.(), await person.columns?.());
      return { ...refused, tokenName: 'Ada Lovelace' };
    });
    for (const columns of [40, 0]) {
      const client = new FrameClient(t, path);
      client.version = 4;
      client.send(begin({ maxVersion: 4 }));
      t.deepEqual(await client.nextWord(), { type: 'measure' });
      client.send({ type: 'measured', columns });
      t.deepEqual(await client.nextWord(), { type: 'token', name: 'Ada Lovelace' });
      t.deepEqual(await client.nextWord(), verdict);
    }
    const old = new FrameClient(t, path);
    old.version = 3;
    old.send(begin({ maxVersion: 3 }));
    t.deepEqual(await old.nextWord(), verdict);
    t.deepEqual(heard, [40, 40, null, null, null, null]);
  },
);

test.serial(
  'a width that nobody asked for closes, as does another note than the one asked for',
  async (t) => {
    const { path } = await serve(t, async (_request, person) => {
      t.is((await person.columns?.()) ?? null, null);
      return refused;
    });
    const client = new FrameClient(t, path);
    client.version = 4;
    client.send(begin({ maxVersion: 4 }));
    t.deepEqual(await client.nextWord(), { type: 'measure' });
    client.send({ type: 'happened', happened: 'nothing' });
    t.is(await client.nextWord(), null);
    const asked = await serve(t, asking([]));
    const unasked = new FrameClient(t, asked.path);
    unasked.version = 4;
    unasked.send(begin({ maxVersion: 4 }));
    t.is((await unasked.nextWord())?.type, 'ask');
    unasked.send({ type: 'measured', columns: 80 });
    t.is(await unasked.nextWord(), null);
  },
);
