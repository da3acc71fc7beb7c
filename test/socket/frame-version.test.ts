// Frames of version 2 on the PAM socket: which version is spoken, a hold and its skip, and what a relay of version 1 gets
// instead.

import test, { type ExecutionContext } from 'ava';
import type { LoginResult } from '../../agent/login/authenticate.ts';
import type { Conversation } from '../../agent/login/conversation.ts';
import type { AuthRequest } from '../../agent/model/request.ts';
import { encodeFrame } from '../../agent/socket/frames.ts';
import { createPamServer } from '../../agent/socket/pam-server.ts';
import { begin, FrameClient, serveAt } from './clients.ts';

type Story = (request: AuthRequest, person: Conversation) => Promise<LoginResult>;

const refused: LoginResult = { decision: { kind: 'unavailable', reason: 'no-card' }, password: null };
const verdict = { type: 'verdict', code: 'unavailable', user: null, authtok: null, message: null };
const PIN = '735912';

async function serve(t: ExecutionContext, login: Story): Promise<{ path: string }> {
  return {
    path: await serveAt(
      t,
      createPamServer({ login, enter: () => Promise.reject(new Error('not asked')), log: () => undefined }),
    ),
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
  client.send(begin({ maxVersion: 7 }));
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
