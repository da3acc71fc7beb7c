// A card that was said to be lost: who may say it of what, that nothing takes it from then on (a login in the middle too),
// that taking a pairing back does not undo it, and what else goes with it.

import test from 'ava';
import { AgentError } from '../../../../agent/base/errors.ts';
import type { Pkhh } from '../../../../agent/model/key/key.ts';
import { parseSerial, serialOf } from '../../../../agent/model/lost.ts';
import { parseTokenId } from '../../../../agent/model/card/token.ts';
import { ownCard, ownPairings } from '../../../../agent/stories/card/find/own-card.ts';
import { cardStanding } from '../../../../agent/stories/card/card-standing.ts';
import { pairForUser } from '../../../../agent/stories/pair/pair.ts';
import { sayFound, sayLost, type LostParts, type LostWhat } from '../../../../agent/stories/lost/say-lost.ts';
import { planFor } from '../../../../agent/stories/enforcement/enforcement-plan.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import { enforcedScene } from '../enforcement/enforcement-fakes.ts';
import { makeSigner } from '../../model/signer.ts';
import {
  accounts,
  alice,
  bob,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noKeyring,
  noHelpDesk,
  noTrust,
  pairing,
  PIN,
  tokensOf,
} from '../../../kit/story/fakes.ts';
import { runLogin, victim } from '../../../kit/story/run-login.ts';

const root = { pid: 1, uid: 0, gid: 0 };
const CARD = parseTokenId('org.scauth.fake:ab01');
const SERIAL = 'AB01';
const other = makeSigner('p256');

interface Scene {
  readonly table: FakePairings;
  readonly audit: FakeAudit;
  readonly parts: LostParts;
  readonly log: string[];
  readonly dropped: string[];
  locked: ((pkhh: Pkhh) => boolean) | null;
}

function scene(over: Partial<LostParts> = {}): Scene {
  const table = new FakePairings();
  table.rows.push({ ...pairing(alice.name, victim.publicKey), tokenId: CARD });
  const audit = new FakeAudit();
  const log: string[] = [];
  const dropped: string[] = [];
  const made: Scene = { table, audit, log, dropped, locked: null, parts: {} as LostParts };
  const parts: LostParts = {
    policy: () => defaultPolicy,
    pairings: table,
    lost: table.lost,
    accounts,
    clock: { nowMs: () => 5, monotonicMs: () => 0 },
    enforcement: { ...enforcedScene(), pairings: table },
    tokens: tokensOf(),
    keyring: {
      table: {
        ...noKeyring.table,
        dropSecrets: (user, pkhh) => {
          dropped.push(`${user} ${pkhh}`);
          return pkhh === null ? [] : [pkhh];
        },
      },
    },
    audit,
    lockOpened: (isLost) => {
      made.locked = (pkhh) => isLost({ ...victim.publicKey, pkhh }, 'org.scauth.fake:ffff');
      return Promise.resolve(2);
    },
    log: (line) => log.push(line),
    ...over,
  };
  return Object.assign(made, { parts });
}

const key = { pkhh: victim.publicKey.pkhh, serial: null };
const card = { pkhh: null, serial: SERIAL };
const say = (made: Scene, what: LostWhat = key, user = alice.name as typeof alice.name | null) =>
  sayLost(what, user, user ?? 'root', root, made.parts);
const codeOf = async (act: Promise<unknown>): Promise<string> => {
  try {
    await act;
    return 'done';
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error);
  }
};

test('no login takes it, and no PIN is asked for; what it had opened is locked', async (t) => {
  const made = scene();
  const report = await say(made);
  t.is(report.sessions, 2);
  t.true(made.locked?.(victim.publicKey.pkhh));
  t.false(made.locked?.(other.publicKey.pkhh));
  const token = new FakeToken(victim, { id: CARD });
  const seen = await runLogin(t, { pairings: made.table, tokens: [token] });
  t.is(seen.outcome, 'denied card-lost');
  t.deepEqual(seen.asked, []);
  t.regex(seen.told.join(), /was said to be lost.*sudo sc_auth found.*Use your password/);
  t.like(seen.events[0], { kind: 'login', rule: 'sc_auth lost' });
});

