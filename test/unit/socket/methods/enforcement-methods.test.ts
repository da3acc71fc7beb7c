// The methods of enforcement: who may call them, what they refuse, what they record.

import test from 'ava';
import { makeBreakGlassCode } from '../../../../agent/model/secret/break-glass.ts';
import type { PeerCredentials } from '../../../../agent/model/request.ts';
import type { AdminParts } from '../../../../agent/socket/methods/method-parts.ts';
import { callMethod } from '../../../../agent/socket/methods/method-table.ts';
import type { Methods } from '../../../../agent/protocol/io-scauth.ts';
import { SessionCards } from '../../../../agent/stories/removal/session-cards.ts';
import { alice, bob, pairing } from '../../../kit/story/fakes.ts';
import { enforcedScene, type EnforcedScene } from '../../stories/enforcement/enforcement-fakes.ts';
import { victim } from '../../../kit/story/run-login.ts';

const root: PeerCredentials = { pid: 1, uid: 0, gid: 0 };
const user: PeerCredentials = { pid: 2, uid: alice.uid, gid: 0 };

function call<M extends Parameters<typeof callMethod>[0]>(
  scene: EnforcedScene,
  method: M,
  parameters: Readonly<Record<string, unknown>> = {},
  peer = root,
): Promise<Methods[M]['reply']> {
  const parts = { enforcement: scene, sessionCards: new SessionCards(scene.clock) };
  return callMethod(method, peer, parameters, parts as unknown as AdminParts);
}

async function code(): Promise<{ salt: string; codeHash: string }> {
  const { hash } = await makeBreakGlassCode();
  return { salt: hash.salt.toString('base64'), codeHash: hash.hash.toString('base64') };
}

const week = ({ clock }: EnforcedScene): string => new Date(clock.wallMs + 7 * 86_400_000).toISOString();
const settings = ({ audit }: EnforcedScene): string[] =>
  audit.events.flatMap((event) =>
    event.kind === 'policy-changed' ? event.changes.map(({ setting }) => setting) : [],
  );

test('users see whether it is on and their own exemption; everything else is root’s', async (t) => {
  const scene = enforcedScene();
  await call(scene, 'Exempt', { user: 'alice', until: week(scene), reason: 'no reader', by: 'bob' });
  await call(scene, 'Exempt', { user: 'bob', until: week(scene) });
  const seen = await call(scene, 'GetEnforcement', {}, user);
  t.is(seen.state, 'off');
  t.deepEqual(
    seen.exemptions.map(({ user: name, by, reason }) => [name, by, reason]),
    [['alice', 'bob', 'no reader']],
  );
  t.is((await call(scene, 'GetEnforcement')).exemptions.length, 2);
  for (const method of [
    'PlanEnforcement',
    'StartEnforcement',
    'ConfirmEnforcement',
    'StopEnforcement',
    'SetBreakGlass',
    'Exempt',
    'Unexempt',
  ] as const)
    await t.throwsAsync(call(scene, method, {}, user), { message: 'root only' }, method);
});

test('exemptions end within a year, are for accounts that there are, and are recorded', async (t) => {
  const scene = enforcedScene();
  const late = new Date(scene.clock.wallMs + 400 * 86_400_000).toISOString();
  for (const until of ['', 'soon', late, new Date(scene.clock.wallMs).toISOString()])
    await t.throwsAsync(call(scene, 'Exempt', { user: 'bob', until }), { message: /until/ }, until);
  await t.throwsAsync(call(scene, 'Exempt', { user: 'nobody-here', until: week(scene) }), {
    code: 'unknown-user',
  });
  await t.throwsAsync(call(scene, 'Exempt', { user: 'bob', until: week(scene), forever: true }), {
    message: /forever/,
  });
  const reason = `a\u001b[2J${'x'.repeat(500)}`;
  const { exemption } = await call(scene, 'Exempt', { user: 'bob', until: week(scene), reason });
  t.true(exemption.reason.startsWith('a?[2J') && exemption.reason.length <= 200);
  t.deepEqual(await call(scene, 'Unexempt', { user: 'bob' }), { removed: true });
  t.deepEqual(await call(scene, 'Unexempt', { user: 'bob' }), { removed: false });
  t.deepEqual(settings(scene), ['exemption of bob', 'exemption of bob']);
  scene.audit.broken = true;
  await t.throwsAsync(call(scene, 'Exempt', { user: 'bob', until: week(scene) }));
  t.deepEqual(scene.table.exempted, [], 'an exemption without a record is none');
});

test('on, confirm, off: in this order, with a code that is one', async (t) => {
  const scene = enforcedScene({ people: [alice] });
  scene.pairings.rows.push(pairing(alice.name, victim.publicKey));
  scene.table.logins.push({ user: alice.name, pkhh: victim.publicKey.pkhh, mapped: false, atMs: 1 });
  await t.throwsAsync(call(scene, 'ConfirmEnforcement'), { code: 'invalid-argument' });
  await t.throwsAsync(call(scene, 'SetBreakGlass', await code()), { code: 'invalid-argument' });
  for (const bad of [{}, { salt: 'AA==', codeHash: 'AA==' }, { ...(await code()), shutOut: 'bob' }])
    await t.throwsAsync(call(scene, 'StartEnforcement', bad));
  t.false(scene.enforcement.isOn);
  const started = await call(scene, 'StartEnforcement', { ...(await code()), by: 'alice' });
  t.deepEqual(started, { until: new Date(scene.clock.wallMs + 1_800_000).toISOString(), shutOut: [] });
  t.like(await call(scene, 'GetEnforcement'), { state: 'trial', by: 'alice', breakGlass: true });
  await t.throwsAsync(call(scene, 'StartEnforcement', await code()), { code: 'invalid-argument' });
  await t.throwsAsync(call(scene, 'ConfirmEnforcement'), { code: 'no-card-login' });
  scene.table.noteCardLogin({
    user: bob.name,
    pkhh: victim.publicKey.pkhh,
    mapped: true,
    atMs: scene.clock.wallMs,
  });
  t.like(await call(scene, 'ConfirmEnforcement'), { user: 'bob' });
  t.like(await call(scene, 'GetEnforcement'), { state: 'on', until: null });
  await call(scene, 'SetBreakGlass', await code());
  await call(scene, 'StopEnforcement');
  t.like(await call(scene, 'GetEnforcement'), { state: 'off', breakGlass: false });
  t.deepEqual(settings(scene), ['enforcement', 'enforcement', 'break-glass code', 'enforcement']);
});

test('where no card may log in, enforcement is not begun', async (t) => {
  const scene = enforcedScene({ people: [], policy: { login: { cardsAllowed: false } } });
  await t.throwsAsync(call(scene, 'StartEnforcement', await code()), { code: 'invalid-argument' });
  t.false(scene.enforcement.isOn);
});

test('the plan has each account, also those that only a pairing names', async (t) => {
  const scene = enforcedScene({ people: [alice] });
  scene.pairings.rows.push(pairing(bob.name, victim.publicKey));
  const { accounts, next } = await call(scene, 'PlanEnforcement', {});
  t.is(next, null);
  t.deepEqual(
    accounts.map(({ user: name, pairings, lastCardLogin, keptInBy }) => [
      name,
      pairings,
      lastCardLogin,
      keptInBy,
    ]),
    [
      ['alice', 0, null, null],
      ['bob', 1, null, null],
    ],
  );
  t.regex(accounts[0]?.why ?? '', /has no card/);
  t.regex(accounts[1]?.why ?? '', /never logged in by card/);
});
