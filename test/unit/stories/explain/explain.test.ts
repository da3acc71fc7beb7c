// sc_auth explain on the fakes: what the sandbox cannot show, and that it ends where the login's own decision does.
import fc from 'fast-check';
import test from 'ava';
import { NO_FLEET } from '../../../../agent/model/book/book-state.ts';
import { AgentError, type AgentErrorCode } from '../../../../agent/base/errors.ts';
import { explainLogin, type ExplainParts } from '../../../../agent/stories/explain/explain.ts';
import type { ReaderInfo } from '../../../../agent/model/inventory.ts';
import type { Link } from '../../../../agent/model/link.ts';
import { defaultPolicy, type Policy } from '../../../../policy/policy.ts';
import {
  accounts,
  alice,
  FakePairings,
  FakeToken,
  noTrust,
  PIN,
  tokensOf,
  noLogind,
} from '../../../kit/story/fakes.ts';
import { attacker, pairedTable, runLogin, victim } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';

const reader = (over: Partial<ReaderInfo> = {}): ReaderInfo => ({
  name: 'Reader',
  state: 'ready',
  atr: null,
  tokenId: null,
  error: null,
  ...over,
});

function links(over: Partial<ExplainParts> = {}, rhost: string | null = null): Promise<readonly Link[]> {
  const parts: ExplainParts = {
    policy: () => defaultPolicy,
    pairings: pairedTable(),
    tokens: tokensOf(new FakeToken(victim)),
    readers: { readers: () => [reader()] },
    accounts,
    trust: noTrust,
    sessions: noLogind,
    enforcement: () => Promise.resolve(null),
    mayDriverServe: () => true,
    fleet: () => NO_FLEET,
    ...over,
  };
  return explainLogin(
    { account: alice, service: 'sudo', rhost, inFull: true, peer: { pid: 7, uid: 0, gid: 0 } },
    parts,
  );
}

async function broken(over: Partial<ExplainParts>): Promise<string> {
  const last = (await links(over)).at(-1);
  return last?.ok === false ? last.name : 'none';
}

const holding = (over: Partial<ReaderInfo>): Partial<ExplainParts> => ({
  tokens: tokensOf(),
  readers: { readers: () => [reader(over)] },
});

test('a certificate that the login would refuse is the trust link, with the rule', async (t) => {
  const policy = { ...defaultPolicy, trust: { ...defaultPolicy.trust, level: 1 as const } };
  const last = (await links({ policy: () => policy })).at(-1);
  t.is(last?.name, 'trust');
  t.false(last?.ok);
  t.regex(last?.detail ?? '', /trust\.level/u);
});

test('U: explain says how the PIN would be asked for, as the login does', async (t) => {
  const tokens = tokensOf(new FakeToken(victim, { label: 'Fake:Key (alice)' }));
  for (const style of ['short', 'macos'] as const) {
    const last = (await links({ tokens, policy: () => policyWith({ prompt: { style } }) })).at(-1);
    const { asked } = await runLogin(null, { tokens, answers: [null], policy: { prompt: { style } } });
    t.true(last?.detail.includes(asked[0]?.trim() ?? 'nothing was asked'), last?.detail);
    t.true(last?.detail.includes(`prompt.style = ${style}`));
  }
});

test('a driver that may not run before a login is the driver link; the card behind it is not looked at', async (t) => {
  const mayDriverServe = (driver: string, service: string) =>
    driver !== 'org.scauth.fake' || service !== 'sudo';
  const last = (await links({ mayDriverServe })).at(-1);
  t.like(last, { name: 'driver', ok: false, remedy: 'sudo sc_auth enable-for-login org.scauth.fake' });
  t.is(await broken({ mayDriverServe: () => true }), 'none');
});

