// L25: a change of the settings while enforcement is on: whom it shuts out is found before it comes into force, and told
// when it does. Each kind of setting that can take a card away; root and the break-glass code are in shut-out.test.ts.

import test from 'ava';
import { planFor, wouldShutOut } from '../../../../agent/stories/enforcement/enforcement-plan.ts';
import {
  guardDriver,
  shutOutBy,
  tellShutOut,
  tellShutOutAtStart,
} from '../../../../agent/stories/enforcement/shut-out-by-settings.ts';
import type { Pairing } from '../../../../agent/model/pairing.ts';
import type { DriverFacts } from '../../../../policy/paired-card.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import { makeCertificate } from '../../../kit/card/certificate.ts';
import { generateKeyPairSync } from 'node:crypto';
import { enforcedScene, type EnforcedScene } from './enforcement-fakes.ts';
import { alice, bob, noTrust, pairing } from '../../../kit/story/fakes.ts';
import { parseCertificate } from '../../../../agent/model/key/key.ts';
import { policyWith, type PolicyChanges } from '../../../kit/story/policy-with.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const certificate = makeCertificate(privateKey, { cn: 'Alice' });
const { publicKey } = parseCertificate(certificate);
const PIV: DriverFacts = { id: 'org.scauth.piv', kind: 'card', inUse: true };
const MODULES: DriverFacts = { id: 'org.scauth.pkcs11', kind: 'token', inUse: true };
const card: Pairing = {
  ...pairing(alice.name, publicKey),
  driver: PIV.id,
  certificate,
  cardKey: Buffer.from('9E'),
};

/** Alice logs in by card, Bob is exempt for an hour, nobody else is there; enforcement is on. */
function scene(policy: PolicyChanges = {}, drivers: DriverFacts[] = [PIV, MODULES]): EnforcedScene {
  const made = enforcedScene({ people: [alice, bob], policy });
  made.pairings.rows.push(card);
  made.table.logins.push({ user: alice.name, pkhh: card.pkhh, mapped: false, atMs: 1 });
  const untilMs = made.clock.wallMs + 3_600_000;
  made.table.exempt({ user: bob.name, untilMs, by: 'root', madeAtMs: 0, reason: '' });
  made.table.state = { kind: 'on', sinceMs: 0, by: 'root' };
  return { ...made, drivers: () => drivers, trust: noTrust };
}

const CHANGES: readonly (readonly [string, PolicyChanges, DriverFacts[]?])[] = [
  ['trust.level: no authority vouches for the certificate', { trust: { ...defaultPolicy.trust, level: 3 } }],
  ['trust.pinned', { trust: { ...defaultPolicy.trust, level: 1, pinned: ['AA'.repeat(32)] } }],
  [
    'tokens.disabled, all drivers',
    {},
    [
      { ...PIV, inUse: false },
      { ...MODULES, inUse: false },
    ],
  ],
  ['tokens.disabled, PIV: another driver cannot check the card', {}, [{ ...PIV, inUse: false }, MODULES]],
];

