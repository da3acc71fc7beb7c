// Enforcement as properties. L25: nobody is locked out without a way back; and no fact turns a "no" into a silent yes.

import test from 'ava';
import fc from 'fast-check';
import {
  isEnforced,
  keptInBy,
  permitWithoutCard,
  type AccountStanding,
  type EntryFacts,
} from '../../../policy/permit-without-card.ts';
import type { EnforcementState } from '../../../agent/model/enforcement.ts';
import { defaultPolicy, type Policy } from '../../../policy/policy.ts';
import { policyWith } from '../../kit/story/policy-with.ts';

const time = fc.integer({ min: 0, max: 1000 });
const states: fc.Arbitrary<EnforcementState> = fc.oneof(
  fc.constant({ kind: 'off' as const }),
  fc.record({ kind: fc.constant('on' as const), sinceMs: time, by: fc.constant('ada') }),
  fc.record({ kind: fc.constant('trial' as const), sinceMs: time, untilMs: time, by: fc.constant('ada') }),
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
  .map(({ enforced, allowUnpairedUsers, remote, ...login }) =>
    policyWith({ login, enforcement: { services: enforced, allowUnpairedUsers, remote } }),
  );
const entries: fc.Arbitrary<EntryFacts> = fc.record({
  service: fc.constantFrom('sudo', 'login', 'sshd'),
  rhost: fc.constantFrom(null, 'localhost', 'far.example'),
  session: fc.constantFrom('local', 'remote', 'none', 'unknown'),
  peerUid: fc.constantFrom(0, 1000),
  userUid: fc.constantFrom(0, 1000),
  isRoot: fc.boolean(),
  onConsole: fc.boolean(),
  inExemptGroup: fc.boolean(),
  isRequired: fc.boolean(),
  exemptUntilMs: fc.option(time),
  hasPairing: fc.boolean(),
  asked: fc.constantFrom('card', 'other', 'nothing'),
});

const on: EnforcementState = { kind: 'on', sinceMs: 0, by: 'ada' };

test('L25: root on a console always gets in, and not without a word in the log', (t) => {
  fc.assert(
    fc.property(policies, states, entries, time, (policy, state, some, now) => {
      const entry = {
        ...some,
        isRoot: true,
        onConsole: true,
        rhost: null,
        session: 'local' as const,
        service: 'login',
        peerUid: 0,
      };
      const { permitted, loud, rule } = permitWithoutCard(policy, state, entry, now);
      t.true(permitted);
      if (rule === 'root on a console') t.true(loud);
    }),
  );
});

test('L25: a trial that nobody confirmed is off at its end, and the card always opens', (t) => {
  fc.assert(
    fc.property(policies, entries, time, time, (policy, entry, untilMs, later) => {
      const trial = { kind: 'trial' as const, sinceMs: 0, untilMs, by: 'ada' };
      t.false(isEnforced(trial, untilMs + later));
      t.true(permitWithoutCard(policy, trial, entry, untilMs + later).permitted);
      t.true(
        permitWithoutCard(policy, on, { ...entry, asked: 'card', userUid: entry.peerUid }, later).permitted,
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
    isRequired: true,
    exemptUntilMs: null,
    hasPairing: true,
    asked: 'other',
  };
  t.is(permitWithoutCard(defaultPolicy, on, bound, 5).rule, 'enforce on');
  // Nobody is exempt because another program says so.
  const other = { ...bound, peerUid: 1000, userUid: 1001, exemptUntilMs: 9, inExemptGroup: true };
  t.is(permitWithoutCard(defaultPolicy, on, other, 5).rule, 'peer');
  t.false(permitWithoutCard(defaultPolicy, on, { ...bound, hasPairing: false }, 5).permitted);
  t.false(permitWithoutCard(defaultPolicy, on, { ...bound, exemptUntilMs: 5 }, 5).permitted);
  t.true(permitWithoutCard(defaultPolicy, on, { ...bound, exemptUntilMs: 6 }, 5).loud);
  // M38: of whom it is not required gets in, and nobody else does by that: not root, whose password opens everything.
  const free = permitWithoutCard(defaultPolicy, on, { ...bound, isRequired: false }, 5);
  t.deepEqual([free.permitted, free.rule, free.loud], [true, 'enforcement.required_groups', false]);
  const asRoot = { ...bound, isRequired: false, isRoot: true, onConsole: false };
  t.false(permitWithoutCard(defaultPolicy, on, asRoot, 5).permitted);
  t.false(permitWithoutCard(defaultPolicy, on, { ...bound, isRoot: true, onConsole: false }, 5).permitted);
  t.false(
    permitWithoutCard(defaultPolicy, on, { ...bound, isRoot: true, session: 'remote', onConsole: true }, 5)
      .loud,
  );
});

test('an exception that ends, or is taken away, never opens more; a stricter setting neither', (t) => {
  fc.assert(
    fc.property(policies, states, entries, time, (policy, state, entry, now) => {
      const less = {
        ...entry,
        inExemptGroup: false,
        isRequired: true,
        exemptUntilMs: null,
        asked: 'other' as const,
      };
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
    hasCard: fc.boolean(),
    isBound: fc.boolean(),
    lastCardLoginMs: fc.option(time),
    inExemptGroup: fc.boolean(),
    isRequired: fc.boolean(),
    exemptUntilMs: fc.option(time),
  });
  fc.assert(
    fc.property(policies, standings, time, (policy, account, now) => {
      const why = keptInBy(policy, account, now);
      const { inExemptGroup, isRequired, exemptUntilMs, isBound } = account;
      const entry: EntryFacts = {
        service: 'sudo',
        rhost: null,
        session: 'local',
        peerUid: 0,
        userUid: 1000,
        isRoot: false,
        onConsole: false,
        inExemptGroup,
        isRequired,
        exemptUntilMs,
        hasPairing: isBound,
        asked: why === 'card' ? 'card' : 'other',
      };
      if (why !== null) t.true(permitWithoutCard(policy, on, entry, now).permitted);
    }),
  );
});

test('an ssh key, a ticket and a cron job: only where they are ways in from other hosts, and only if that is bound', (t) => {
  const some: EntryFacts = {
    service: 'sudo',
    rhost: null,
    peerUid: 0,
    userUid: 1000,
    isRoot: false,
    onConsole: false,
    inExemptGroup: false,
    isRequired: true,
    exemptUntilMs: null,
    hasPairing: true,
    asked: 'nothing',
  };
  const bound = { ...defaultPolicy, enforcement: { ...defaultPolicy.enforcement, remote: true } };
  const rule = (policy: Policy, more: Partial<EntryFacts>): string =>
    permitWithoutCard(policy, on, { ...some, ...more }, 5).rule;
  for (const service of ['sudo', 'cron', 'systemd-user', 'runuser', 'gdm-autologin'])
    t.is(rule(bound, { service }), 'nobody was asked', service);
  t.is(rule(bound, { session: 'remote' }), 'nobody was asked', 'sudo has its own word on that');
  t.is(rule(bound, { service: 'sshd', rhost: 'far.example' }), 'enforce on');
  t.is(rule(bound, { service: 'sshd', rhost: '127.0.0.1' }), 'enforce on', 'a tunnel');
  t.is(rule(bound, { service: 'vsftpd', rhost: 'far.example' }), 'enforce on');
  t.is(rule(defaultPolicy, { service: 'sshd', rhost: 'far.example' }), 'enforcement.remote');
});

test('stricter never permits more, and an unknown word among the services never weakens', (t) => {
  const permits = (policy: Policy, state: EnforcementState, entry: EntryFacts, now: number): boolean =>
    permitWithoutCard(policy, state, entry, now).permitted;
  const word = fc.oneof(fc.constantFrom('sudo', 'login', 'sshd', '*'), fc.string());
  fc.assert(
    fc.property(policies, states, entries, time, word, (policy, state, entry, now, unknown) => {
      const { enforcement } = policy;
      const wider = { ...enforcement, services: [...enforcement.services, unknown] };
      for (const stricter of [
        wider,
        { ...enforcement, allowUnpairedUsers: false },
        { ...enforcement, remote: true },
      ])
        if (permits({ ...policy, enforcement: stricter }, state, entry, now))
          t.true(permits(policy, state, entry, now));
      // On is the strictest state, and whoever gets in while it is on gets in always.
      if (permits(policy, on, entry, now)) t.true(permits(policy, state, entry, now));
      // The strictest facts: the person was asked, and nothing speaks for them.
      const bare = {
        ...entry,
        asked: 'other' as const,
        isRoot: false,
        hasPairing: true,
        exemptUntilMs: null,
      };
      if (permits(policy, state, { ...bare, inExemptGroup: false, isRequired: true }, now))
        t.true(permits(policy, state, entry, now));
    }),
    { numRuns: 500 },
  );
});

test('L12: a clock that was set back does not make a trial longer', (t) => {
  fc.assert(
    fc.property(time, time, time, (since, length, now) => {
      const trial = { kind: 'trial' as const, sinceMs: since, untilMs: since + length, by: 'ada' };
      t.is(isEnforced(trial, now), now >= since && now < since + length);
    }),
  );
});

test('an exemption keeps an account in until it ends', (t) => {
  const standing: AccountStanding = {
    user: 'ada',
    isRoot: false,
    hasCard: false,
    isBound: false,
    lastCardLoginMs: null,
    inExemptGroup: false,
    isRequired: true,
    exemptUntilMs: 1000,
  };
  const policy = policyWith({ enforcement: { services: ['*'], allowUnpairedUsers: false } });
  t.is(keptInBy(policy, standing, 999), 'exemption');
  t.is(keptInBy(policy, standing, 1000), null);
  t.is(keptInBy(policy, { ...standing, exemptUntilMs: null }, 999), null);
});
