// Enforcement as properties. L25: nobody is locked out without a way back; and no fact turns a "no" into a silent yes.

import test from 'ava';
import fc from 'fast-check';
import {
  isEnforced,
  keptInBy,
  permitWithoutCard,
  type AccountStanding,
  type EnforcementState,
  type EntryFacts,
} from '../../policy/permit-without-card.ts';
import { defaultPolicy, type Policy } from '../../policy/policy.ts';

const time = fc.integer({ min: 0, max: 1000 });
const states: fc.Arbitrary<EnforcementState> = fc.oneof(
  fc.constant({ kind: 'off' as const }),
  fc.record({ kind: fc.constant('on' as const), sinceMs: time }),
  fc.record({ kind: fc.constant('trial' as const), sinceMs: time, untilMs: time }),
);
const services = fc.constantFrom(['*'], ['sudo'], ['login', 'sudo'], [], ['*', 'sudo']);
const policies: fc.Arbitrary<Policy> = fc
  .record({
    cardsAllowed: fc.boolean(),
    services,
    enforced: services,
    allowUnpairedUsers: fc.boolean(),
    remote: fc.boolean(),
  })
  .map(({ enforced, allowUnpairedUsers, remote, ...rest }) => ({
    ...defaultPolicy,
    ...rest,
    enforcement: { ...defaultPolicy.enforcement, services: enforced, allowUnpairedUsers, remote },
  }));
const entries: fc.Arbitrary<EntryFacts> = fc.record({
  service: fc.constantFrom('sudo', 'login', 'sshd'),
  rhost: fc.constantFrom(null, 'localhost', 'far.example'),
  session: fc.constantFrom('local', 'remote', 'none', 'unknown'),
  peerUid: fc.constantFrom(0, 1000),
  userUid: fc.constantFrom(0, 1000),
  isRoot: fc.boolean(),
  onConsole: fc.boolean(),
  inExemptGroup: fc.boolean(),
  exemptUntilMs: fc.option(time),
  hasPairing: fc.boolean(),
  usedCard: fc.boolean(),
});

test('L25: root on a console always gets in, and not without a word in the log', (t) => {
  fc.assert(
    fc.property(policies, states, entries, time, (policy, state, some, now) => {
      const entry = { ...some, isRoot: true, onConsole: true, rhost: null, session: 'local' as const };
      const { permitted, loud, rule } = permitWithoutCard(policy, state, entry, now);
      t.true(permitted);
      if (rule === 'root on a console') t.true(loud);
    }),
  );
});

test('L25: a trial that nobody confirmed is off at its end, and the card always opens', (t) => {
  fc.assert(
    fc.property(policies, entries, time, time, (policy, entry, untilMs, later) => {
      const trial = { kind: 'trial' as const, sinceMs: 0, untilMs };
      t.false(isEnforced(trial, untilMs + later));
      t.true(permitWithoutCard(policy, trial, entry, untilMs + later).permitted);
      t.true(
        permitWithoutCard(policy, { kind: 'on', sinceMs: 0 }, { ...entry, usedCard: true }, later).permitted,
      );
    }),
  );
});

test('whoever is bound and has no exception is refused', (t) => {
  const bound: EntryFacts = {
    service: 'sudo',
    rhost: null,
    session: 'local',
    peerUid: 0,
    userUid: 1000,
    isRoot: false,
    onConsole: true,
    inExemptGroup: false,
    exemptUntilMs: null,
    hasPairing: true,
    usedCard: false,
  };
  const on = { kind: 'on' as const, sinceMs: 0 };
  t.false(permitWithoutCard(defaultPolicy, on, bound, 5).permitted);
  t.false(permitWithoutCard(defaultPolicy, on, { ...bound, hasPairing: false }, 5).permitted);
  t.false(permitWithoutCard(defaultPolicy, on, { ...bound, exemptUntilMs: 5 }, 5).permitted);
  t.true(permitWithoutCard(defaultPolicy, on, { ...bound, exemptUntilMs: 6 }, 5).loud);
  t.false(permitWithoutCard(defaultPolicy, on, { ...bound, isRoot: true, onConsole: false }, 5).permitted);
  t.false(
    permitWithoutCard(defaultPolicy, on, { ...bound, isRoot: true, session: 'remote', onConsole: true }, 5)
      .loud,
  );
});

test('an exception that ends, or is taken away, never opens more; a stricter setting neither', (t) => {
  fc.assert(
    fc.property(policies, states, entries, time, (policy, state, entry, now) => {
      const less = { ...entry, inExemptGroup: false, exemptUntilMs: null, usedCard: false };
      if (permitWithoutCard(policy, state, less, now).permitted)
        t.true(permitWithoutCard(policy, state, entry, now).permitted);
      const enforcement = { ...policy.enforcement, allowUnpairedUsers: false, remote: true, services: ['*'] };
      if (permitWithoutCard({ ...policy, enforcement }, state, entry, now).permitted)
        t.true(permitWithoutCard(policy, state, entry, now).permitted);
    }),
  );
});

test('L25: the plan keeps nobody in whom enforcement would shut out of a local sudo', (t) => {
  const standings: fc.Arbitrary<AccountStanding> = fc.record({
    user: fc.constant('ada'),
    isRoot: fc.constant(false),
    hasPairing: fc.boolean(),
    lastCardLoginMs: fc.option(time),
    inExemptGroup: fc.boolean(),
    exemptUntilMs: fc.option(time),
  });
  fc.assert(
    fc.property(policies, standings, time, (policy, account, now) => {
      const why = keptInBy(policy, account, now);
      const { inExemptGroup, exemptUntilMs, hasPairing } = account;
      const entry: EntryFacts = {
        service: 'sudo',
        rhost: null,
        session: 'local',
        peerUid: 0,
        userUid: 1000,
        isRoot: false,
        onConsole: false,
        inExemptGroup,
        exemptUntilMs,
        hasPairing,
        usedCard: why === 'card',
      };
      if (why !== null) t.true(permitWithoutCard(policy, { kind: 'on', sinceMs: 0 }, entry, now).permitted);
    }),
  );
});
