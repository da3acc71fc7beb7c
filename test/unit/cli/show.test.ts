// sc_auth show against a scripted scauthd: what stands in the picture, at each width and in each kind of locale; and that no
// text of a card leaves its place.

import test from 'ava';
import type { Surroundings } from '../../../agent/cli/context.ts';
import type { WireIdentity, WireItem, WireToken } from '../../../agent/protocol/io-scauth.ts';
import { columnsOf } from '../../../agent/base/columns.ts';
import { wrapped } from '../../../agent/cli/terminal/style.ts';
import { HASH, identity, startFakeAgent, token, type Script } from './fake-agent.ts';
import { runHere, type Outcome } from './run-sc-auth.ts';

const DAY_MS = 86_400_000;
const at = (days: number): string => new Date(Date.now() + days * DAY_MS + DAY_MS / 2).toISOString();

interface Scene {
  readonly tokens?: readonly WireToken[];
  readonly identities?: readonly WireIdentity[];
  readonly items?: readonly Partial<WireItem>[];
  readonly readers?: readonly object[];
}

function scene({ tokens = [token()], identities = [], items = [], readers = [] }: Scene): Script {
  return (call, caller) => {
    const replies: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
      'io.scauth.ListTokens': { tokens },
      'io.scauth.ListIdentities': { identities },
      'io.scauth.ListItems': { items },
      'io.scauth.ListReaders': { readers, drivers: [] },
    };
    caller.reply(replies[call.method] ?? {});
  };
}

async function show(
  what: Scene,
  args: readonly string[] = [],
  over: Partial<Surroundings> = {},
): Promise<Outcome> {
  const agent = await startFakeAgent(scene(what));
  try {
    const env = { SCAUTH_IO_SOCKET: agent.path, LANG: 'C.UTF-8', ...over.env };
    return await runHere(agent.path, ['show', ...args], { ...over, env });
  } finally {
    await agent.close();
  }
}

function screen(columns: number, colour = false): Partial<Surroundings> {
  return { screen: { columns, colour } };
}

const valid = { notBefore: at(-100), notAfter: at(300), commonName: 'Ada Lovelace', issuer: 'CN=Test CA' };
const WHOLE: Scene = {
  tokens: [token({ triesLeft: 2, pukTriesLeft: 3, pukTriesTotal: 3 })],
  identities: [
    identity({ ...valid, pin: 'once', touch: 'cached', pairedWith: ['ada', 'bob'] }),
    identity({ slot: '9C', use: 'signature', unfit: 'for signing alone' }),
  ],
};

test('a card: tries, keys, policies, owners, validity', async (t) => {
  const { code, out } = await show(WHOLE, [], screen(80));
  t.is(code, 0);
  t.regex(out, /^╭─ PIV card ─+$/m);
  t.regex(out, /PIN ●●○ 2 of 3 tries/);
  t.regex(out, /PUK ●●● 3 of 3 tries/);
  t.regex(out, /^├─ 9A for logging in ─+$/m);
  t.regex(
    out,
    /Ada Lovelace\n.*issued by CN=Test CA\n.*RSA-2048, PIN once, touch cached\n.*paired with ada, bob/,
  );
  t.regex(out, /▕█{8}░{24}▏ \d{4}-\d\d-\d\d {2}300 days left/);
  t.regex(out, /9C for signing/);
  t.false(out.includes('for signing alone'));
  t.false(out.includes('What to do'));
  t.false(out.includes('\x1b'));
});

test('each line fits 80 and 40 columns, also with names in wide characters and hashes longer than the line', async (t) => {
  const wide = identity({
    ...valid,
    commonName: '山田太郎'.repeat(20),
    issuer: 'x'.repeat(200),
    pairedWith: ['ada'],
  });
  const tokens = [
    token({ label: '山田太郎'.repeat(20), reader: 'R'.repeat(150), notes: ['a note '.repeat(25)] }),
  ];
  for (const columns of [80, 40, 34])
    for (const args of [[], ['--plain']]) {
      const { out } = await show({ tokens, identities: [wide] }, args, screen(columns));
      for (const line of out.split('\n')) t.true(columnsOf(line) <= columns, `${columns}: ${line}`);
    }
  const { out } = await show({ tokens, identities: [wide] }, [], screen(40));
  t.true(out.replaceAll(/\n│ {2}/g, '').includes(HASH));
});

test('ASCII where the locale is not UTF-8, and by --plain; the first variable that is set counts', async (t) => {
  const isPlain = async (env: Record<string, string | undefined>, ...args: string[]): Promise<boolean> =>
    !/[^\n -~]/.test((await show(WHOLE, args, { ...screen(80), env })).out);
  t.true(await isPlain({ LANG: 'C' }));
  t.true(await isPlain({ LANG: undefined }));
  t.true(await isPlain({ LC_ALL: 'POSIX', LANG: 'de_DE.UTF-8' }));
  t.true(await isPlain({}, '--plain'));
  t.false(await isPlain({ LC_ALL: '', LC_CTYPE: 'de_DE.utf8', LANG: 'C' }));
});

