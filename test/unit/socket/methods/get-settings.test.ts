// GetSettings: each setting with its value, its place in the files and its meaning; what waits in the files, and who is told.

import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { jsonSchema } from '../../../../config/json-schema.ts';
import { PolicyFile } from '../../../../config/policy-file.ts';
import { settingNames } from '../../../../policy/policy.ts';
import { getSettings } from '../../../../agent/socket/methods/settings-methods.ts';
import type { WireSetting } from '../../../../agent/protocol/io-scauth.ts';
import { temporaryFolder } from '../../base/folders.ts';
import { serve } from '../admin-place.ts';
import { VarlinkClient } from '../clients.ts';

const root = { pid: 1, uid: 0, gid: 0 };
const alice = { pid: 1, uid: 1000, gid: 1000 };

function files(t: ExecutionContext, main: string, dropIns: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'scauth.d'));
  const put = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o644 });
    return join(folder, name);
  };
  put('scauth.toml', main);
  for (const [name, text] of Object.entries(dropIns)) put(`scauth.d/${name}`, text);
  return { folder, put };
}

async function all(of: PolicyFile, peer = root) {
  const found: WireSetting[] = [];
  let problem: string | null = null;
  for (let after: string | null | undefined = null; after !== undefined;) {
    const page: Awaited<ReturnType<typeof getSettings>> = await getSettings({ after }, peer, {
      settingsFiles: {
        isPublic: of.isPublic,
        report: (w) => of.report(w),
        readAnew: () => of.readAnew(),
        reload: () => [],
      },
    });
    found.push(...page.settings);
    ({ problem } = page);
    after = page.next ?? undefined;
  }
  return { problem, found, named: (name: string) => found.find((one) => one.name === name) };
}

test('every setting in order, with the default, unit and meaning of the table', async (t) => {
  const { found } = await all(new PolicyFile(files(t, '').folder));
  t.deepEqual(
    found.map(({ name }) => name),
    [...settingNames],
  );
  const { properties } = jsonSchema() as {
    properties: Record<string, { properties: Record<string, { default: unknown; description: string }> }>;
  };
  for (const { name, value, default: usual, unit, meaning, file, waits } of found) {
    const [table = '', key = ''] = name.split('.');
    const known = properties[table]?.properties[key];
    t.is(usual, JSON.stringify(known?.default), name);
    t.is(value, usual, name);
    t.is(unit === null ? meaning : `${meaning} Unit: ${unit}.`, known?.description ?? '', name);
    t.deepEqual([file, waits], [null, null], name);
  }
});

test('a value says where it stands; the later file wins', async (t) => {
  const { folder } = files(t, '# one\n[login]\ntry_reserve = 2\npin_attempts = 3\n', {
    '50-a.toml': '[login]\ntry_reserve = 3\n',
    '60-b.toml': 'login.try_reserve = 4\n',
  });
  const { named } = await all(new PolicyFile(folder));
  t.like(named('login.try_reserve'), { value: '4', default: '1', file: join(folder, 'scauth.d/60-b.toml') });
  t.like(named('login.pin_attempts'), { value: '3', file: join(folder, 'scauth.toml'), line: 4 });
  t.like(named('login.remote'), { value: 'false', file: null, line: null });
});

test('what the files say meanwhile waits; what is read at the start says so', async (t) => {
  const { folder, put } = files(t, '[login]\ntry_reserve = 2\n');
  const of = new PolicyFile(folder);
  put('scauth.toml', '[login]\ntry_reserve = 5\n[piv]\nisolate = true\n');
  const before = await all(of);
  t.like(before.named('login.try_reserve'), { value: '2', line: 2, waits: '5', atStart: false });
  t.like(before.named('piv.isolate'), { value: 'false', file: null, waits: 'true', atStart: true });
  t.is(before.found.filter(({ waits }) => waits !== null).length, 2);
  of.reload();
  const after = await all(of);
  t.like(after.named('login.try_reserve'), { value: '5', waits: null });
  t.like(after.named('piv.isolate'), { value: 'false', file: null, waits: 'true' });
});

test('files that contradict themselves are named, and what is in force stays', async (t) => {
  const { folder, put } = files(t, '[login]\ntry_reserve = 2\n');
  const of = new PolicyFile(folder);
  put('scauth.toml', '[trust]\nlevel = 1\n');
  const { problem, named } = await all(of);
  t.regex(problem ?? '', /trust\.level is 1 and trust\.authorities is empty/);
  t.like(named('login.try_reserve'), { value: '2', waits: null });
  t.like(named('trust.level'), { value: '0', waits: null });
});

test('others than root are told what the files show everybody, and nothing that waits in them', async (t) => {
  const { folder, put } = files(t, '[login]\ntry_reserve = 2\n');
  const of = new PolicyFile(folder);
  put('scauth.toml', '[trust]\nlevel = 1\n');
  const { problem, named } = await all(of, alice);
  t.is(problem, null);
  t.like(named('login.try_reserve'), { value: '2', waits: null });
  put('scauth.toml', '[login]\ntry_reserve = 7\n');
  t.like((await all(of, alice)).named('login.try_reserve'), { value: '2', waits: null });
});

for (const [what, close] of [
  ['the main file', 'scauth.toml'],
  ['a drop-in', 'scauth.d/50-a.toml'],
  ['the folder of the drop-ins', 'scauth.d'],
  ['the folder', ''],
] as const) {
  test(`where ${what} is closed to others, root alone is told`, async (t) => {
    const { folder } = files(t, '[login]\ntry_reserve = 2\n', { '50-a.toml': '' });
    const of = new PolicyFile(folder);
    chmodSync(join(folder, close), 0o700);
    await t.throwsAsync(all(of, alice), { message: /not for all/ });
    t.like((await all(of)).named('login.try_reserve'), { value: '2' });
  });
}

test('a value that was read from a closed file stays closed when the file is gone', async (t) => {
  const { folder } = files(t, '', { '50-a.toml': '[login]\ntry_reserve = 2\n' });
  const secret = join(folder, 'scauth.d/50-a.toml');
  chmodSync(secret, 0o600);
  const of = new PolicyFile(folder);
  rmSync(secret);
  await t.throwsAsync(all(of, alice), { message: /not for all/ });
  // What is read at the start only is in force still.
  of.reload();
  await t.throwsAsync(all(of, alice), { message: /not for all/ });
});

test('a list that is longer than a message is cut, and the rest is told', async (t) => {
  const long = Array.from({ length: 64 }, (_, index) => `/${'x'.repeat(990)}${index}`);
  const { folder } = files(t, `[trust]\ncrl_files = ${JSON.stringify(long)}\n`);
  const { found, named } = await all(new PolicyFile(folder));
  t.is(found.length, settingNames.length);
  const { value = '' } = named('trust.crl_files') ?? {};
  t.is(value.length, 2000);
  t.true(value.startsWith('["/xxx') && value.endsWith('…'));
});

test('over the socket: a place that is none is refused', async (t) => {
  const { path } = await serve(t);
  const client = new VarlinkClient(t, path);
  t.like(await client.call('io.scauth.GetSettings', { after: 'no.such' }), {
    error: 'org.varlink.service.InvalidParameter',
  });
  t.like(await client.call('io.scauth.GetSettings', {}), { parameters: { settings: [] } });
});
