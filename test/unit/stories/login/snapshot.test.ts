// What changes while a person types, who asks, and from where; and that no sequence of card behaviours is a grant
// without a signature by the paired key.

import test from 'ava';
import fc from 'fast-check';
import { AgentError } from '../../../../agent/base/errors.ts';
import { VerifiedProof, type Proof } from '../../../../agent/model/proof.ts';
import { parseUsername, type PeerCredentials } from '../../../../agent/model/request.ts';
import { defaultPolicy, type Policy } from '../../../../policy/policy.ts';
import { alice, FakeToken, pairing, PIN } from '../../../kit/story/fakes.ts';
import { attacker, pairedTable, runLogin, victim } from '../../../kit/story/run-login.ts';
import { policyWith, type PolicyChanges } from '../../../kit/story/policy-with.ts';

const peer = (uid: number): PeerCredentials => ({ pid: 7, uid, gid: uid });

test.serial('L12: unpaired during the prompt: the PIN is not sent', async (t) => {
  const pairings = pairedTable();
  const token = new FakeToken(victim);
  const unpair = (): string => {
    pairings.remove(alice.name, null);
    return PIN;
  };
  const seen = await runLogin(t, { pairings, tokens: [token], answers: [unpair] });
  t.is(seen.outcome, 'denied changed-meanwhile');
  t.deepEqual(token.sent, []);
  t.regex(seen.told.join(), /was changed while you typed/);
});

test.serial('L12: unpaired while the card signs', async (t) => {
  const pairings = pairedTable();
  const token = new FakeToken(victim, {
    sign: (challenge) => {
      pairings.remove(alice.name, null);
      return victim.sign(challenge.message());
    },
  });
  const seen = await runLogin(t, { pairings, tokens: [token], answers: [PIN] });
  t.is(seen.outcome, 'denied changed-meanwhile');
});

test.serial('L12: the key behind the hash exchanged, fixed or taken away during the prompt', async (t) => {
  const { publicKey } = victim;
  const collision = { ...attacker.publicKey, pkhh: publicKey.pkhh };
  for (const [before, after] of [
    [publicKey, collision],
    [publicKey, null],
    [null, publicKey],
  ] as const) {
    const pairings = pairedTable();
    pairings.rows = [pairing(alice.name, publicKey, before)];
    const token = new FakeToken(victim);
    const exchange = (): string => {
      pairings.rows = [pairing(alice.name, publicKey, after)];
      return PIN;
    };
    const seen = await runLogin(t, { pairings, tokens: [token], answers: [exchange] });
    t.is(seen.outcome, 'denied changed-meanwhile');
    t.deepEqual(token.sent, []);
  }
});

test.serial('L12: a policy that forbids during the prompt forbids', async (t) => {
  for (const change of [
    { login: { cardsAllowed: false } },
    { login: { services: ['su'] } },
    { login: { services: [] } },
  ] satisfies PolicyChanges[]) {
    let policy: Policy = defaultPolicy;
    const reload = (): string => {
      policy = policyWith(change);
      return PIN;
    };
    const tokens = [new FakeToken(victim)];
    const seen = await runLogin(t, { policy: () => policy, tokens, answers: [reload] });
    t.is(seen.outcome, 'denied changed-meanwhile');
  }
});

test.serial('L12: a policy that permits more during the prompt permits nothing new', async (t) => {
  let policy: Policy = policyWith({ login: { tryReserve: 3 } });
  const reload = (): string => {
    policy = policyWith({ login: { tryReserve: 0, pinAttempts: 3 } });
    return 'no';
  };
  const token = new FakeToken(victim);
  const seen = await runLogin(t, { policy: () => policy, tokens: [token], answers: [reload] });
  t.is(seen.outcome, 'denied pin-reserve');
  const attempts = new FakeToken(victim);
  policy = defaultPolicy;
  const wrong = (): string => {
    policy = policyWith({ login: { pinAttempts: 3 } });
    return '000000';
  };
  t.is(
    (await runLogin(t, { policy: () => policy, tokens: [attempts], answers: [wrong] })).outcome,
    'denied wrong-pin',
  );
});

test.serial('L19: a peer that is not root may ask for itself only', async (t) => {
  for (const [uid, user, outcome] of [
    [1000, 'alice', 'granted'],
    [1001, 'alice', 'denied peer-not-allowed'],
    [65_534, 'alice', 'denied peer-not-allowed'],
    [1000, 'nobody-here', 'denied peer-not-allowed'],
  ] as const) {
    const token = new FakeToken(victim);
    const answers = outcome === 'granted' ? [PIN] : [];
    const request = { peer: peer(uid), user: parseUsername(user) };
    const seen = await runLogin(t, { tokens: [token], answers, request });
    t.is(seen.outcome, outcome);
    if (outcome !== 'granted') t.deepEqual([seen.asked, seen.told, token.sent], [[], [], []]);
    t.like(seen.events[0], { peer: { uid } });
  }
  const nameless = await runLogin(t, { request: { peer: peer(1000), user: null } });
  t.is(nameless.outcome, 'denied peer-not-allowed');
});

