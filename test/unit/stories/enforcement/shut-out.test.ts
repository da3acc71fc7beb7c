// L25: nobody can be locked out by any one command. Each command of sc_auth and each setting that can take a way in from
// somebody, and what stands against it: a guard that refuses, or a way in that stays.

import test from 'ava';
import type { AdminParts } from '../../../../agent/socket/methods/method-parts.ts';
import { callMethod } from '../../../../agent/socket/methods/method-table.ts';
import {
  guardAgainstShutOut,
  planFor,
  wouldShutOut,
} from '../../../../agent/stories/enforcement/enforcement-plan.ts';
import { permitEntry } from '../../../../agent/stories/enforcement/account-phase.ts';
import { makeBreakGlassCode } from '../../../../agent/model/secret/break-glass.ts';
import type { AuthRequest } from '../../../../agent/model/request.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import { alice, bob, FakePerson, pairing } from '../../../kit/story/fakes.ts';
import { enforcedScene, root, type EnforcedScene, type SceneOptions } from './enforcement-fakes.ts';
import { attacker, victim } from '../../../kit/story/run-login.ts';
import { type PolicyChanges } from '../../../kit/story/policy-with.ts';
import { served } from '../../../kit/story/served.ts';

const actor = { pid: 1, uid: 0, gid: 0 };
const shutOut = { code: 'would-shut-out' };

/** Made once: each is stretched for some 50 ms. */
const ours = makeBreakGlassCode();

/** Alice has a card and uses it, Bob is exempt; enforcement is on. */
async function everydayScene(options: SceneOptions = {}): Promise<EnforcedScene & { readonly code: string }> {
  const scene = enforcedScene(options);
  const { table, pairings } = scene;
  pairings.rows.push(pairing(alice.name, victim.publicKey));
  table.logins.push({ user: alice.name, pkhh: victim.publicKey.pkhh, mapped: false, atMs: 1 });
  table.exempt({ user: bob.name, untilMs: 1e12, by: 'root', madeAtMs: 0, reason: '' });
  const { text, hash } = await ours;
  table.setEnforcement({ kind: 'on', sinceMs: 0, by: 'root' }, hash);
  return { ...scene, code: text };
}

function call(
  scene: EnforcedScene,
  method: Parameters<typeof callMethod>[0],
  parameters: Record<string, unknown>,
) {
  const sessionCards = { policyChanged: () => undefined };
  return callMethod(method, actor, parameters, { enforcement: scene, sessionCards } as unknown as AdminParts);
}

async function signIn(scene: EnforcedScene, more: Partial<AuthRequest>, answers: readonly string[] = []) {
  const request: AuthRequest = {
    id: 'r1',
    phase: 'account',
    service: 'login',
    user: alice.name,
    tty: null,
    rhost: null,
    ruser: null,
    flags: 0,
    peer: { pid: process.pid, uid: 0, gid: 0 },
    ...more,
  };
  await served(request, scene);
  return permitEntry(request, new FakePerson(answers), scene);
}

/** Root at a console, and anybody with the code: after whatever was done. */
async function waysInStay(scene: EnforcedScene & { readonly code: string }): Promise<boolean> {
  const console = { user: root.name, tty: '/dev/tty1', peer: { pid: 1, uid: 0, gid: 0 } };
  const atConsole = await signIn(scene, console);
  const byCode = await signIn(scene, { user: alice.name }, [scene.code]);
  return atConsole === 'permitted' && byCode === 'permitted';
}

test('L25: enforce on, before somebody has ever used a card', async (t) => {
  const scene = enforcedScene();
  scene.pairings.rows.push(pairing(alice.name, victim.publicKey));
  t.deepEqual((await wouldShutOut(scene)).first, [alice.name, bob.name]);
  const { hash } = await ours;
  const code = { salt: hash.salt.toString('base64'), codeHash: hash.hash.toString('base64') };
  await t.throwsAsync(call(scene, 'StartEnforcement', code), { ...shutOut, message: 'alice, bob' });
  await t.throwsAsync(call(scene, 'StartEnforcement', { ...code, shutOut: ['alice'] }), {
    ...shutOut,
    message: 'bob',
  });
  t.false(scene.enforcement.isOn);
  // Forced by name for each: and then it goes back by itself.
  t.like(await call(scene, 'StartEnforcement', { ...code, shutOut: ['alice', 'bob'] }), {
    shutOut: ['alice', 'bob'],
  });
  t.true(scene.enforcement.isOn);
  scene.clock.pass(30 * 60_000);
  t.is(await signIn(scene, {}), 'permitted');
});

test('L25: a login by a card that is paired no longer does not count', async (t) => {
  const scene = enforcedScene({ people: [alice] });
  scene.pairings.rows.push(pairing(alice.name, attacker.publicKey));
  scene.table.logins.push({ user: alice.name, pkhh: victim.publicKey.pkhh, mapped: false, atMs: 1 });
  t.deepEqual((await wouldShutOut(scene)).first, [alice.name]);
});