test('said while the PIN is typed, and while the card signs: not granted', async (t) => {
  const made = scene();
  const typed = new FakeToken(victim, { id: CARD });
  const whileTyped = await runLogin(t, {
    pairings: made.table,
    tokens: [typed],
    answers: [
      async () => {
        await say(made);
        return PIN;
      },
    ],
  });
  t.is(whileTyped.outcome, 'denied card-lost');
  t.deepEqual(typed.sent, []);
  const second = scene();
  const signing = new FakeToken(victim, {
    id: CARD,
    sign: (challenge) => {
      second.table.lost.sayLost([
        { kind: 'card', name: SERIAL, serial: SERIAL, user: null, by: 'root', atMs: 1 },
      ]);
      return victim.sign(challenge.message());
    },
  });
  const whileSigning = await runLogin(t, { pairings: second.table, tokens: [signing], answers: [PIN] });
  t.is(whileSigning.outcome, 'denied card-lost');
  t.is(signing.sent.length, 1);
});

test('a card under another number is still the card that was paired, and the other way round', async (t) => {
  const made = scene();
  await say(made, card, null);
  made.table.lost.rows = made.table.lost.rows.filter(({ kind }) => kind === 'card');
  const renamed = new FakeToken(victim, { id: 'org.scauth.fake:cd02' });
  t.is((await runLogin(t, { pairings: made.table, tokens: [renamed] })).outcome, 'denied card-lost');
  made.table.rows = [pairing(alice.name, victim.publicKey)];
  const itself = new FakeToken(victim, { id: CARD });
  t.is((await runLogin(t, { pairings: made.table, tokens: [itself] })).outcome, 'denied card-lost');
});

test('unpaired, it is lost all the same: nobody pairs it again, root neither, until it is found', async (t) => {
  const made = scene();
  await say(made);
  made.table.remove(alice.name, null);
  const parts = {
    ...made.parts,
    trust: noTrust,
    helpDesk: noHelpDesk,
    offerRider: () => null,
    checkPassword: () => Promise.resolve(),
  };
  const again = () =>
    pairForUser(bob.name, { kind: 'hash', pkhh: victim.publicKey.pkhh }, root, { ...parts, accounts });
  t.is(await codeOf(again()), 'card-lost');
  t.is(made.table.rows.length, 0);
  const token = new FakeToken(victim, { id: CARD });
  t.is(cardStanding(token, bob, defaultPolicy, made.table).kind, 'unfit');
  await sayFound(key, root, made.parts);
  t.is(await codeOf(again()), 'done');
});

test('its owner gets no keyring, no anchor by it', async (t) => {
  const made = scene();
  await say(made);
  const own = ownPairings(alice.name, { pairings: made.table });
  const parts = { pairings: made.table, tokens: tokensOf(new FakeToken(victim, { id: CARD })) };
  t.is(await codeOf(ownCard(alice.name, defaultPolicy, own, new FakePerson([]), parts)), 'card-lost');
});

test('a user speaks of their own keys alone; root of a key that nobody has paired too', async (t) => {
  const made = scene();
  t.is(await codeOf(say(made, key, bob.name)), 'not-paired');
  t.is(await codeOf(say(made, card, bob.name)), 'not-paired');
  t.deepEqual(made.table.lost.rows, []);
  t.deepEqual(made.audit.events, []);
  const nobodys = await say(made, { pkhh: other.publicKey.pkhh, serial: null }, null);
  t.regex(nobodys.notes.join(), /Nobody has paired it/);
  t.like(made.table.lost.rows, [{ kind: 'key', name: other.publicKey.pkhh, user: null, by: 'root' }]);
});

test('a user denies their keys by a number, and never the number: another card may have it', async (t) => {
  const made = scene();
  made.table.rows.push({ ...pairing(bob.name, other.publicKey), tokenId: CARD });
  await say(made, card);
  t.like(made.table.lost.rows, [{ kind: 'key', name: victim.publicKey.pkhh, serial: SERIAL }]);
  t.is(made.table.lost.rows.length, 1);
  const bobs = new FakeToken(other, { id: CARD });
  const seen = await runLogin(t, {
    pairings: made.table,
    tokens: [bobs],
    answers: [PIN],
    request: { user: bob.name },
  });
  t.is(seen.outcome, 'granted');
});

