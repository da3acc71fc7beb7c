// Pairing: what the user must prove, what the administrator may say, and that nothing is half done.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AgentError, type AgentErrorCode } from '../../../../agent/base/errors.ts';
import { freeSecretSlots, secretBlock } from '../../../../agent/base/secret.ts';
import { pairForUser, pairOwnCard, type PairingParts } from '../../../../agent/stories/pair/pair.ts';
import { parseCertificateFile, type Pkhh } from '../../../../agent/model/key/key.ts';
import type { Pairing } from '../../../../agent/model/pairing.ts';
import type { Proof } from '../../../../agent/model/proof.ts';
import type { TokenSource } from '../../../../agent/token/interface.ts';
import { defaultPolicy, type Policy } from '../../../../policy/policy.ts';
import {
  accounts,
  alice,
  bob,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noHelpDesk,
  noTrust,
  pairing,
  PIN,
  tokensOf,
  type Answer,
} from '../../../kit/story/fakes.ts';
import { attacker, victim } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';

const PASSWORD = 'correct horse';
const root = { pid: 1, uid: 0, gid: 0 };
const self = { pid: 7, uid: 1000, gid: 1000 };
const { pkhh } = victim.publicKey;
const hash = { kind: 'hash', pkhh } as const;
const certificate = parseCertificateFile(
  readFileSync(join(import.meta.dirname, '../../../vectors/cacert-user.pem')),
);
const certified = { kind: 'certificate', certificate } as const;

interface Scene {
  readonly token?: FakeToken;
  readonly tokens?: TokenSource;
  readonly answers?: readonly Answer[];
  readonly table?: FakePairings;
  readonly audit?: FakeAudit;
  readonly policy?: () => Policy;
  readonly hash?: Pkhh;
  readonly uid?: number;
}

function partsOf(scene: Scene): PairingParts & { table: FakePairings; log: FakeAudit } {
  const table = scene.table ?? new FakePairings();
  const log = scene.audit ?? new FakeAudit();
  return {
    policy: scene.policy ?? (() => defaultPolicy),
    pairings: table,
    tokens: scene.tokens ?? tokensOf(scene.token ?? new FakeToken(victim)),
    trust: noTrust,
    audit: log,
    clock: { nowMs: () => 42, monotonicMs: () => 0 },
    accounts,
    offerRider: () => null,
    helpDesk: noHelpDesk,
    checkPassword: (_user, password) =>
      password.use(async (bytes) => {
        await Promise.resolve();
        if (bytes.toString() !== PASSWORD) throw new AgentError('wrong-password');
      }),
    table,
    log,
  };
}

/** Runs pairOwnCard and holds that nothing secret is left, whatever happened. */
async function pairOwn(
  t: ExecutionContext,
  scene: Scene,
): Promise<{
  made: Pairing | null;
  error: AgentError | null;
  person: FakePerson;
  parts: ReturnType<typeof partsOf>;
}> {
  const free = freeSecretSlots();
  const parts = partsOf(scene);
  const person = new FakePerson(scene.answers ?? []);
  const peer = { ...self, uid: scene.uid ?? self.uid };
  let made: Pairing | null = null;
  let error: AgentError | null = null;
  try {
    made = await pairOwnCard(alice, scene.hash ?? pkhh, { peer, person, parts });
  } catch (failure) {
    if (!(failure instanceof AgentError)) throw failure;
    error = failure;
  }
  t.is(freeSecretSlots(), free);
  t.false(secretBlock().includes(PIN) || secretBlock().includes(PASSWORD));
  t.is(person.unused, 0);
  return { made, error, person, parts };
}

async function refused(
  t: ExecutionContext,
  code: AgentErrorCode,
  scene: Scene,
): Promise<Awaited<ReturnType<typeof pairOwn>>> {
  const before = scene.table?.rows.length ?? 0;
  const seen = await pairOwn(t, scene);
  t.is(seen.error?.code, code);
  t.is(seen.parts.table.rows.length, before);
  return seen;
}

test.serial('password, PIN and proof: paired with the whole key, and recorded', async (t) => {
  const { made, person, parts } = await pairOwn(t, { answers: [PASSWORD, PIN] });
  t.like(made, { user: 'alice', pkhh, pairedBy: 'alice', pairedAtMs: 42, driver: 'org.scauth.fake' });
  t.true(parts.table.rows[0]?.publicKey?.spki.equals(victim.publicKey.spki));
  t.deepEqual(person.asked, [
    { text: 'Account password of alice: ', echo: false },
    { text: "Enter PIN for 'Fake:Key (alice)': ", echo: false },
  ]);
  t.is(parts.log.events.length, 1);
  t.like(parts.log.events[0], { kind: 'pairing-added', user: 'alice', actor: self, key: { pkhh } });
});

