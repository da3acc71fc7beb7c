// The rules as properties: no input turns a refusal into a grant, and a stricter setting never permits more.

import test from 'ava';
import fc from 'fast-check';
import {
  isRemote,
  permitAttempt,
  type AttemptFacts,
  type SessionPlace,
} from '../../../policy/permit-attempt.ts';
import { fitsLogin, mayPair } from '../../../policy/permit-pairing.ts';
import { permitTry } from '../../../policy/permit-try.ts';
import { defaultPolicy, type Policy } from '../../../policy/policy.ts';
import type { KeyUse } from '../../../agent/model/card/token.ts';
import { policyWith } from '../../kit/story/policy-with.ts';

const services = ['sudo', 'login', 'sshd', 'su'] as const;
const word = fc.oneof(fc.constantFrom<string[]>(...services), fc.string());
const uid = fc.constantFrom(0, 1000, 1001, 65534);

/** The settings that the rules of this file read; the others have files of their own. */
const policies: fc.Arbitrary<Policy> = fc
  .record({
    login: fc.record({
      cardsAllowed: fc.boolean(),
      services: fc.oneof(fc.constant(['*']), fc.array(word, { maxLength: 4 })),
      remote: fc.boolean(),
      tryReserve: fc.integer({ min: 0, max: 10 }),
      pinAttempts: fc.integer({ min: 1, max: 3 }),
    }),
    pairing: fc.record({ usersMayPair: fc.boolean() }),
  })
  .map((settings) => policyWith(settings));
const facts: fc.Arbitrary<AttemptFacts> = fc.record({
  service: word,
  rhost: fc.oneof(fc.constantFrom(null, '', 'localhost', '::1', '127.0.0.1', 'far.example'), fc.string()),
  session: fc.constantFrom<SessionPlace[]>('local', 'remote', 'none', 'unclear', 'unknown'),
  peerUid: uid,
  userUid: fc.oneof(uid, fc.constant(null)),
});

function permits(policy: Policy, fact: AttemptFacts): boolean {
  return permitAttempt(policy, fact).permitted;
}

/** `narrow` permits a subset of what `wide` does. */
function holds(name: string, narrowed: (policy: Policy) => Policy): void {
  test(`stricter never permits more: ${name}`, (t) => {
    fc.assert(
      fc.property(
        policies,
        facts,
        (policy, fact) => !permits(narrowed(policy), fact) || permits(policy, fact),
      ),
      { numRuns: 1000 },
    );
    t.pass();
  });
}

holds('cards off', (policy) => policyWith({ login: { cardsAllowed: false } }, policy));
holds('no remote', (policy) => policyWith({ login: { remote: false } }, policy));
holds('no service', (policy) => policyWith({ login: { services: [] } }, policy));
// The settings refuse `*` beside others (settings/setting.ts): what is left of such a list would mean all.
holds('one service less', (policy) =>
  policyWith(
    { login: { services: policy.login.services.slice(1).filter((service) => service !== '*') } },
    policy,
  ),
);

