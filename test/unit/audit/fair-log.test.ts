// S7: fair shares of the audit log: floods of what a user without root can cause, and what is never left out.

import test from 'ava';
import { FairAuditLog, shareOf } from '../../../agent/audit/fair-log.ts';
import type { AuditEvent } from '../../../agent/model/sealed-log/audit-event.ts';
import type { PeerCredentials } from '../../../agent/model/request.ts';
import { examples } from '../../kit/audit/events.ts';

const SHARE = 60;

function peer(uid: number, owner?: string): PeerCredentials {
  return { pid: 1, uid, gid: uid, ...(owner !== undefined && { owner }) };
}

function switched(by: PeerCredentials): AuditEvent {
  return { kind: 'prompt-state', enabled: true, scope: { level: 'machine' }, actor: by };
}

function login(by: PeerCredentials, kind: 'granted' | 'cancelled', user = 'ada'): AuditEvent {
  const found = examples.find(({ event }) => event.kind === 'login')?.event;
  if (found?.kind !== 'login') throw new Error('no example');
  return { ...found, peer: by, user, outcome: { kind } };
}

function made(write: (event: AuditEvent) => Promise<void> = () => Promise.resolve()) {
  const events: AuditEvent[] = [];
  const lines: string[] = [];
  let nowMs = 0;
  const log = new FairAuditLog(
    {
      record: async (event) => {
        await write(event);
        events.push(event);
      },
    },
    () => (nowMs += 1),
    (line) => lines.push(line),
  );
  const flood = async (event: AuditEvent, times = 1000): Promise<void> => {
    for (let time = 0; time < times; time += 1) await log.record(event);
  };
  const count = (kind: AuditEvent['kind']): number => events.filter((event) => event.kind === kind).length;
  return { events, lines, log, flood, count };
}

test('S7: a flood of one owner is recorded up to its share, and then by one record that counts', async (t) => {
  const { events, log, flood } = made();
  await flood(switched(peer(1000)));
  t.is(events.length, SHARE);
  await log.renew();
  t.like(events.at(-1), {
    kind: 'records-left-out',
    of: 'prompt-state',
    owner: 'uid 1000',
    count: 1000 - SHARE,
  });
  t.is(events.length, SHARE + 1);
  await flood(switched(peer(1000)), 1);
  await log.renew();
  t.is(events.length, SHARE + 2, 'a new window, and nothing to say of it');
});

test('S7: an owner takes nothing from another one, nor from its own other kinds', async (t) => {
  const { flood, count, events } = made();
  await flood(switched(peer(1000)));
  await flood(switched(peer(1001)), 1);
  const blocked = { kind: 'pin-blocked', tokenId: 'x', user: null, actor: peer(1000) } as const;
  await flood(blocked, 1);
  t.is(count('pin-blocked'), 1);
  t.is(events.length, SHARE + 2);
});

test('S7: subordinate uids count together, sudo by its login, a login prompt by the account', async (t) => {
  const { count, flood } = made();
  for (let uid = 100_000; uid < 100_200; uid += 1) await flood(switched(peer(uid, 'subordinates of ada')), 1);
  t.is(count('prompt-state'), SHARE);
  await flood(login(peer(0, 'login of 1000'), 'cancelled'));
  await flood(login(peer(0, 'system'), 'cancelled', 'ada'));
  await flood(login(peer(0), 'cancelled', 'bob'));
  t.is(count('login'), 3 * SHARE);
});

test('S7: grants, changes and what root does are all recorded, also within a flood by 2,000 owners', async (t) => {
  const { count, flood, events } = made();
  for (let uid = 1000; uid < 3000; uid += 1) await flood(switched(peer(uid)), 20);
  t.true(events.length <= 3000 + 1100);
  await flood(login(peer(1000), 'granted'), 200);
  await flood(switched(peer(0)), 200);
  t.is(count('login'), 200);
  t.is(events.filter((event) => event.kind === 'prompt-state' && event.actor.uid === 0).length, 200);
});

test('S7: each kind has been thought of: which of the examples are never left out', (t) => {
  const never = examples.filter(({ event }) => shareOf(event) === null).map(({ event }) => event.kind);
  t.deepEqual([...new Set(never)].sort(), [
    'break-glass-used',
    'card-found',
    'card-lost',
    'driver-changed',
    'gap',
    'keyring',
    'login',
    'pairing-added',
    'pairing-removed',
    'pin-changed',
    'policy-changed',
    'records-left-out',
    'session-locked',
  ]);
});

test('S17: while the disk does not take them, refusals wait up to a bound; the rest is counted', async (t) => {
  let release: () => void = () => undefined;
  const stuck = new Promise<void>((resolve) => (release = resolve));
  const { events, log } = made(() => stuck);
  const all: Promise<void>[] = [];
  for (let uid = 1000; uid < 1100; uid += 1)
    for (let time = 0; time < 50; time += 1) all.push(log.record(switched(peer(uid))));
  release();
  await Promise.all(all);
  t.is(events.length, 256);
  await log.renew();
  const left = events.flatMap((event) => (event.kind === 'records-left-out' ? [event.count] : []));
  t.is(
    left.reduce((sum, count) => sum + count, 0),
    100 * 50 - 256,
  );
});

test('S7: what cannot be recorded of it is said', async (t) => {
  const { lines, log, flood } = made((event) =>
    event.kind === 'records-left-out' ? Promise.reject(new Error('full')) : Promise.resolve(),
  );
  await flood(switched(peer(1000)));
  await log.renew();
  t.regex(lines.join(), /940 events of the kind prompt-state by uid 1000/);
});