test.serial("the card's own key is kept", async (t) => {
  const token = new FakeToken(victim, { cardProof: { kind: 'proven', key: attacker.publicKey } });
  const { made } = await pairOwn(t, { token, answers: [PASSWORD, PIN] });
  t.deepEqual(made?.cardKey, attacker.publicKey.spki);
});

test.serial('a wrong password: no PIN is asked for', async (t) => {
  const token = new FakeToken(victim);
  const { parts, person } = await refused(t, 'wrong-password', { token, answers: ['wrong'] });
  t.deepEqual(token.sent, []);
  t.is(person.asked.length, 1);
  t.like(parts.log.events, [{ kind: 'pairing-refused', detail: 'wrong-password' }]);
});

test.serial('a wrong PIN carries the tries that are left', async (t) => {
  const { error, parts } = await refused(t, 'wrong-pin', { answers: [PASSWORD, '000000'] });
  t.is(error?.triesLeft, 2);
  t.like(parts.log.events, [{ kind: 'pairing-refused', detail: 'wrong-pin' }]);
});

test.serial('cancelled or empty at each prompt', async (t) => {
  for (const answers of [[null], [''], [PASSWORD, null], [PASSWORD, '']]) {
    const { parts } = await refused(t, 'cancelled', { answers });
    t.deepEqual(parts.log.events, []);
  }
});

test.serial('what cannot be a PIN is not sent', async (t) => {
  const token = new FakeToken(victim);
  await refused(t, 'pin-malformed', { token, answers: [PASSWORD, PASSWORD] });
  t.deepEqual(token.sent, []);
});

test.serial('the last tries, and a blocked card', async (t) => {
  const last = new FakeToken(victim, { triesLeft: 1 });
  await refused(t, 'pin-reserve', { token: last, answers: [PASSWORD, 'no'] });
  await refused(t, 'cancelled', { token: last, answers: [PASSWORD, null] });
  t.deepEqual(last.sent, []);
  t.truthy((await pairOwn(t, { token: last, answers: [PASSWORD, 'yes', PIN] })).made);
  const blocked = { token: new FakeToken(victim, { triesLeft: 0 }), answers: [PASSWORD] };
  const { parts } = await refused(t, 'pin-blocked', blocked);
  t.like(parts.log.events, [{ kind: 'pin-blocked', tokenId: blocked.token.id, user: 'alice' }]);
});

test.serial("L3: a card that shows another's key and cannot sign with it", async (t) => {
  const token = new FakeToken(attacker, { claims: victim.publicKey });
  const { parts } = await refused(t, 'bad-proof', { token, answers: [PASSWORD, PIN] });
  t.like(parts.log.events, [
    { kind: 'card-suspect', check: 'pairing-proof', tokenId: token.id, key: { pkhh: victim.publicKey.pkhh } },
    { kind: 'pairing-refused', detail: 'bad-proof' },
  ]);
});

test.serial('L8: a replayed signature', async (t) => {
  const kept: Proof[] = [];
  const sign = (challenge: { message(): Buffer }): Proof => {
    kept.push(victim.sign(challenge.message()));
    return kept[0] ?? { scheme: 'ed25519', signature: Buffer.alloc(0) };
  };
  t.truthy((await pairOwn(t, { token: new FakeToken(victim, { sign }), answers: [PASSWORD, PIN] })).made);
  await refused(t, 'bad-proof', { token: new FakeToken(victim, { sign }), answers: [PASSWORD, PIN] });
});

test.serial('keys that are not for login, and keys that are not there', async (t) => {
  for (const use of ['signature', 'key-management', 'card-authentication', 'retired'] as const) {
    const { person, error } = await refused(t, 'weak-key', { token: new FakeToken(victim, { use }) });
    t.deepEqual(person.asked, []);
    t.regex(error?.detail ?? '', /^This key .+\.$/);
  }
  await refused(t, 'no-identity', { hash: attacker.publicKey.pkhh });
  await refused(t, 'no-identity', { tokens: tokensOf() });
});

test.serial('already paired, and L22: another key with the hash', async (t) => {
  const table = new FakePairings();
  table.rows.push(pairing(alice.name, victim.publicKey));
  const { person } = await refused(t, 'already-paired', { table });
  t.deepEqual(person.asked, []);
  const collision = { ...attacker.publicKey, pkhh };
  const mine = new FakePairings();
  mine.rows.push(pairing(alice.name, collision));
  await refused(t, 'key-conflict', { table: mine });
  const theirs = new FakePairings();
  theirs.rows.push(pairing(bob.name, collision));
  await refused(t, 'key-conflict', { table: theirs, answers: [PASSWORD, PIN] });
  const two = tokensOf(new FakeToken(victim), new FakeToken(attacker, { id: 'x:2', claims: collision }));
  await refused(t, 'key-conflict', { tokens: two });
});

