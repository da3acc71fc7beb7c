// A rehearsal says yes exactly where a login would, and leaves nothing behind: no pairing, no fixed key, no use noted,
// no grant in the log, no proof that a login takes.

import test, { type ExecutionContext } from 'ava';
import { freeSecretSlots, secretBlock } from '../../../../agent/base/secret.ts';
import { mayDriverServe } from '../../../../agent/stories/card/gates/driver-gate.ts';
import {
  rehearseLogin,
  type Rehearsal,
  type RehearsalParts,
} from '../../../../agent/stories/explain/rehearse.ts';
import type { AuditEvent } from '../../../../agent/model/sealed-log/audit-event.ts';
import type { Challenge } from '../../../../agent/model/challenge.ts';
import type { Pairing } from '../../../../agent/model/pairing.ts';
import { verifyProof, type Proof } from '../../../../agent/model/proof.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noTrust,
  pairing,
  PIN,
  tokensOf,
  type Answer,
  noLogind,
} from '../../../kit/story/fakes.ts';
import { attacker, pairedTable, runLogin, victim } from '../../../kit/story/run-login.ts';
import { policyWith, type PolicyChanges } from '../../../kit/story/policy-with.ts';

const peer = { pid: 7, uid: 1000, gid: 1000 };

interface Scene {
  readonly tokens?: readonly FakeToken[];
  readonly answers?: readonly Answer[];
  readonly pairings?: FakePairings;
  readonly policy?: PolicyChanges;
  readonly service?: string;
  readonly parts?: Partial<RehearsalParts>;
}

interface Seen extends Rehearsal {
  readonly code: string | null;
  readonly failedAt: string | null;
  readonly events: readonly AuditEvent[];
}

async function rehearse(t: ExecutionContext, scene: Scene): Promise<Seen> {
  const free = freeSecretSlots();
  const audit = new FakeAudit();
  const pairings = scene.pairings ?? pairedTable();
  const before: readonly Pairing[] = [...pairings.rows];
  const policy = policyWith(scene.policy ?? {});
  const person = new FakePerson(scene.answers ?? []);
  let now = 0;
  const parts: RehearsalParts = {
    policy: () => policy,
    pairings,
    accounts,
    tokens: tokensOf(...(scene.tokens ?? [new FakeToken(victim)])),
    trust: noTrust,
    audit,
    clock: { nowMs: () => 42, monotonicMs: () => (now += 1) },
    mayDriverServe: () => true,
    sessions: noLogind,
    ...scene.parts,
  };
  const seen = await rehearseLogin(alice, scene.service ?? 'sudo', peer, person, parts);
  t.is(freeSecretSlots(), free, 'no secret is kept');
  t.false(secretBlock().includes(PIN));
  t.deepEqual(pairings.rows, before, 'pairings are as they were');
  t.is(pairings.uses.size, 0);
  t.true(audit.events.every(({ kind }) => kind === 'pin-checked'));
  t.is(person.unused, 0);
  t.true(seen.steps.every(({ ms }) => ms === 1));
  t.is(
    seen.failure === null,
    seen.steps.every(({ good }) => good),
  );
  const failedAt = seen.steps.find(({ good }) => !good)?.name ?? null;
  return { ...seen, code: seen.failure?.code ?? null, failedAt, events: audit.events };
}

test.serial('the right PIN: all steps, one record of a PIN check', async (t) => {
  const token = new FakeToken(victim);
  const { code, token: id, hash, events } = await rehearse(t, { tokens: [token], answers: [PIN] });
  t.deepEqual([code, id, hash], [null, token.id, victim.publicKey.pkhh]);
  t.like(events, [{ kind: 'pin-checked', good: true, actor: peer }]);
  t.deepEqual(token.sent, [PIN]);
});

test.serial('K15: that the card is unverified is said only by who looked', async (t) => {
  for (const [left, says] of [
    ['asked', /says that it is unverified/],
    ['told', /was told/],
    ['reset', /was reset/],
    ['unknown', /cannot be checked/],
  ] as const) {
    const { steps } = await rehearse(t, { tokens: [new FakeToken(victim, { left })], answers: [PIN] });
    t.regex(steps.find(({ name }) => name === 'release')?.note ?? '', says);
  }
});

test.serial('a wrong PIN: one try, recorded', async (t) => {
  const token = new FakeToken(victim);
  const seen = await rehearse(t, { tokens: [token], answers: ['000000'] });
  t.deepEqual([seen.code, seen.failedAt, seen.failure?.triesLeft], ['wrong-pin', 'proof', 2]);
  t.like(seen.events, [{ kind: 'pin-checked', good: false }]);
});