test('colour on a terminal that has it, and nowhere else', async (t) => {
  t.regex((await show(WHOLE, [], screen(80, true))).out, /\x1b\[32m.*2 of 3/);
  t.notRegex((await show(WHOLE, [], screen(80, false))).out, /\x1b/);
  t.notRegex((await show(WHOLE)).out, /\x1b/);
});

test('what is wrong, each with the next step', async (t) => {
  const { out } = await show(
    {
      tokens: [token({ triesLeft: 0, pukTriesLeft: 0, notes: ["the PUK is the factory's"] })],
      identities: [
        identity({ slot: '9A', notBefore: at(-10), notAfter: at(-2) }),
        identity({
          slot: '82',
          hash: '11'.repeat(20),
          notBefore: at(-10),
          notAfter: at(5),
          pairedWith: ['ada'],
        }),
        identity({
          slot: '83',
          hash: '22'.repeat(20),
          notBefore: at(5),
          notAfter: at(500),
          pairedWith: ['ada'],
        }),
      ],
      items: [{ ...trustless('82', '11'.repeat(20)), chain: WAY }],
    },
    ['--plain'],
  );
  for (const says of [
    /The PIN is blocked\. A new one, by the PUK: sc_auth unblock/,
    /The PUK is blocked/,
    /! the PUK is the factory's/,
    /The certificate in 9A ended on .* Get a new one/,
    /9A is paired with nobody\. To pair it: sc_auth pair -u USER/,
    /The certificate in 82 ends on /,
    /The certificate in 82 is not trusted: unknown authority/,
    /known here: CN=Employees CA, valid until 2036-01-01/,
    /The certificate in 83 is valid from /,
    /PIN \.\.\. 0 of 3 tries/,
  ])
    t.regex(out.replaceAll(/\n\| {2}/g, ' '), says);
  t.false(/82 is (not )?paired with nobody/.test(out));
});

const WAY = ['CN=Ada', 'CN=Employees CA'].map((subject) => ({
  subject,
  issuer: 'CN=Employees CA',
  notBefore: '2026-01-01T00:00:00.000Z',
  notAfter: '2036-01-01T00:00:00.000Z',
}));

function trustless(slot: string, hash: string): WireItem {
  const words = {
    sslTrust: 'NO',
    x509Trust: 'NO',
    trustDetail: 'unknown authority',
    chain: null,
    unfit: null,
  };
  const key = { use: 'authentication', algorithm: 'rsa2048', label: '', publicKey: '', certificate: null };
  return { token: token().id, reader: token().reader, readAt: null, slot, hash, ...key, ...words };
}

test('two cards with one name: each has its own keys, by the reader; where that is not told, both have all', async (t) => {
  const other = 'Virtual PCD 00 01';
  const tokens = [token(), token({ reader: other, label: 'Second card' })];
  const identities = [
    identity({ ...valid, hash: 'AA'.repeat(20), commonName: 'Ada', reader: token().reader }),
    identity({ ...valid, hash: 'BB'.repeat(20), commonName: 'Bob', reader: other }),
  ];
  const { out } = await show({ tokens, identities }, ['--json']);
  const hashesOf = (text: string): string[] =>
    (JSON.parse(text) as { cards: { keys: { hash: string }[] }[] }).cards.map(({ keys }) =>
      keys.map(({ hash }) => hash.slice(0, 2)).join(),
    );
  t.deepEqual(hashesOf(out), ['AA', 'BB']);
  const old = identities.map((one) => ({ ...one, reader: null }));
  t.deepEqual(hashesOf((await show({ tokens, identities: old }, ['--json'])).out), ['AA,BB', 'AA,BB']);
});

test('why a key for logins logs nobody in is said, also of one that is paired', async (t) => {
  const lost = identity({ ...valid, pairedWith: ['ada'], unfit: 'it is lost' });
  const { out } = await show({ identities: [lost] }, ['--plain']);
  t.regex(out, /paired with ada\n\| {2}not for login: it is lost/);
});

test('a user is told of no other', async (t) => {
  const { out } = await show({ identities: [identity(valid)] }, ['--plain'], { uid: 1000 });
  t.regex(out, /not paired with you/);
  t.regex(out, /To pair it: sc_auth pair$/m);
});

test('hostile names: no control character, no direction mark, no line of their own', async (t) => {
  const evil = 'Ada\x1b[2J\r\n\u202e\u2066evil\u0000';
  const { out } = await show(
    {
      tokens: [token({ label: evil, reader: evil, notes: [evil] })],
      identities: [identity({ ...valid, commonName: evil, issuer: evil, label: evil })],
    },
    [],
    screen(80),
  );
  t.notRegex(out, /[\p{Cf}\x00-\x09\x0b-\x1f]/u);
  for (const line of out.trimEnd().split('\n')) t.regex(line, /^[╭├│╰]/);
});

test('--json has the same, and nothing is drawn', async (t) => {
  const { out } = await show(WHOLE, ['--json'], screen(80));
  const { cards, unread } = JSON.parse(out) as {
    cards: { id: string; triesLeft: number; problems: string[]; keys: Record<string, unknown>[] }[];
    unread: unknown[];
  };
  t.deepEqual(unread, []);
  t.is(cards[0]?.triesLeft, 2);
  t.like(cards[0]?.keys[0], {
    slot: '9A',
    daysLeft: 300,
    pin: 'once',
    touch: 'cached',
    sslTrust: 'Not evaluated',
  });
});

test('no card, a card that nobody knows, one that is not in', async (t) => {
  const none = await show({ tokens: [] });
  t.is(none.code, 0);
  t.is(none.out, '');
  t.regex(none.err, /No card is in a reader/);
  const readers = [{ name: 'R 00', state: 'unknown', atr: '3B00', token: null, error: null }];
  const unknown = await show({ tokens: [], readers });
  t.regex(unknown.err, /In R 00 is a card that no driver knows/);
  t.is((await show(WHOLE, ['-t', 'org.scauth.piv:9'])).code, 4);
  t.is((await show(WHOLE, ['ada'])).code, 2);
});

test('lines are broken at blanks, and within a word that is longer', (t) => {
  t.deepEqual(wrapped('one two three', 7), ['one two', 'three']);
  t.deepEqual(wrapped('abcdefghij k', 4), ['abcd', 'efgh', 'ij k']);
  t.deepEqual(wrapped('山田太郎', 5), ['山田', '太郎']);
  t.deepEqual(wrapped('', 5), []);
});