test.serial(
  'users_may_pair = false, another account, and L12: forbidden while the person types',
  async (t) => {
    const closed = policyWith({ pairing: { usersMayPair: false } });
    const { person, parts } = await refused(t, 'not-allowed', { policy: () => closed });
    t.deepEqual(person.asked, []);
    t.like(parts.log.events, [{ kind: 'pairing-refused', detail: 'not-allowed' }]);
    await refused(t, 'not-allowed', { uid: bob.uid });
    let policy: Policy = defaultPolicy;
    const close = (): string => {
      policy = closed;
      return PIN;
    };
    await refused(t, 'not-allowed', { policy: () => policy, answers: [PASSWORD, close] });
  },
);

test.serial('settings loaded while the person types: what a login would refuse is not paired', async (t) => {
  const unchecked = { cardProof: { kind: 'unasked' } } as const;
  const contactless = { reader: 'Acme PICC 00 00' };
  const { login } = defaultPolicy;
  const before: Policy = { ...defaultPolicy, reader: { ...defaultPolicy.reader, contactless: true } };
  for (const [code, card, settings] of [
    ['contactless', contactless, { reader: defaultPolicy.reader }],
    ['card-unchecked', unchecked, { login: { ...login, cardCheck: 'always' } }],
    ['weak-key', {}, { login: { ...login, minRsaBits: 4096, minEcBits: 384 } }],
  ] as const) {
    let policy = before;
    const load = (): string => {
      policy = { ...before, ...settings };
      return PIN;
    };
    await refused(t, code, {
      token: new FakeToken(victim, card),
      policy: () => policy,
      answers: [PASSWORD, load],
    });
    const { person } = await refused(t, code, { token: new FakeToken(victim, card), policy: () => policy });
    t.deepEqual(person.asked, [], 'refused before anything is asked');
  }
});

test.serial(
  'L16: a table that cannot be read, and a log that cannot be written, leave no pairing',
  async (t) => {
    const table = new FakePairings();
    table.broken = true;
    await refused(t, 'store-unreadable', { table });
    const audit = new FakeAudit();
    audit.broken = true;
    await refused(t, 'internal', { audit, answers: [PASSWORD, PIN] });
  },
);

test.serial('the administrator pairs a hash, with the card in and without', async (t) => {
  const withCard = partsOf({});
  const made = await pairForUser(alice.name, hash, root, withCard);
  t.like(made, { pairedBy: 'root', tokenId: 'org.scauth.fake:01', label: 'Fake:Key (alice)' });
  t.true(made.publicKey?.spki.equals(victim.publicKey.spki));
  t.like(withCard.log.events, [{ kind: 'pairing-added', actor: root, key: { pkhh } }]);

  const noService: TokenSource = { present: () => Promise.reject(new AgentError('no-service')) };
  for (const tokens of [tokensOf(), tokensOf(new FakeToken(attacker)), noService]) {
    const without = partsOf({ tokens });
    const hashOnly = await pairForUser(alice.name, hash, root, without);
    t.is(hashOnly.publicKey, null);
    t.is(without.table.rows.length, 1);
  }
  const faulty: TokenSource = { present: () => Promise.reject(new AgentError('internal')) };
  await t.throwsAsync(pairForUser(alice.name, hash, root, partsOf({ tokens: faulty })), {
    code: 'internal',
  });
  const unfit = partsOf({ token: new FakeToken(victim, { use: 'signature' }) });
  await t.throwsAsync(pairForUser(alice.name, hash, root, unfit), { code: 'weak-key' });
});

test.serial('the administrator pairs a certificate', async (t) => {
  const parts = partsOf({ tokens: tokensOf() });
  const made = await pairForUser(bob.name, certified, root, parts);
  t.like(made, { user: 'bob', label: 'CAcert WoT User', certificate: certificate.der });
  t.is(made.pkhh, certificate.publicKey.pkhh);
  t.like(parts.log.events, [{ key: { certificateSerial: '13C81A' } }]);
  await t.throwsAsync(pairForUser(bob.name, certified, root, parts), {
    code: 'already-paired',
  });
  parts.log.broken = true;
  const shared = pairForUser(alice.name, certified, root, parts, { shared: true });
  await t.throwsAsync(shared, { code: 'internal' });
  t.is(parts.table.rows.length, 1);
});

