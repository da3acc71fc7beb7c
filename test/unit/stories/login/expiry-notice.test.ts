// A certificate that is about to end is told after a grant: once a day for each key, from the set number of days on,
// also where sudo asks for silence; never after a refusal, and nothing that goes wrong there touches the login.
import test from 'ava';
import { tellExpiry } from '../../../../agent/stories/login/expiry-notice.ts';
import type { Certificate, Pkhh } from '../../../../agent/model/key/key.ts';
import type { Username } from '../../../../agent/model/request.ts';
import { alice, FakePerson, FakeToken, PIN, tokensOf } from '../../../kit/story/fakes.ts';
import { runLogin, victim } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW = Date.UTC(2026, 5, 15, 12);
const SILENT = 0x8000;

class Notices {
  readonly told = new Map<string, number>();
  broken = false;
  expiryTold(user: Username, pkhh: Pkhh): number | null {
    if (this.broken) throw new Error('EIO');
    return this.told.get(`${user} ${pkhh}`) ?? null;
  }
  noteExpiryTold(user: Username, pkhh: Pkhh, atMs: number): void {
    this.told.set(`${user} ${pkhh}`, atMs);
  }
}

function cardThatEnds(inDays: number): FakeToken {
  const notAfterMs = NOW + inDays * DAY_MS;
  const certificate = { publicKey: victim.publicKey, notAfterMs } as Certificate;
  return new FakeToken(victim, { certificate });
}

interface Scene {
  readonly inDays: number;
  readonly notices?: Notices;
  readonly days?: number;
  readonly nowMs?: number;
  readonly flags?: number;
}

async function told(
  scene: Scene,
): Promise<{ told: readonly string[]; kinds: readonly string[]; log: string[] }> {
  const token = cardThatEnds(scene.inDays);
  const { decision } = await runLogin(null, { tokens: [new FakeToken(victim)], answers: [PIN] });
  const person = new FakePerson([]);
  const log: string[] = [];
  if (decision.kind !== 'granted') throw new Error('alice did not get in');
  const request = {
    ...{
      id: 'r1',
      phase: 'authenticate' as const,
      service: 'sudo',
      user: alice.name,
      tty: null,
      rhost: null,
      ruser: null,
    },
    ...{ flags: scene.flags ?? 0, peer: { pid: 7, uid: 0, gid: 0 } },
  } as const;
  await tellExpiry(decision, request, person, {
    policy: () => policyWith({ login: { expiryNoticeDays: scene.days ?? 14 } }),
    tokens: tokensOf(token),
    notices: scene.notices ?? new Notices(),
    clock: { nowMs: () => scene.nowMs ?? NOW, monotonicMs: () => 0 },
    log: (line) => log.push(line),
  });
  await new Promise(setImmediate);
  return { told: person.told, kinds: person.kinds, log };
}

test.serial('from the set day on, and not before; a certificate that has ended is told too', async (t) => {
  t.deepEqual((await told({ inDays: 14.5 })).told, []);
  t.deepEqual((await told({ inDays: 13.5 })).told, [
    'The certificate on your card ends in 13 days (2026-06-29). Get a new one for it before then.',
  ]);
  t.regex((await told({ inDays: 1.5 })).told.join(), /ends in 1 day \(/);
  t.regex((await told({ inDays: 0.5 })).told.join(), /ends in less than a day/);
  t.regex((await told({ inDays: -2 })).told.join(), /ended on 2026-06-13/);
  t.deepEqual((await told({ inDays: 20, days: 30 })).told.length, 1);
  t.deepEqual((await told({ inDays: 1, days: 0 })).told, []);
});

test.serial('once a day for each key', async (t) => {
  const notices = new Notices();
  t.is((await told({ inDays: 5, notices })).told.length, 1);
  t.is((await told({ inDays: 5, notices, nowMs: NOW + 60_000 })).told.length, 0);
  t.is((await told({ inDays: 5, notices, nowMs: NOW + DAY_MS })).told.length, 1);
  t.is((await told({ inDays: 5, notices, nowMs: NOW + DAY_MS })).told.length, 0);
});

test.serial('sudo asks for silence: then it comes as what is always shown', async (t) => {
  t.deepEqual((await told({ inDays: 5 })).kinds, ['information']);
  t.deepEqual((await told({ inDays: 5, flags: SILENT })).kinds, ['error']);
});

test.serial('a table that fails is a line in the log', async (t) => {
  const notices = new Notices();
  notices.broken = true;
  const seen = await told({ inDays: 5, notices });
  t.deepEqual(seen.told, []);
  t.regex(seen.log.join(), /was not looked at: Error: EIO/);
});
