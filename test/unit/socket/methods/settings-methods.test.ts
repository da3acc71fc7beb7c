// CheckSettings and GetHealth: whom the settings in the files would shut out, which paired cards no driver takes, and
// what ends; for root alone.

import { generateKeyPairSync } from 'node:crypto';
import test from 'ava';
import { NO_FLEET } from '../../../../agent/model/book/book-state.ts';
import { AgentError } from '../../../../agent/base/errors.ts';
import { driverFacts } from '../../../../agent/stories/enforcement/card-outlook.ts';
import type { DriverInfo } from '../../../../agent/model/card/driver.ts';
import { NOT_EVALUATED } from '../../../../agent/model/inventory.ts';
import { parseCertificate } from '../../../../agent/model/key/key.ts';
import { getHealth } from '../../../../agent/socket/methods/health-methods.ts';
import { checkSettings, reloadSettings } from '../../../../agent/socket/methods/settings-methods.ts';
import { makeCertificate } from '../../../kit/card/certificate.ts';
import { enforcedScene } from '../../stories/enforcement/enforcement-fakes.ts';
import { accounts, alice, bob, pairing, tokensOf } from '../../../kit/story/fakes.ts';
import { noFiles, policyWith } from '../../../kit/story/policy-with.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const certificate = makeCertificate(privateKey, { cn: 'Alice' });
const { publicKey, notAfterMs } = parseCertificate(certificate);
const about = { version: '1', shortName: '', parent: null, uuid: null, path: '', changedAtMs: null };
const driver = (id: string, kind: DriverInfo['kind'], state: DriverInfo['state']): DriverInfo => ({
  ...{ id, kind, state, displayName: id, interfaceVersion: 1, builtIn: true, uid: null, problems: [] },
  ...about,
});

/** Alice has a card of PIV's and uses it, Bob is exempt for an hour. */
function place(state: DriverInfo['state'] = 'ready') {
  const scene = enforcedScene({ people: [alice, bob] });
  scene.clock.wallMs = notAfterMs - 7 * 86_400_000;
  scene.pairings.rows.push({
    ...pairing(alice.name, publicKey),
    ...{ driver: 'org.scauth.piv', cardKey: Buffer.from('9E'), certificate },
  });
  scene.table.logins.push({ user: alice.name, pkhh: publicKey.pkhh, mapped: false, atMs: 1 });
  const untilMs = scene.clock.wallMs + 3_600_000;
  scene.table.exempt({ user: bob.name, untilMs, by: 'root', madeAtMs: 0, reason: '' });
  scene.table.state = { kind: 'on', sinceMs: 0, by: 'root' };
  const list = [driver('org.scauth.piv', 'card', state), driver('org.scauth.pkcs11', 'token', 'ready')];
  const enforcement = { ...scene, drivers: () => driverFacts(list) };
  const nothing = {
    readers: () => [],
    readerDrivers: () => [],
    trustOf: () => Promise.resolve(NOT_EVALUATED),
  };
  return { ...scene, enforcement, inventory: { drivers: () => list, ...nothing } };
}

test('the files: what is wrong with them, whom they would shut out, drivers as after a restart', async (t) => {
  const parts = place();
  const files = (disabledDrivers: readonly string[]) => ({
    ...parts,
    settingsFiles: { ...noFiles, readAnew: () => policyWith({ tokens: { disabled: disabledDrivers } }) },
  });
  const nobody = { shutOut: [], shutOutCount: 0, newlyShutOut: [], newlyShutOutCount: 0 };
  const good = { problem: null, enforced: true, ...nobody, closesRemote: false };
  t.deepEqual(await checkSettings(files([])), good);
  const out = { shutOut: ['alice'], shutOutCount: 1, newlyShutOut: ['alice'], newlyShutOutCount: 1 };
  t.deepEqual(await checkSettings(files(['org.scauth.piv'])), { ...good, ...out });
  const broken = {
    ...noFiles,
    readAnew: () => {
      throw new AgentError('config-invalid', { detail: 'scauth.toml:1: no' });
    },
  };
  const problem = 'scauth.toml:1: no';
  t.deepEqual(await checkSettings({ ...parts, settingsFiles: broken }), { ...good, problem });
  parts.table.state = { kind: 'off' };
  const off = enforcedScene({ table: parts.table });
  t.like(await checkSettings({ ...files(['org.scauth.piv']), enforcement: off }), {
    ...good,
    enforced: false,
  });
});

test('health: cards that no driver takes, whom enforcement shuts out now and soon, what ends', async (t) => {
  const { table, ...parts } = place('disabled');
  const health = { notInForce: [], configRefused: () => null };
  const asked = { ...parts, fleet: () => NO_FLEET, accounts, health, tokens: tokensOf(), version: '1' };
  const as = (uid: number) => ({ pid: 1, uid, gid: 0 });
  const days = 8;
  const seen = await getHealth({ days }, as(0), asked);
  t.like(seen, { shutOut: ['alice'], shutOutSoon: ['bob'], notInForce: [], configRefused: null });
  t.like(seen.refusedCards, [{ user: 'alice', hash: publicKey.pkhh, rule: 'login.card_check' }]);
  t.like(seen.expiring, [{ what: 'pairing', user: 'alice', notAfter: new Date(notAfterMs).toISOString() }]);
  t.deepEqual(
    (await getHealth({ days }, as(0), asked)).expiring,
    seen.expiring,
    'and again, from what is known',
  );
  // Others hear of what is theirs, and not of others.
  const own = await getHealth({ days }, as(alice.uid), asked);
  t.deepEqual([own.shutOut, own.shutOutSoon, own.refusedCards.length], [[], [], 1]);
  t.deepEqual((await getHealth({ days }, as(bob.uid), asked)).refusedCards, []);
  table.state = { kind: 'off' };
});

test('reading the settings again says what changed, and fails where they are wrong', (t) => {
  const parts = place();
  t.deepEqual(reloadSettings({ ...parts, settingsFiles: { ...noFiles, reload: () => ['trust'] } }), {
    changed: ['trust'],
  });
  const refused = (): never => {
    throw new AgentError('config-invalid', { detail: 'scauth.toml:1: no' });
  };
  t.throws(() => reloadSettings({ ...parts, settingsFiles: { ...noFiles, reload: refused } }), {
    code: 'config-invalid',
  });
});