test('root by a number: the card, the keys that were paired from it, and those that it has now', async (t) => {
  const made = scene({ tokens: tokensOf(new FakeToken(other, { id: CARD })) });
  await say(made, card, null);
  const rows = made.table.lost.rows.map(({ kind, name }) => `${kind} ${name}`);
  t.deepEqual(rows.toSorted(), [
    `card ${SERIAL}`,
    ...[victim.publicKey.pkhh, other.publicKey.pkhh].toSorted().map((hash) => `key ${hash}`),
  ]);
  t.deepEqual(made.audit.events.map((event) => event.kind).filter((kind) => kind === 'card-lost').length, 3);
});

test('a key of two accounts is lost for both, and both are named', async (t) => {
  const made = scene();
  made.table.rows.push({ ...pairing(bob.name, victim.publicKey), tokenId: CARD });
  const { notes } = await say(made, key, null);
  t.regex(notes.join(' '), /only card of alice.*only card of bob/);
  t.deepEqual(
    made.dropped,
    [alice, bob].map(({ name }) => `${name} ${victim.publicKey.pkhh}`),
  );
});

test('said twice: it is so already; found: once, and the number takes all of the card back', async (t) => {
  const made = scene();
  await say(made, card, null);
  t.is(await codeOf(say(made, card, null)), 'already-lost');
  t.is(await codeOf(say(made, key, alice.name)), 'already-lost');
  const one = await sayFound(key, root, made.parts);
  t.regex(one.notes.join(), /still lost as a whole: sudo sc_auth found --serial AB01/);
  t.is((await sayFound(card, root, made.parts)).found.length, 1);
  t.is(await codeOf(sayFound(card, root, made.parts)), 'not-lost');
});

test('what depended on it is named: the keyring, the only card, enforcement', async (t) => {
  const made = scene();
  const enforced = enforcedScene();
  await enforced.enforcement.startTrial(60, 'root', { salt: Buffer.alloc(16), hash: Buffer.alloc(32) }, root);
  const parts = { ...made.parts, enforcement: { ...enforced, pairings: made.table } };
  const { notes } = await sayLost(key, alice.name, 'alice', root, parts);
  t.regex(notes.join('\n'), /It opened the login keyring of alice/);
  t.regex(notes.join('\n'), /only card of alice/);
  t.regex(notes.join('\n'), /sudo sc_auth enforce exempt alice/);
  const { notes: free } = await say(scene());
  t.regex(free.join('\n'), /only card of alice/);
  t.notRegex(free.join('\n'), /enforce/, 'where no card is required, nobody needs an exemption');
  t.true(made.audit.events.some((event) => event.kind === 'keyring' && event.action === 'disabled'));
});

test('the plan counts no lost card', async (t) => {
  const made = scene();
  const plan = { ...enforcedScene(), pairings: made.table };
  t.is((await planFor(alice, plan)).cards, 1);
  made.table.rows.push({ ...pairing(alice.name, other.publicKey), tokenId: CARD });
  t.is((await planFor(alice, plan)).cards, 1, 'two keys of one card');
  await say(made, card, null);
  const { cards, why } = await planFor(alice, plan);
  t.is(cards, 0);
  t.regex(why, /said to be lost/);
});

test('the denial stands where the log cannot be written, or logind fails; found does not', async (t) => {
  const made = scene({ lockOpened: () => Promise.reject(new Error('no bus')) });
  made.audit.broken = true;
  t.is((await say(made)).sessions, 0);
  t.is(made.table.lost.rows.length, 1);
  t.regex(made.log.join('\n'), /not in the audit log.*\n.*no bus/);
  t.is(await codeOf(sayFound(key, root, made.parts)), 'internal');
  t.is(made.table.lost.rows.length, 1);
});

test('a serial number, as typed and of a token', (t) => {
  t.is(serialOf(CARD), SERIAL);
  t.is(parseSerial('ab01'), SERIAL);
  t.is(parseSerial('org.scauth.fake:ab01'), SERIAL);
  for (const text of ['', 'a b', 'x'.repeat(101), 'ä'])
    t.throws(() => parseSerial(text), { code: 'invalid-argument' });
});
