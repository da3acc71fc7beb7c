// What a method is given is judged before a card is asked or a person is spoken to: each limit from just outside it.

import test from 'ava';
import { asNobody, rootTest } from '../../base/folders.ts';
import { victim } from '../../../kit/story/run-login.ts';
import { serve } from '../admin-place.ts';
import { VarlinkClient, type Reply } from '../clients.ts';

const hash = victim.publicKey.pkhh;
const INVALID = 'org.varlink.service.InvalidParameter';
const FAILED = 'io.scauth.Failed';
const ABSENT = 'org.scauth.fake:02';

type Case = readonly [
  method: string,
  parameters: Readonly<Record<string, unknown>>,
  error: string,
  name: string,
];

const challenge = { challenge: 'ABC', host: '00', user: 'alice', hash, recipient: hash, sealed: '' };
const key = { label: 'login', algorithm: 'p256' };

/** Calls that are answered at once. */
const plain: readonly Case[] = [
  ['GetHealth', { days: 3651 }, INVALID, 'days'],
  ['ListItems', { token: ABSENT }, FAILED, 'no-card'],
  ['ListItems', { token: 'no token' }, FAILED, 'invalid-argument'],
  ['ListPairings', { after: `alice ${hash} x` }, INVALID, 'after'],
  ['ListLost', { after: 'key' }, INVALID, 'after'],
  ['ListLost', { after: 'pin x' }, INVALID, 'after'],
  ['ListLost', { after: 'key x y' }, INVALID, 'after'],
  ['PlanEnforcement', { after: 'x y z' }, INVALID, 'after'],
  ['SayLost', {}, FAILED, 'invalid-argument'],
  ['SayLost', { hash, serial: '01' }, FAILED, 'invalid-argument'],
  ['SayLost', { hash, by: '' }, INVALID, 'by'],
  ['SayLost', { hash, by: 'x'.repeat(201) }, INVALID, 'by'],
  ['SayFound', {}, FAILED, 'invalid-argument'],
  ['Exempt', { user: 'alice', until: '1969-12-31T00:00:00Z' }, INVALID, 'until'],
  ['Exempt', { user: 'alice', until: '9999-12-31T00:00:00Z' }, INVALID, 'until'],
  ['Exempt', { user: 'alice', until: 'tomorrow' }, INVALID, 'until'],
  ['Unpair', { user: 'alice', hash }, FAILED, 'not-paired'],
  ['ConfirmEnforcement', {}, FAILED, 'invalid-argument'],
  ['SetBreakGlass', { salt: '', codeHash: '' }, INVALID, 'codeHash'],
];

/** Calls of an upgraded connection: the error comes instead of a conversation. */
const upgraded: readonly Case[] = [
  ['Rehearse', { service: '' }, INVALID, 'service'],
  ['Rehearse', { service: '../sudo' }, INVALID, 'service'],
  ['Rehearse', { service: 'x'.repeat(65) }, INVALID, 'service'],
  ['Pair', { hash, keyring: 'perhaps' }, INVALID, 'keyring'],
  ['AnswerChallenge', { ...challenge, challenge: 'x'.repeat(21) }, INVALID, 'challenge'],
  ['AnswerChallenge', { ...challenge, sealed: 'x'.repeat(2001) }, INVALID, 'sealed'],
  ['CreateKey', { ...key, label: '' }, INVALID, 'label'],
  ['CreateKey', { ...key, label: 'two\nlines' }, INVALID, 'label'],
  ['CreateKey', { ...key, label: 'é'.repeat(17) }, INVALID, 'label'],
  ['CreateKey', { ...key, algorithm: 'rsa2048' }, INVALID, 'algorithm'],
  ['CreateKey', { ...key, commonName: 'x'.repeat(65) }, INVALID, 'commonName'],
  ['CreateKey', { ...key, unit: 'a\u202eb' }, INVALID, 'unit'],
  ['CreateKey', { ...key, email: 'ada at example' }, INVALID, 'email'],
  ['CreateKey', { ...key, country: 'de' }, INVALID, 'country'],
  ['SetUp', { algorithm: 'dsa' }, INVALID, 'algorithm'],
  ['SetUp', { pinPolicy: 'never' }, INVALID, 'pinPolicy'],
  ['SetUp', { touchPolicy: 'twice' }, INVALID, 'touchPolicy'],
  ['SetUp', { keyring: 'perhaps' }, INVALID, 'keyring'],
];

/** What is root's, or one's own, and is asked for by somebody else. */
const forbidden = [
  ['CreateKey', { ...key, newToken: true }],
  ['SetUp', { user: 'nobody' }],
  ['ChangePin', { user: 'alice' }],
  ['SignAnchor', { user: 'nobody' }],
] as const;

function named(reply: Reply | null): readonly unknown[] {
  const { code, parameter } = reply?.parameters ?? {};
  return [reply?.error, code ?? parameter];
}

for (const [what, cases, upgrade] of [
  ['plain', plain, false],
  ['upgraded', upgraded, true],
] as const)
  test(`a parameter that is out of bounds is refused by its name: ${what} calls`, async (t) => {
    const { path } = await serve(t);
    for (const [method, parameters, error, name] of cases) {
      const client = new VarlinkClient(t, path);
      client.send({ method: `io.scauth.${method}`, parameters, upgrade });
      t.deepEqual(named(await client.next()), [error, name], `${method} ${JSON.stringify(parameters)}`);
    }
  });

rootTest('a prompt is switched for a card that is in, and for no other', async (t) => {
  const { path, table } = await serve(t);
  const client = asNobody(() => new VarlinkClient(t, path));
  const reply = await client.call('io.scauth.SetPairingPrompt', { enabled: false, token: ABSENT });
  t.deepEqual(named(reply), [FAILED, 'no-card']);
  t.is(table.prompts.size, 0);
});

rootTest('what is root’s is refused to others before anybody is asked', async (t) => {
  const { path } = await serve(t);
  for (const [method, parameters] of forbidden) {
    const client = asNobody(() => new VarlinkClient(t, path));
    client.send({ method: `io.scauth.${method}`, parameters, upgrade: true });
    t.is((await client.next())?.error, 'org.varlink.service.PermissionDenied', method);
  }
});