test.serial('L19: the name service failing is no permission', async (t) => {
  const failing = {
    byName: () => Promise.reject(new AgentError('internal')),
    byUid: () => Promise.resolve(null),
  };
  const seen = await runLogin(t, {
    tokens: [new FakeToken(victim)],
    request: { peer: peer(1000) },
    parts: { accounts: failing },
  });
  t.is(seen.outcome, 'unavailable internal');
  t.deepEqual(seen.asked, []);
});

test.serial(
  'a remote host, a service that is not listed, cards switched off: nothing is asked',
  async (t) => {
    for (const [policy, request, outcome] of [
      [{}, { rhost: 'far.example' }, 'denied remote-not-allowed'],
      [{ login: { services: ['su'] } }, {}, 'denied service-not-allowed'],
      [{ login: { cardsAllowed: false } }, {}, 'denied cards-not-allowed'],
    ] as const) {
      const seen = await runLogin(t, { policy, request, tokens: [new FakeToken(victim)] });
      t.is(seen.outcome, outcome);
      t.deepEqual([seen.asked, seen.told], [[], []]);
      t.is(seen.events.length, 1);
    }
    const permitted = { policy: { login: { remote: true } }, request: { rhost: 'far.example' } };
    t.is(
      (await runLogin(t, { ...permitted, tokens: [new FakeToken(victim)], answers: [PIN] })).outcome,
      'granted',
    );
  },
);

/** What a card may do when it is to sign; only `honest` is a signature by the paired key over this challenge. */
const behaviours = [
  'honest',
  'other-key',
  'replay',
  'garbage',
  'empty',
  'wrong-scheme',
  'fails',
  'throws',
] as const;
type Behaviour = (typeof behaviours)[number];

let replayed: Proof = { scheme: 'ecdsa-sha256', signature: Buffer.from([0x30, 0]) };

function misbehave(behaviour: Behaviour, message: Buffer): Proof {
  switch (behaviour) {
    case 'honest':
      replayed = victim.sign(message);
      return replayed;
    case 'other-key':
      return attacker.sign(message);
    case 'replay':
      return replayed;
    case 'garbage':
      return { scheme: 'ecdsa-sha256', signature: Buffer.alloc(72, 0x30) };
    case 'empty':
      return { scheme: 'ecdsa-sha256', signature: Buffer.alloc(0) };
    case 'wrong-scheme':
      return { ...victim.sign(message), scheme: 'ed25519' };
    case 'fails':
      throw new AgentError('card-fault');
    case 'throws':
      throw new TypeError('bug');
  }
}

const answer = fc.constantFrom(PIN, '000000', '111111', '', 'correct horse', 'yes', 'no', null);
const scene = fc.record({
  behaviour: fc.constantFrom(...behaviours),
  answers: fc.array(answer, { maxLength: 8 }),
  triesLeft: fc.constantFrom(null, 0, 1, 2, 3, 15),
  pinAttempts: fc.integer({ min: 1, max: 3 }),
  tryReserve: fc.integer({ min: 0, max: 3 }),
  claims: fc.constantFrom(victim.publicKey, attacker.publicKey, {
    ...attacker.publicKey,
    pkhh: victim.publicKey.pkhh,
  }),
  peerUid: fc.constantFrom(0, 1000, 1001),
});

/** The one that must be granted, so that the property is seen to tell yes from no. */
const HONEST = {
  pinAttempts: 1,
  tryReserve: 1,
  behaviour: 'honest',
  answers: [PIN],
  triesLeft: 3,
  claims: victim.publicKey,
  peerUid: 0,
} as const;

test.serial('no sequence of behaviours is granted without a signature by the paired key', async (t) => {
  let grants = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(scene, { minLength: 1, maxLength: 4 }), async (scenes) => {
      for (const one of scenes) {
        const { behaviour, triesLeft, claims, pinAttempts, tryReserve, peerUid } = one;
        const token = new FakeToken(victim, {
          triesLeft,
          claims,
          sign: (challenge) => misbehave(behaviour, challenge.message()),
        });
        const seen = await runLogin(null, {
          tokens: [token],
          // Unused answers are no fault here: the last one is never reached.
          answers: one.answers,
          lenient: true,
          policy: { login: { pinAttempts, tryReserve } },
          request: { peer: peer(peerUid) },
        });
        if (seen.decision.kind !== 'granted') continue;
        grants += 1;
        const right = behaviour === 'honest' && claims === victim.publicKey && peerUid !== 1001;
        if (!right || token.sent.at(-1) !== PIN) return false;
        if (!VerifiedProof.isGenuine(seen.decision.proof) || seen.events.length !== 1) return false;
        // The same PIN never twice, and never more PINs than policy and counter permit.
        if (new Set(token.sent).size !== token.sent.length || token.sent.length > pinAttempts) return false;
      }
      return true;
    }),
    { numRuns: 400, examples: [[[{ ...HONEST, answers: [...HONEST.answers] }]]] },
  );
  t.true(grants > 0, 'the property never saw a grant');
});