test.serial('M37: a key that another account has is paired by root only where that is said', async (t) => {
  for (const key of [hash, certified]) {
    const parts = partsOf({});
    await pairForUser(bob.name, key, root, parts);
    const error = await t.throwsAsync(pairForUser(alice.name, key, root, parts), {
      code: 'paired-elsewhere',
    });
    t.is((error as AgentError).say, 'bob');
    // Also where the other pairing comes while the certificate is being looked at.
    const late = partsOf({ table: new FakePairings() });
    const [first, second] = await Promise.allSettled([
      pairForUser(alice.name, key, root, late),
      pairForUser(bob.name, key, root, late),
    ]);
    t.deepEqual([first.status, second.status].sort(), ['fulfilled', 'rejected']);
    t.is(late.table.rows.length, 1);
    await pairForUser(alice.name, key, root, parts, { shared: true });
    t.is(parts.table.rows.length, 2);
  }
});

test.serial('a dry run looks at everything, and leaves no pairing and no record', async (t) => {
  const parts = partsOf({});
  t.is((await pairForUser(alice.name, hash, root, parts, { dryRun: true })).label, 'Fake:Key (alice)');
  t.deepEqual([parts.table.rows, parts.log.events], [[], []]);
  const weak = partsOf({ policy: () => policyWith({ login: { minEcBits: 384 } }) });
  await t.throwsAsync(pairForUser(alice.name, hash, root, weak, { dryRun: true }), { code: 'weak-key' });
});

test.serial('L22: root pairs no key whose hash another one has, not even to try', async (t) => {
  for (const name of [alice.name, bob.name])
    for (const dryRun of [true, false]) {
      const parts = partsOf({});
      parts.table.rows.push(pairing(name, { ...attacker.publicKey, pkhh }));
      await t.throwsAsync(
        pairForUser(alice.name, hash, root, parts, { dryRun, shared: true }),
        { code: 'key-conflict' },
        `${name} ${dryRun}`,
      );
    }
});

test.serial('U: what is paired already is said first, whatever the settings say of it by now', async (t) => {
  let policy = defaultPolicy;
  const parts = partsOf({ policy: () => policy });
  await pairForUser(alice.name, hash, root, parts);
  policy = policyWith({ pairing: { oneCardPerUser: true }, login: { minEcBits: 384 } });
  for (const dryRun of [true, false])
    await t.throwsAsync(pairForUser(alice.name, hash, root, parts, { dryRun }), { code: 'already-paired' });
});

const FACTORY_PUK = { pin: false, puk: true, managementKey: true };

for (const [what, factorySecrets] of [
  ['PUK', FACTORY_PUK],
  ['PIN', { pin: true, puk: null, managementKey: null }],
] as const)
  test.serial(
    `S13: a card with a factory ${what} is not paired, and nobody is asked for anything`,
    async (t) => {
      const token = new FakeToken(victim, { factorySecrets });
      const { error, person, parts } = await pairOwn(t, { token, answers: [] });
      t.is(error?.code, 'factory-secrets');
      t.regex(error?.say ?? '', new RegExp(`^The ${what} of this card is still the factory's.* Change: `));
      t.deepEqual(person.asked, []);
      t.like(parts.log.events[0], { kind: 'pairing-refused', detail: 'factory-secrets' });
      const byRoot = pairForUser(alice.name, hash, root, parts);
      await t.throwsAsync(byRoot, { code: 'factory-secrets' });
      t.deepEqual(parts.table.rows, []);
    },
  );

test.serial('S13: "warn" pairs it and says so; a factory management key alone is no hindrance', async (t) => {
  const policy = policyWith({ card: { factorySecrets: 'warn' } });
  const answers = [PASSWORD, PIN];
  const warned = await pairOwn(t, {
    ...{ token: new FakeToken(victim, { factorySecrets: FACTORY_PUK }), answers, policy: () => policy },
  });
  t.is(warned.parts.table.rows.length, 1);
  t.regex(warned.person.told[0] ?? '', /^The PUK of this card/);
  const factorySecrets = { pin: false, puk: false, managementKey: true };
  const { person, parts } = await pairOwn(t, { token: new FakeToken(victim, { factorySecrets }), answers });
  t.is(parts.table.rows.length, 1);
  t.notRegex(person.told.join(' '), /factory/);
});

test.serial('S13: what counts is what the card says when it is paired', async (t) => {
  class Mended extends FakeToken {
    askFactorySecrets = () => Promise.resolve({ pin: false, puk: false, managementKey: false });
  }
  const token = new Mended(victim, { factorySecrets: FACTORY_PUK });
  t.is((await pairOwn(t, { token, answers: [PASSWORD, PIN] })).parts.table.rows.length, 1);
});
