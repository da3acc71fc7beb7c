// The card's own key at login, pairing and rehearsal: a card that does not prove the paired one gets no PIN, the log
// says that it is suspect, and a policy that becomes stricter while the PIN is typed holds.

import test from 'ava';
import { pairOwnCard } from '../../../../agent/stories/pair/pair.ts';
import { rehearseLogin } from '../../../../agent/stories/explain/rehearse.ts';
import { CARD_KEY_UNASKED, type CardKeyProof } from '../../../../agent/model/card/card-key.ts';
import { defaultPolicy, type CardCheckMode, type Policy } from '../../../../policy/policy.ts';
import { makeSigner } from '../../model/signer.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noHelpDesk,
  noTrust,
  pairing,
  PIN,
  tokensOf,
  noLogind,
} from '../../../kit/story/fakes.ts';
import { runLogin, victim } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';

const own = makeSigner('p256').publicKey;
const others = makeSigner('p256').publicKey;
const PROVEN: CardKeyProof = { kind: 'proven', key: own };
const showings: Readonly<Record<string, CardKeyProof>> = {
  'another key, proven': { kind: 'proven', key: others },
  'the paired key, not proven': {
    kind: 'failed',
    key: own,
    detail: 'the signature is not by the paired key',
  },
  'no key': { kind: 'none' },
};

function tableWith(cardKey: Buffer | null): FakePairings {
  const table = new FakePairings();
  table.rows.push({ ...pairing(alice.name, victim.publicKey), cardKey });
  return table;
}

const policyOf = (cardCheck: CardCheckMode): Policy => policyWith({ login: { cardCheck } });

test.serial('the card that was paired: granted', async (t) => {
  const token = new FakeToken(victim, { cardProof: PROVEN });
  const seen = await runLogin(t, { tokens: [token], pairings: tableWith(own.spki), answers: [PIN] });
  t.is(seen.outcome, 'granted');
});

for (const [title, cardProof] of Object.entries(showings)) {
  test.serial(`${title}: no prompt, no PIN, suspect`, async (t) => {
    const token = new FakeToken(victim, { cardProof });
    const scene = { tokens: [token], pairings: tableWith(own.spki), answers: [] };
    const seen = await runLogin(t, scene);
    t.is(seen.outcome, 'denied card-suspect');
    t.deepEqual(seen.asked, []);
    t.deepEqual(token.sent, []);
    t.regex(seen.told.join(), /No PIN was sent\. Use your password/);
    t.like(seen.events[0], { kind: 'login', rule: 'login.card_check' });
    t.like(seen.events[1], { kind: 'card-suspect', check: 'card-authentication', user: 'alice' });
    const off = await runLogin(t, { ...scene, answers: [PIN], policy: policyOf('off') });
    t.is(off.outcome, 'granted', 'switched off');
  });
}

test.serial('a driver that cannot ask: no PIN either, with a word of its own, and no alarm', async (t) => {
  const token = new FakeToken(victim, { cardProof: CARD_KEY_UNASKED });
  const scene = { tokens: [token], pairings: tableWith(own.spki), answers: [] };
  const seen = await runLogin(t, scene);
  t.is(seen.outcome, 'denied card-unchecked');
  t.deepEqual([seen.asked, token.sent], [[], []]);
  t.regex(seen.told.join(), /its current driver cannot check it\. .*pair the card again/);
  const outcome = { kind: 'denied', reason: 'card-unchecked' } as const;
  t.like(seen.events, [{ kind: 'login', outcome, rule: 'login.card_check' }]);
  t.is(seen.events.length, 1, 'it may well be the card');
  const never = { ...scene, pairings: tableWith(null), lenient: true, answers: [PIN] };
  t.is((await runLogin(t, { ...never, policy: policyOf('paired') })).outcome, 'granted');
  t.is((await runLogin(t, { ...never, policy: policyOf('always') })).outcome, 'denied card-unchecked');
});

test.serial(
  'a pairing that keeps no card key: "paired" lets it in, "always" wants one that is proven',
  async (t) => {
    const scene = (cardProof: CardKeyProof, cardCheck: CardCheckMode) =>
      runLogin(t, {
        tokens: [new FakeToken(victim, { cardProof })],
        answers: [PIN],
        lenient: true,
        policy: policyOf(cardCheck),
      });
    t.is((await scene({ kind: 'none' }, 'paired')).outcome, 'granted');
    t.is((await scene({ kind: 'none' }, 'always')).outcome, 'denied card-suspect');
    t.is((await scene(PROVEN, 'always')).outcome, 'granted');
  },
);

test.serial('L12: switched on while the PIN is typed: no grant', async (t) => {
  let now = policyOf('off');
  const seen = await runLogin(t, {
    tokens: [new FakeToken(victim, { cardProof: { kind: 'none' } })],
    pairings: tableWith(own.spki),
    policy: () => now,
    answers: [
      () => {
        now = policyOf('paired');
        return PIN;
      },
    ],
  });
  t.is(seen.outcome, 'denied changed-meanwhile');
});

test.serial(
  'a pairing keeps the card key where it is proven, and only there; "always" pairs no other card',
  async (t) => {
    const pairs = (cardProof: CardKeyProof, cardCheck: CardCheckMode) => {
      const audit = new FakeAudit();
      const pairings = new FakePairings();
      const parts = {
        ...{ pairings, audit, trust: noTrust, policy: () => policyOf(cardCheck) },
        tokens: tokensOf(new FakeToken(victim, { cardProof })),
        clock: { nowMs: () => 42, monotonicMs: () => 0 },
        accounts,
        offerRider: () => null,
        helpDesk: noHelpDesk,
        checkPassword: (_: unknown, password: { wipe: () => void }) => {
          password.wipe();
          return Promise.resolve();
        },
      };
      const peer = { pid: 7, uid: alice.uid, gid: 1 };
      const person = new FakePerson(['correct horse', PIN]);
      const paired = pairOwnCard(alice, victim.publicKey.pkhh, { peer, person, parts });
      return { paired, audit, pairings, person };
    };
    t.true((await pairs(PROVEN, 'paired').paired).cardKey?.equals(own.spki));
    for (const showing of Object.values(showings).slice(1))
      t.is((await pairs(showing, 'paired').paired).cardKey, null);
    const refused = pairs({ kind: 'none' }, 'always');
    await t.throwsAsync(refused.paired, { code: 'card-suspect' });
    t.deepEqual(refused.pairings.rows, []);
    t.is(refused.person.asked.length, 0, 'before any secret is asked for');
    t.like(refused.audit.events[0], { kind: 'pairing-refused', detail: 'card-suspect' });
  },
);

test.serial('a rehearsal says no where the login does, before the PIN', async (t) => {
  const token = new FakeToken(victim, { cardProof: { kind: 'proven', key: others } });
  const seen = await rehearseLogin(alice, 'sudo', { pid: 7, uid: alice.uid, gid: 1 }, new FakePerson([]), {
    ...{ accounts, pairings: tableWith(own.spki), audit: new FakeAudit(), trust: noTrust },
    ...{
      policy: () => defaultPolicy,
      tokens: tokensOf(token),
      mayDriverServe: () => true,
      sessions: noLogind,
    },
    clock: { nowMs: () => 42, monotonicMs: () => 0 },
  });
  t.is(seen.failure?.code, 'card-suspect');
  t.deepEqual(token.sent, []);
});