test.serial('each thing that keeps a login back keeps a rehearsal back, before the PIN', async (t) => {
  const conflicting = new FakePairings();
  conflicting.rows.push({ ...pairing(alice.name, victim.publicKey), publicKey: attacker.publicKey });
  for (const [scene, failedAt, code] of [
    [{ policy: { login: { services: ['login'] } } }, 'policy', 'not-allowed'],
    [{ pairings: new FakePairings() }, 'pairings', 'not-paired'],
    [{ tokens: [] }, 'card', 'no-card'],
    [{ tokens: [new FakeToken(attacker)] }, 'card', 'no-identity'],
    [{ pairings: conflicting }, 'card', 'key-conflict'],
    [{ tokens: [new FakeToken(victim, { use: 'signature' })] }, 'card', 'no-identity'],
    [{ parts: { mayDriverServe: () => false } }, 'driver', 'not-allowed'],
    [{ tokens: [new FakeToken(victim, { triesLeft: 0 })] }, 'PIN', 'pin-blocked'],
  ] as const) {
    const seen = await rehearse(t, scene);
    t.deepEqual([seen.failedAt, seen.code, seen.events], [failedAt, code, []]);
  }
});

test.serial(
  'L6: nothing typed, Ctrl-C, a password, the last try without a yes: nothing is sent',
  async (t) => {
    for (const [typed, triesLeft, code] of [
      ['', 3, 'cancelled'],
      [null, 3, 'cancelled'],
      ['correct horse', 3, 'pin-malformed'],
      ['no', 1, 'pin-reserve'],
    ] as const) {
      const token = new FakeToken(victim, { triesLeft });
      const seen = await rehearse(t, { tokens: [token], answers: [typed] });
      t.deepEqual([seen.failedAt, seen.code, token.sent], ['PIN', code, []]);
    }
  },
);

test.serial('a signature by another key is a no', async (t) => {
  const sign = (challenge: Challenge): Proof => attacker.sign(challenge.message());
  const token = new FakeToken(victim, { sign });
  const seen = await rehearse(t, { tokens: [token], answers: [PIN] });
  t.deepEqual([seen.failedAt, seen.code], ['signature', 'bad-proof']);
});

test.serial('a pairing by hash alone: a yes, and the key is not fixed', async (t) => {
  const pairings = new FakePairings();
  pairings.rows.push(pairing(alice.name, victim.publicKey, null));
  t.is((await rehearse(t, { pairings, answers: [PIN] })).code, null);
  t.is(pairings.rows[0]?.publicKey, null);
});

test.serial('a pairing that goes while the person types is a no', async (t) => {
  const pairings = pairedTable();
  const audit = new FakeAudit();
  const person = new FakePerson([
    () => {
      pairings.rows = [];
      return PIN;
    },
  ]);
  const seen = await rehearseLogin(alice, 'sudo', peer, person, {
    policy: () => defaultPolicy,
    pairings,
    accounts,
    tokens: tokensOf(new FakeToken(victim)),
    trust: noTrust,
    audit,
    clock: { nowMs: () => 42, monotonicMs: () => 0 },
    mayDriverServe: () => true,
    sessions: noLogind,
  });
  t.is(seen.failure?.code, 'not-paired');
});

test.serial("M2: a rehearsal's proof is none for a login, nor a login's for a rehearsal", async (t) => {
  const kept: { challenge: Challenge; proof: Proof }[] = [];
  const token = new FakeToken(victim, {
    sign: (challenge) => {
      const proof = victim.sign(challenge.message());
      kept.push({ challenge, proof });
      return proof;
    },
  });
  t.is((await rehearse(t, { tokens: [token], answers: [PIN] })).code, null);
  const [rehearsed] = kept;
  if (rehearsed === undefined) throw new Error('nothing was signed');
  t.is(rehearsed.challenge.purpose, 'rehearsal');
  const replaying = new FakeToken(victim, { sign: () => rehearsed.proof });
  const login = await runLogin(t, { tokens: [replaying], answers: [PIN] });
  t.is(login.outcome, 'denied bad-proof');
  // Even with the same nonce the purpose alone tells them apart.
  const message = rehearsed.challenge.message();
  const asLogin = Buffer.from(message.toString('latin1').replace('\0\x09rehearsal', '\0\x05login'), 'latin1');
  t.notDeepEqual(asLogin, message);
  const forged = { message: () => asLogin, purpose: 'login' } as unknown as Challenge;
  t.throws(() => verifyProof(forged, rehearsed.proof, victim.publicKey), { message: /paired key/ });
});

test('before a login a driver of others must be enabled, and a built-in one may be disabled', (t) => {
  const drivers = (): never =>
    [
      { id: 'own', builtIn: true },
      { id: 'other', builtIn: false },
    ] as unknown as never;
  const words = new Map<string, boolean>();
  const table = {
    loginDriver: (id: string) => words.get(id) ?? null,
    setLoginDriver: (id: string, enabled: boolean) => void words.set(id, enabled),
  };
  const may = (driver: string, service: string): boolean =>
    mayDriverServe(driver, service, { drivers, table });
  t.deepEqual([may('own', 'login'), may('other', 'login'), may('none', 'login')], [true, false, false]);
  t.deepEqual([may('other', 'sudo'), may('none', 'polkit-1')], [true, true]);
  words.set('own', false).set('other', true);
  t.deepEqual([may('own', 'login'), may('other', 'login'), may('own', 'sudo')], [false, true, true]);
});