test('what a refusal needs, refuses whatever else is said', (t) => {
  fc.assert(
    fc.property(policies, facts, (policy, fact) => {
      const stranger = fact.peerUid !== 0 && fact.userUid !== fact.peerUid;
      const listed =
        policy.login.services.includes(fact.service) ||
        (policy.login.services.length === 1 && policy.login.services[0] === '*');
      const far =
        fact.session === 'remote' ||
        fact.session === 'unclear' ||
        (fact.session === 'none' && !['', null].includes(fact.rhost)) ||
        !['', null, 'localhost', '::1', '127.0.0.1'].includes(fact.rhost);
      const refused = stranger || !policy.login.cardsAllowed || !listed || (far && !policy.login.remote);
      return permits(policy, fact) === !refused;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('L3: an unknown word among the services never weakens the list', (t) => {
  fc.assert(
    fc.property(policies, facts, word, (policy, fact, unknown) => {
      fc.pre(unknown !== fact.service && unknown !== '*');
      const wider = policyWith({ login: { services: [...policy.login.services, unknown] } }, policy);
      return !permits(wider, fact) || permits(policy, fact);
    }),
  );
  // `*` has a meaning alone only; among others it is one more unknown word.
  t.false(
    permits(policyWith({ login: { services: ['*', 'login'] } }), {
      service: 'sudo',
      rhost: null,
      peerUid: 0,
      userUid: 0,
    }),
  );
  t.false(
    permits(policyWith({ login: { services: ['*', '*'] } }), {
      service: 'sudo',
      rhost: null,
      peerUid: 0,
      userUid: 0,
    }),
  );
  for (const near of ['SUDO', 'sudo ', 'sud', 'sudo-i', 'sudo\0']) {
    t.false(
      permits(policyWith({ login: { services: ['sudo'] } }), {
        service: near,
        rhost: null,
        peerUid: 0,
        userUid: 0,
      }),
    );
  }
});

test('each refusal names its rule and reason', (t) => {
  const fact: AttemptFacts = { service: 'sudo', rhost: null, peerUid: 1000, userUid: 1000 };
  t.deepEqual(permitAttempt(defaultPolicy, fact), { permitted: true, rule: 'login.services' });
  t.like(permitAttempt(defaultPolicy, { ...fact, userUid: null }), {
    rule: 'peer',
    reason: 'peer-not-allowed',
  });
  t.like(permitAttempt(defaultPolicy, { ...fact, userUid: 0 }), { rule: 'peer', reason: 'peer-not-allowed' });
  t.like(permitAttempt(policyWith({ login: { cardsAllowed: false } }), fact), {
    reason: 'cards-not-allowed',
  });
  t.like(permitAttempt(policyWith({ login: { services: ['su'] } }), fact), { reason: 'service-not-allowed' });
  t.like(permitAttempt(defaultPolicy, { ...fact, rhost: '10.0.0.1' }), {
    rule: 'login.remote',
    reason: 'remote-not-allowed',
  });
  t.true(permits(defaultPolicy, { ...fact, peerUid: 0, userUid: null }));
  // Doubt about the seat keeps from the card; what enforcement lets in for being remote, it does not.
  for (const session of ['remote', 'unclear'] as const)
    t.like(permitAttempt(defaultPolicy, { ...fact, session }), { rule: 'login.remote' });
  t.deepEqual(
    [isRemote({ ...fact, session: 'remote' }), isRemote({ ...fact, session: 'unclear' })],
    [true, false],
  );
});

test('the last tries need a yes, none left is blocked, and a larger reserve never permits more', (t) => {
  const rank = { blocked: 0, 'needs-consent': 1, permitted: 2 };
  const tries = fc.oneof(fc.integer({ min: -1, max: 20 }), fc.constant(null));
  fc.assert(
    fc.property(policies, tries, fc.integer({ min: 0, max: 10 }), (policy, triesLeft, more) => {
      const now = permitTry(policy, { triesLeft, triesTotal: null });
      const stricter = permitTry(
        policyWith({ login: { tryReserve: policy.login.tryReserve + more } }, policy),
        { triesLeft, triesTotal: null },
      );
      if (triesLeft !== null && triesLeft <= 0 && now !== 'blocked') return false;
      return rank[stricter] <= rank[now];
    }),
  );
  const ask = (triesLeft: number | null): string => permitTry(defaultPolicy, { triesLeft, triesTotal: 3 });
  t.deepEqual([0, 1, 2, 3, null].map(ask), [
    'blocked',
    'needs-consent',
    'permitted',
    'permitted',
    'permitted',
  ]);
});

test('only root pairs for others; users only when they may', (t) => {
  fc.assert(
    fc.property(policies, uid, uid, (policy, caller, user) => {
      const may = mayPair(policy, caller, user);
      return may === (caller === 0 || (policy.pairing.usersMayPair && caller === user));
    }),
  );
  t.pass();
});

test('only an authentication key is fit', (t) => {
  const uses: KeyUse[] = ['authentication', 'signature', 'key-management', 'card-authentication', 'retired'];
  t.deepEqual(
    uses.filter((use) => fitsLogin({ use })),
    ['authentication'],
  );
});