for (const [name, changed, drivers] of CHANGES) {
  test(`L25: ${name}`, async (t) => {
    const made = scene();
    const before = made.policy();
    const next = { policy: policyWith(changed, before), ...(drivers !== undefined && { drivers }) };
    t.like(await shutOutBy(next, { policy: before }, made), {
      all: { first: ['alice'], count: 1 },
      newly: { first: ['alice'], count: 1 },
      closesRemote: false,
    });
    t.like(await shutOutBy({ policy: before }, { policy: before }, made), {
      all: { count: 0 },
      newly: { count: 0 },
      closesRemote: false,
    });
    const then = scene(changed, drivers);
    await tellShutOutAtStart(then);
    t.regex(then.lines.join(), /warning: enforcement shuts out alice/);
    t.regex((await planFor(alice, then)).why, /the card is not taken \((trust|tokens|login)\./);
    if (drivers !== undefined) return;
    await tellShutOut(defaultPolicy, then);
    t.regex(
      then.lines.at(-1) ?? '',
      /with the new settings enforcement shuts out alice: sc_auth enforce plan/,
    );
    t.like(then.audit.events, [{ kind: 'policy-changed', changes: [{ setting: 'shut out', to: 'alice' }] }]);
  });
}

test('L25: enforcement.exempt_group and allow_unpaired_users that are taken back; cards that are allowed again', async (t) => {
  const made = scene();
  made.table.exempted = [];
  made.pairings.rows = [];
  const { enforcement } = defaultPolicy;
  const strict = { policy: defaultPolicy };
  const groups = { ...made, directory: { ...made.directory, isMember: () => Promise.resolve(true) } };
  const exempt = { policy: { ...defaultPolicy, enforcement: { ...enforcement, exemptGroup: 'robots' } } };
  t.deepEqual((await shutOutBy(strict, exempt, groups))?.newly.first, ['alice', 'bob']);
  const unpaired = {
    policy: { ...defaultPolicy, enforcement: { ...enforcement, allowUnpairedUsers: true } },
  };
  t.deepEqual((await shutOutBy(strict, unpaired, made))?.newly.first, ['alice', 'bob']);
  for (const open of [
    { login: { cardsAllowed: false } },
    { login: { services: [] } },
    { enforcement: { ...enforcement, services: [] } },
  ])
    t.deepEqual((await shutOutBy(strict, { policy: policyWith(open) }, made))?.newly.first, ['alice', 'bob']);
  t.deepEqual((await shutOutBy(strict, strict, made))?.newly.first, [], 'who was shut out before is not new');
});

test('L25: enforcement.remote: the ways in from other hosts', async (t) => {
  const { enforcement } = defaultPolicy;
  const closed = { enforcement: { ...enforcement, remote: true } };
  const made = scene(closed);
  await tellShutOut(defaultPolicy, made);
  t.regex(made.lines.join(), /nobody gets in from another host: enforcement\.remote/);
  const before = { policy: defaultPolicy };
  const closes = async (more: PolicyChanges): Promise<boolean | undefined> =>
    (await shutOutBy({ policy: policyWith({ ...closed, ...more }) }, before, scene()))?.closesRemote;
  t.true(await closes({}));
  for (const open of [
    { login: { remote: true } },
    { login: { cardsAllowed: false } },
    { login: { services: [] } },
  ])
    t.false(await closes(open));
  const same = { policy: made.policy() };
  t.false((await shutOutBy(same, same, made))?.closesRemote);
});

test('L25: while it is off, and after what shuts nobody out, nothing is said', async (t) => {
  const made = scene({ trust: { ...defaultPolicy.trust, level: 3 } });
  made.table.state = { kind: 'off' };
  await tellShutOut(defaultPolicy, made);
  const well = scene();
  await tellShutOut(policyWith({ login: { pinAttempts: 3 } }), well);
  await tellShutOutAtStart(well);
  t.deepEqual([made.lines, well.lines, well.audit.events], [[], [], []]);
});

test('L25: enable-for-login --disable is refused where somebody has no card by another driver', async (t) => {
  await t.throwsAsync(guardDriver(PIV.id, scene()), { code: 'would-shut-out', message: 'alice' });
  await t.notThrowsAsync(guardDriver(MODULES.id, scene()));
  const off = scene();
  off.table.state = { kind: 'off' };
  await t.notThrowsAsync(guardDriver(PIV.id, off));
});

test('L25: an exemption that ends is seen before', async (t) => {
  const made = scene();
  t.is((await wouldShutOut(made)).count, 0);
  t.is((await planFor(bob, made, {}, made.clock.wallMs + 7_200_000)).keptInBy, null);
});

test('a table that cannot be read stops no reload and no start; the log says so', async (t) => {
  const made = scene();
  made.table.broken = true;
  await tellShutOut(defaultPolicy, made);
  await tellShutOutAtStart(made);
  t.is(made.lines.length, 2);
});