test('L25: unpair of the last card that works', async (t) => {
  const scene = await everydayScene();
  const [own] = scene.pairings.forUser(alice.name);
  if (own === undefined) throw new Error('no pairing');
  await t.throwsAsync(guardAgainstShutOut(alice, { without: [own] }, scene), {
    ...shutOut,
    message: 'alice',
  });
  // Another card that was never used is no way in.
  scene.pairings.rows.push(pairing(alice.name, attacker.publicKey));
  await t.throwsAsync(guardAgainstShutOut(alice, { without: [own] }, scene), shutOut);
  scene.table.noteCardLogin({ user: alice.name, pkhh: attacker.publicKey.pkhh, mapped: false, atMs: 2 });
  await t.notThrowsAsync(guardAgainstShutOut(alice, { without: [own] }, scene));
  // While it is off everybody may, as ever.
  scene.table.state = { kind: 'off' };
  const off = enforcedScene({ table: scene.table });
  off.pairings.rows = scene.pairings.rows;
  await t.notThrowsAsync(guardAgainstShutOut(alice, { without: off.pairings.rows }, off));
});

test('L25: unexempt, and an exemption that would be over at once', async (t) => {
  const scene = await everydayScene();
  await t.throwsAsync(call(scene, 'Unexempt', { user: 'bob' }), shutOut);
  t.is(scene.table.exempted.length, 1);
  const past = new Date(scene.clock.wallMs).toISOString();
  await t.throwsAsync(call(scene, 'Exempt', { user: 'bob', until: past }), { name: 'InvalidParameter' });
  t.deepEqual(await call(scene, 'Unexempt', { user: 'bob', shutOut: true }), { removed: true });
  t.true(await waysInStay(scene));
});

test('L25: enforce code, off, and on again', async (t) => {
  const scene = await everydayScene();
  const { text, hash } = await makeBreakGlassCode();
  await call(scene, 'SetBreakGlass', {
    salt: hash.salt.toString('base64'),
    codeHash: hash.hash.toString('base64'),
  });
  t.is(await signIn(scene, {}, [scene.code, '']), 'card-required', 'the one before is void');
  t.is(await signIn(scene, {}, [text]), 'permitted');
  await call(scene, 'StopEnforcement', {});
  t.is(await signIn(scene, { user: bob.name }), 'permitted');
});

const SETTINGS: readonly (readonly [string, PolicyChanges, 'opens' | 'ways in'])[] = [
  // Where no card can be used, none is required.
  ['login.cards_allowed = false', { login: { cardsAllowed: false } }, 'opens'],
  ['login.services = []', { login: { services: [] } }, 'opens'],
  ['login.services without this one', { login: { services: ['sudo'] } }, 'opens'],
  [
    'enforcement.services without this one',
    { enforcement: { ...defaultPolicy.enforcement, services: [] } },
    'opens',
  ],
  // A card that is no longer taken (its key, its chain, its reader): the ways in that need none.
  ['reader.contactless = false', { reader: { contactless: false } }, 'ways in'],
  ['pairing.min_rsa_bits', { login: { minRsaBits: 4096 } }, 'ways in'],
  ['trust.level = 3', { trust: { ...defaultPolicy.trust, level: 3 } }, 'ways in'],
  ['pairing.one_card_per_user', { pairing: { oneCardPerUser: true } }, 'ways in'],
  ['pairing.users_may_pair = false', { pairing: { usersMayPair: false } }, 'ways in'],
  ['audit.no_record_no_grant', { audit: { noRecordNoGrant: true } }, 'ways in'],
  ['enforcement.remote', { enforcement: { ...defaultPolicy.enforcement, remote: true } }, 'ways in'],
  [
    'enforcement.exempt_group',
    { enforcement: { ...defaultPolicy.enforcement, exemptGroup: 'gone' } },
    'ways in',
  ],
  [
    'enforcement.required_groups',
    { enforcement: { ...defaultPolicy.enforcement, requiredGroups: ['gone'] } },
    'ways in',
  ],
];

for (const [name, policy, what] of SETTINGS) {
  test(`L25: ${name}`, async (t) => {
    const scene = await everydayScene({ policy });
    if (what === 'opens') t.is(await signIn(scene, {}), 'permitted');
    t.true(what === 'opens' || (await waysInStay(scene)));
  });
}

test('L25: tokens.disabled, enable-for-login --disable, a blocked PIN, a dead reader: no card works for anybody', async (t) => {
  // None of them is known to enforcement: to it the card just was not used.
  const scene = await everydayScene();
  t.is(await signIn(scene, {}, ['']), 'card-required');
  t.true(await waysInStay(scene));
});

test('L25: a full disk: no card login is granted without its record, but the ways in need none', async (t) => {
  const scene = await everydayScene();
  scene.audit.broken = true;
  scene.table.full = true;
  t.true(await waysInStay(scene));
});

test('L25: a group that an account leaves is in the plan', async (t) => {
  const policy = { enforcement: { ...defaultPolicy.enforcement, exemptGroup: 'robots' } };
  const groups: Record<string, string[]> = { robots: ['bob'] };
  const scene = enforcedScene({ policy, groups });
  t.is((await planFor(bob, scene)).keptInBy, 'enforcement.exempt_group');
  groups['robots'] = [];
  t.is((await planFor(bob, scene)).keptInBy, null);
});

test('M38: the plan leaves out whom the groups do not bind, and says which group is not there', async (t) => {
  const policy = { enforcement: { ...defaultPolicy.enforcement, requiredGroups: ['wheel'] } };
  const groups: Record<string, string[]> = { wheel: ['alice'] };
  const scene = enforcedScene({ policy, groups });
  t.is((await planFor(bob, scene)).keptInBy, 'enforcement.required_groups');
  groups['wheel'] = ['alice', 'bob'];
  t.is((await planFor(bob, scene)).keptInBy, null);
  delete groups['wheel'];
  const planned = await planFor(bob, scene);
  t.is(planned.keptInBy, null);
  t.regex(planned.why, /There is no group wheel \(enforcement\.required_groups\)/);
});
