// Enforcement over time: a trial ends by itself, whatever the clock and a restart do; a card login confirms it.
// L25: there is a way back that needs nobody.

import test from 'ava';
import { Enforcement } from '../../../../agent/stories/enforcement/enforcement.ts';
import type { CodeHash } from '../../../../agent/model/enforcement.ts';
import { alice, bob, pairing } from '../../../kit/story/fakes.ts';
import { enforcedScene, FakeEnforcementTable, type EnforcedScene } from './enforcement-fakes.ts';
import { attacker, victim } from '../../../kit/story/run-login.ts';

const MINUTE = 60_000;
const peer = { pid: 7, uid: 0, gid: 0 };
const code: CodeHash = { salt: Buffer.alloc(16), hash: Buffer.alloc(32) };

async function trial(scene: EnforcedScene, by = 'root', minutes = 30): Promise<number> {
  return scene.enforcement.startTrial(minutes, by, code, peer);
}

/** scauthd starts again on the same table. */
function restarted({ table, pairings, audit, clock, log }: EnforcedScene): Enforcement {
  const publish = (): void => undefined;
  return new Enforcement({ table, pairings, audit, clock, publish, log });
}

/** What is noted after an answer is noted. */
async function noted(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}

test('L25: a trial is on until its end and off from then on, and both logs say so', async (t) => {
  const scene = enforcedScene();
  t.false(scene.enforcement.isOn);
  const untilMs = await trial(scene);
  t.is(untilMs, scene.clock.wallMs + 30 * MINUTE);
  scene.clock.pass(30 * MINUTE - 1);
  t.true(scene.enforcement.isOn);
  scene.clock.pass(1);
  t.false(scene.enforcement.isOn);
  t.deepEqual(scene.table.state, { kind: 'off' });
  t.is(scene.table.code, null);
  await noted();
  const changes = scene.audit.events.map((event) => event.kind === 'policy-changed' && event.changes);
  const until = new Date(untilMs).toISOString();
  t.deepEqual(changes, [
    [{ setting: 'enforcement', from: 'off', to: `trial until ${until}` }],
    [{ setting: 'enforcement', from: `trial until ${until}`, to: 'off' }],
  ]);
  t.true(scene.lines.some((line) => line.includes('nobody confirmed it')));
});

test('L25: a clock that is set back makes no trial longer', async (t) => {
  const scene = enforcedScene();
  await trial(scene);
  scene.clock.pass(10 * MINUTE);
  scene.clock.wallMs -= 5 * MINUTE;
  t.true(scene.enforcement.isOn);
  scene.clock.pass(20 * MINUTE);
  t.false(scene.enforcement.isOn, 'half an hour has gone by, whatever the wall clock says');

  await trial(scene);
  scene.clock.wallMs -= 60 * MINUTE;
  t.false(scene.enforcement.isOn, 'before its own beginning');
  scene.clock.wallMs += 60 * MINUTE;
  t.false(scene.enforcement.isOn, 'and it does not come back');
  t.deepEqual(scene.table.state, { kind: 'off' });
});

test('L25: a trial that ran out while scauthd was down is off after the start; one that has not goes on', async (t) => {
  const scene = enforcedScene();
  await trial(scene);
  scene.clock.pass(10 * MINUTE);
  t.true(restarted(scene).isOn);
  scene.clock.pass(20 * MINUTE);
  t.false(restarted(scene).isOn);
  t.deepEqual(scene.table.state, { kind: 'off' });
});

test('a trial that ran out is off also where that cannot be written', async (t) => {
  const scene = enforcedScene();
  await trial(scene);
  scene.table.full = true;
  scene.clock.pass(31 * MINUTE);
  t.false(scene.enforcement.isOn);
  scene.clock.wallMs -= 20 * MINUTE;
  t.false(scene.enforcement.isOn);
});

