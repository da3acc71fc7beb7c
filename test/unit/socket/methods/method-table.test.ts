// The table of methods: each method of the interface file is in it, and those that end a word the same are none.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { SessionCards } from '../../../../agent/stories/removal/session-cards.ts';
import { methodNamed } from '../../../../agent/socket/methods/method-table.ts';
import { victim } from '../../../kit/story/run-login.ts';
import { clock, serve } from '../admin-place.ts';
import { VarlinkClient } from '../clients.ts';

const file = readFileSync(join(import.meta.dirname, '../../../../agent/protocol/io.scauth.varlink'), 'utf8');
const names = [...file.matchAll(/^method (\w+)\(/gm)].map(([, name]) => name ?? '');

test('S10: every method of the interface has its facts, and nothing else has', (t) => {
  t.true(names.length > 25);
  for (const name of names) t.not(methodNamed(`io.scauth.${name}`), null, name);
  for (const name of [
    'Unpair',
    'x.Unpair',
    'io.scauth.x.Unpair',
    'io.scauth.constructor',
    'io.scauth.',
    '__proto__',
  ])
    t.is(methodNamed(name), null, name);
});

test('S9: whatever asks for a secret is for who is at the machine, and is no call without an answer', (t) => {
  const asks = names
    .map((name) => methodNamed(`io.scauth.${name}`))
    .filter((method) => method?.kind === 'story');
  t.is(asks.length, 16);
  for (const method of asks) t.false(method.oneway, method.name);
});

test.serial(
  'S10: sessions are woken by what has changed, and by nothing that was refused or is no method',
  async (t) => {
    const sessionCards = new SessionCards(clock);
    const { path } = await serve(t, { sessionCards });
    let woken = 0;
    sessionCards.onChange(() => {
      woken += 1;
    });
    const client = new VarlinkClient(t, path);
    const hash = victim.publicKey.pkhh;
    for (const [method, parameters] of [
      ['io.x.Unpair', {}],
      ['Unpair', {}],
      ['io.scauth.SetPairingPrompt', { enabled: 'yes' }],
      ['io.scauth.AddPairing', { user: 'no-such', hash }],
      ['io.scauth.Unpair', { user: 'alice', hash }],
    ] as const)
      t.not((await client.call(method, parameters))?.error, undefined, method);
    t.is(woken, 0);
    t.is((await client.call('io.scauth.AddPairing', { user: 'alice', hash }))?.error, undefined);
    t.is(woken, 1);
    t.is((await client.call('io.scauth.SetPairingPrompt', { enabled: false }))?.error, undefined);
    t.is(woken, 2);
  },
);
