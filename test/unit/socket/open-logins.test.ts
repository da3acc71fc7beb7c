// scauthd stops in the middle of logins: a card that is at work comes to its verdict, a person who types is let go.

import test from 'ava';
import { freeSecretSlots } from '../../../agent/base/secret.ts';
import type { LoginResult } from '../../../agent/stories/login/login-parts.ts';
import { OpenLogins } from '../../../agent/socket/open-logins.ts';
import { begin, FrameClient, serveAt, slotsBack, pamServer } from './clients.ts';

const LONG_MS = 60_000;
const refused: LoginResult = { decision: { kind: 'unavailable', reason: 'no-card' }, password: null };
const free = freeSecretSlots();
test.beforeEach(() => slotsBack(free));

test.serial('who types is let go, whose card works gets the verdict, and then it is over', async (t) => {
  const open = new OpenLogins();
  const working: (() => void)[] = [];
  const asked: unknown[] = [];
  const path = await serveAt(
    t,
    pamServer({
      open,
      log: (line) => {
        t.fail(line);
      },
      login: async (request, person) => {
        if (request.service === 'asks') asked.push(await person.ask('PIN: ', false));
        else await new Promise<void>((resolve) => working.push(resolve));
        // The card is done and wants something more of the person: nobody is asked now.
        if (request.service === 'works-then-asks') asked.push(await person.ask('PIN: ', false));
        return refused;
      },
    }),
  );
  const [typing, works, more] = ['asks', 'works', 'works-then-asks'].map((service) => {
    const client = new FrameClient(t, path);
    client.send(begin({ service }));
    return client;
  }) as [FrameClient, FrameClient, FrameClient];
  t.is((await typing.nextWord())?.type, 'ask');
  while (working.length < 2) await new Promise(setImmediate);

  let over = false;
  const finished = open.finish(LONG_MS).then(() => {
    over = true;
  });
  t.is(await typing.nextWord(), null);
  t.false(over);
  for (const done of working) done();
  t.is((await works.nextWord())?.type, 'verdict');
  t.is(await more.nextWord(), null);
  await finished;
  t.deepEqual(asked, [null, null]);
});

test.serial('a card that never answers is not waited for', async (t) => {
  const open = new OpenLogins();
  open.add(new Promise(() => undefined));
  await open.finish(1);
  t.true(open.stopping.aborted);
});