test('on needs the table: what cannot be written is not in force', async (t) => {
  const scene = enforcedScene();
  scene.table.full = true;
  await t.throwsAsync(trial(scene));
  t.false(scene.enforcement.isOn);
  const broken = new FakeEnforcementTable();
  broken.broken = true;
  t.throws(() => enforcedScene({ table: broken }).enforcement.isOn, { code: 'store-unreadable' });
});

test('switched on by root: any card login confirms it, and it stays on', async (t) => {
  const scene = enforcedScene();
  await trial(scene, 'root');
  scene.pairings.rows.push(pairing(alice.name, victim.publicKey));
  t.is(scene.enforcement.cardLoginInTrial(), null);
  scene.enforcement.noteCardLogin(alice.name, victim.publicKey.pkhh, peer);
  await noted();
  t.is(scene.enforcement.state().kind, 'on');
  scene.clock.pass(1000 * MINUTE);
  t.true(restarted(scene).isOn);
});

test('switched on by somebody with a card: only their own card login confirms it', async (t) => {
  const scene = enforcedScene();
  scene.pairings.rows.push(pairing(alice.name, victim.publicKey), pairing(bob.name, attacker.publicKey));
  await trial(scene, alice.name);
  scene.clock.pass(MINUTE);
  scene.enforcement.noteCardLogin(bob.name, attacker.publicKey.pkhh, peer);
  await noted();
  t.is(scene.enforcement.state().kind, 'trial');
  t.is(scene.enforcement.cardLoginInTrial()?.user, bob.name, 'and root may say that this is enough');
  scene.enforcement.noteCardLogin(alice.name, victim.publicKey.pkhh, peer);
  await noted();
  t.is(scene.enforcement.state().kind, 'on');
});

test('card logins from before the trial do not confirm it', async (t) => {
  const scene = enforcedScene();
  scene.pairings.rows.push(pairing(alice.name, victim.publicKey));
  scene.enforcement.noteCardLogin(alice.name, victim.publicKey.pkhh, peer);
  await noted();
  scene.clock.pass(1);
  await trial(scene);
  t.is(scene.enforcement.cardLoginInTrial(), null);
});

test('card logins are written once an hour for each key, and a failure is nobody’s', async (t) => {
  const scene = enforcedScene();
  scene.pairings.rows.push(pairing(alice.name, victim.publicKey));
  const login = async (): Promise<number | undefined> => {
    scene.enforcement.noteCardLogin(alice.name, victim.publicKey.pkhh, peer);
    await noted();
    return scene.table.logins[0]?.atMs;
  };
  const first = await login();
  t.is(first, scene.clock.wallMs);
  scene.clock.pass(59 * MINUTE);
  t.is(await login(), first);
  scene.clock.pass(MINUTE);
  t.is(await login(), scene.clock.wallMs);
  t.false(scene.table.logins[0]?.mapped);
  scene.enforcement.noteCardLogin(bob.name, victim.publicKey.pkhh, peer);
  await noted();
  t.true(scene.table.logins[1]?.mapped, 'without a pairing it was [mapping]');
  scene.clock.pass(60 * MINUTE);
  scene.table.full = true;
  await login();
  t.true(scene.lines.some((line) => line.startsWith('a card login of alice was not noted')));
});

test('S1: the PAM module is told before anything is in force, and at each change', async (t) => {
  const scene = enforcedScene();
  await trial(scene);
  await scene.enforcement.confirm(peer);
  await scene.enforcement.turnOff(peer);
  await trial(scene);
  scene.clock.pass(30 * MINUTE);
  t.false(scene.enforcement.isOn);
  t.deepEqual(
    scene.published.map(({ kind }) => kind),
    ['trial', 'on', 'off', 'trial', 'off'],
  );
  scene.table.full = true;
  await t.throwsAsync(trial(scene), { code: 'internal' });
  t.false(scene.enforcement.isOn, 'what the module does not know of does not bind');
});