test('a card that does not prove the key that the pairing keeps is the pairing link', async (t) => {
  const pairings = pairedTable();
  pairings.rows = pairings.rows.map((row) => ({ ...row, cardKey: attacker.publicKey.spki }));
  const last = (await links({ pairings })).at(-1);
  t.like(last, { name: 'pairing', ok: false });
  t.regex(last?.detail ?? '', /may be a copy \(login\.card_check/);
});

test('no reader, a mute card, a failing driver, a card that is still being read', async (t) => {
  t.is(await broken({ tokens: tokensOf(), readers: { readers: () => [] } }), 'reader');
  t.is(await broken(holding({ state: 'empty' })), 'card');
  t.is(await broken(holding({ state: 'mute' })), 'card');
  t.is(await broken(holding({ state: 'reading' })), 'card');
  t.is(await broken(holding({ state: 'unknown', atr: Buffer.from('3b00', 'hex') })), 'driver');
  t.is(await broken(holding({ state: 'broken', error: new AgentError('driver-fault') })), 'driver');
  t.is(await broken(holding({ state: 'broken', error: new AgentError('card-timeout') })), 'card');
  const refused = { present: () => Promise.reject(new AgentError('not-authorised')) };
  t.is(await broken({ tokens: refused }), 'reader');
});

test('K10: what to do goes by the reason, at whichever link it is found', async (t) => {
  const remedy = async (over: Parameters<typeof links>[0]): Promise<string> =>
    (await links(over)).at(-1)?.remedy ?? '';
  const failing = (code: AgentErrorCode) => ({
    tokens: tokensOf(new FakeToken(victim, { pinState: () => Promise.reject(new AgentError(code)) })),
  });
  t.regex(await remedy(failing('card-busy')), /gpgconf --kill scdaemon/);
  t.regex(await remedy(holding({ state: 'broken', error: new AgentError('card-busy') })), /gpgconf --kill/);
  t.regex(await remedy(failing('card-fault')), /take it out and put it back/);
  t.regex(await remedy(failing('pin-expired')), /sc_auth changepin/);
  t.regex(await remedy(failing('driver-fault')), /sc_auth drivers -v/);
  t.regex(await remedy(failing('pin-blocked')), /card maker's program/);
  t.regex(await remedy(holding({ state: 'broken', error: new AgentError('module-fault') })), /put it back/);
});

test('K10: a key that is missing is said with why, and a PIV slot is named of a PIV card alone', async (t) => {
  const other = new FakeToken(victim, { use: 'signature' });
  const [last] = (await links({ tokens: tokensOf(other) })).slice(-1);
  t.is(last?.name, 'certificate');
  t.notRegex(last?.remedy ?? '', /9A/);
  Object.assign(other, { driver: 'org.scauth.piv', notes: ['9A: its certificate cannot be read'] });
  const piv = (await links({ tokens: tokensOf(other) })).at(-1);
  t.regex(piv?.remedy ?? '', /9A/);
  t.regex(piv?.detail ?? '', /9A: its certificate cannot be read/);
});

test('K7: a contactless reader is the reader link before anybody is paired, as at the pairing', async (t) => {
  const contactless = new FakeToken(victim, { reader: 'Reader NFC' });
  const pairings = new FakePairings();
  t.is(await broken({ pairings, tokens: tokensOf(contactless) }), 'reader');
  t.is(await broken({ pairings, tokens: tokensOf(new FakeToken(attacker), contactless) }), 'pairing');
  const policy = policyWith({ reader: { contactNames: ['reader nfc'] } });
  t.is(await broken({ pairings, tokens: tokensOf(contactless), policy: () => policy }), 'pairing');
});

test('L16: a table that cannot be read is not "no pairing"', async (t) => {
  const pairings = new FakePairings();
  pairings.broken = true;
  const last = (await links({ pairings })).at(-1);
  t.is(last?.name, 'pairing');
  t.regex(last?.detail ?? '', /cannot be read/);
});

test('nothing of a card reaches the terminal as it is', async (t) => {
  const all = await links(holding({ state: 'unknown', name: 'Reader\u001b[2J\u202e' }));
  t.notRegex(JSON.stringify(all), /\\u001b|\u202e/);
});

test('explain says "nothing is in the way" exactly where a login with the right PIN is granted', async (t) => {
  const scene = fc.record({
    cardsAllowed: fc.boolean(),
    services: fc.constantFrom(['*'], ['sudo'], ['login'], ['*', 'x'], ['SUDO']),
    remoteAllowed: fc.boolean(),
    contactlessAllowed: fc.boolean(),
    rhost: fc.constantFrom(null, 'localhost', 'far.example'),
    paired: fc.constantFrom('victim', 'attacker', 'nobody'),
    card: fc.constantFrom('victim', 'attacker', 'none'),
    reader: fc.constantFrom('Reader', 'Reader NFC'),
    use: fc.constantFrom('authentication' as const, 'signature' as const),
    triesLeft: fc.constantFrom(0, 1, 3),
  });
  await fc.assert(
    fc.asyncProperty(scene, async (facts) => {
      const { cardsAllowed, services, remoteAllowed, contactlessAllowed, rhost } = facts;
      const policy: Policy = policyWith({
        login: { cardsAllowed, services, remote: remoteAllowed },
        reader: { contactless: contactlessAllowed },
      });
      const pairings = new FakePairings();
      const [row] = pairedTable().rows;
      if (row !== undefined && facts.paired !== 'nobody') {
        const { publicKey } = facts.paired === 'victim' ? victim : attacker;
        pairings.rows.push({ ...row, pkhh: publicKey.pkhh, publicKey });
      }
      const { reader: name, use, triesLeft } = facts;
      const signer = facts.card === 'victim' ? victim : attacker;
      const make = () =>
        facts.card === 'none' ? [] : [new FakeToken(signer, { reader: name, use, triesLeft })];
      const state = facts.card === 'none' ? ('empty' as const) : ('ready' as const);
      const said = await links(
        {
          policy: () => policy,
          pairings,
          tokens: tokensOf(...make()),
          readers: { readers: () => [reader({ name, state })] },
        },
        rhost,
      );
      const answers = triesLeft === 1 ? ['yes', PIN] : [PIN];
      const seen = await runLogin(null, {
        policy,
        pairings,
        tokens: make(),
        answers,
        lenient: true,
        request: { rhost },
      });
      t.is(
        said.every(({ ok }) => ok),
        seen.outcome === 'granted',
        JSON.stringify({ facts, said, seen }),
      );
      t.true(said.slice(0, -1).every(({ ok }) => ok));
    }),
    { numRuns: 300 },
  );
});
