// How fresh what a machine has of its fleet's book is, which hosts an officer's names mean, and which records are pairings.
import test from 'ava';
import type { BookHead, KeptRecord } from '../../../agent/model/book/book-state.ts';
import { CLOCK_SKEW_MS, freshnessOf, isHost, refusesRecord } from '../../../policy/permit-book.ts';
import { defaultPolicy } from '../../../policy/policy.ts';
import { policyWith } from '../../kit/story/policy-with.ts';

const HOUR_MS = 3_600_000;
const ISSUED_MS = 100 * HOUR_MS;
const head: BookHead = { epoch: 1, issuedMs: ISSUED_MS, untilMs: ISSUED_MS + 48 * HOUR_MS, hash: '' };
const policy = policyWith({ fleet: { realm: 'example', officers: ['A'.repeat(64)], maxAge: 72 } });

test('freshness: no fleet, no head, then by the clock', (t) => {
  const now = { nowMs: ISSUED_MS, newestMs: 0 };
  t.is(freshnessOf(defaultPolicy, head, now, false), 'off');
  t.is(freshnessOf(policyWith({ fleet: { realm: '' } }, policy), head, now, false), 'off');
  t.is(freshnessOf(policyWith({ fleet: { officers: [] } }, policy), head, now, false), 'off');
  t.is(freshnessOf(policy, null, now, false), 'no-head');
  t.is(freshnessOf(policy, head, now, false), 'fresh');
});

test('freshness: a clock that was set back by more than clocks may differ, by the head and by what was seen', (t) => {
  const at = (nowMs: number, newestMs = 0): string => freshnessOf(policy, head, { nowMs, newestMs }, false);
  t.is(at(ISSUED_MS - CLOCK_SKEW_MS), 'fresh');
  t.is(at(ISSUED_MS - CLOCK_SKEW_MS - 1), 'clock-set-back');
  const seenMs = ISSUED_MS + HOUR_MS;
  t.is(at(seenMs - CLOCK_SKEW_MS, seenMs), 'fresh');
  t.is(at(seenMs - CLOCK_SKEW_MS - 1, seenMs), 'clock-set-back');
});

test('freshness: as old as fleet.max_age says, and a day where a card is required', (t) => {
  const after = (hours: number, isRequired: boolean): string =>
    freshnessOf(policy, head, { nowMs: ISSUED_MS + hours * HOUR_MS, newestMs: 0 }, isRequired);
  t.deepEqual(
    [after(24, true), after(25, true), after(72, false), after(73, false)],
    ['fresh', 'stale', 'fresh', 'stale'],
  );
});

test('hosts: * stands for any characters, in order; letters in any case; a domain is not left out', (t) => {
  const means: readonly [string, string, boolean][] = [
    ['*', 'ward1', true],
    ['ward1', 'WARD1', true],
    ['ward1', 'ward1.example.org', false],
    ['ward*', 'ward1', true],
    ['ward*', 'lab-ward1', false],
    ['*.example.org', 'ward1.example.org', true],
    ['*.example.org', 'example.org', false],
    ['ward-*-3-*', 'ward-a-3-b', true],
    ['ward-*-3-*', 'ward-a-4-b', false],
    ['a*b*c', 'acbc', true],
    ['a*b*c', 'abac', true],
    ['a*b*c', 'acac', false],
    ['ab*ba', 'aba', false],
  ];
  for (const [glob, host, expected] of means) t.is(isHost([glob], host), expected, `${glob} ${host}`);
  t.false(isHost([], 'ward1'));
  t.true(isHost(['lab*', 'ward*'], 'ward1'));
});

test('a record is a pairing where nothing stands against it, and within its time alone', (t) => {
  const record = {
    ...{ denied: false, revoked: false, inScope: true, forLogin: true, present: true },
    ...{ notBeforeMs: ISSUED_MS, notAfterMs: ISSUED_MS + HOUR_MS },
  } as KeptRecord;
  const now = { nowMs: ISSUED_MS, hasOfficer: true };
  t.is(refusesRecord(record, now), null);
  t.is(refusesRecord(record, { ...now, nowMs: ISSUED_MS - 1 }), 'not-yet');
  t.is(refusesRecord(record, { ...now, nowMs: ISSUED_MS + HOUR_MS - 1 }), null);
  t.is(refusesRecord(record, { ...now, nowMs: ISSUED_MS + HOUR_MS }), 'expired');
  t.is(refusesRecord(record, { ...now, hasOfficer: false }), 'no-officer');
  for (const [change, refusal] of [
    [{ denied: true }, 'denied-here'],
    [{ revoked: true }, 'revoked'],
    [{ inScope: false }, 'out-of-scope'],
    [{ forLogin: false }, 'not-for-login'],
    [{ present: false }, 'withdrawn'],
  ] as const)
    t.is(refusesRecord({ ...record, ...change }, now), refusal);
});
