// `sc_auth config` as an administrator calls it: it needs no scauthd, and its exit code can be scripted.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import test from 'ava';
import { parse } from 'smol-toml';
import { sampleToml } from '../../install/man/settings-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'scauth-config-'));
test.after.always(() => {
  rmSync(folder, { recursive: true });
});

function scAuth(...args: string[]) {
  const main = fileURLToPath(new URL('../../agent/cli/main.ts', import.meta.url));
  return spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'config', ...args], {
    encoding: 'utf8',
  });
}

function write(text: string): void {
  writeFileSync(join(folder, 'scauth.toml'), text);
  chmodSync(join(folder, 'scauth.toml'), 0o644);
}

test.serial('check: a good folder ends with 0, a bad one with 1, file, line and the nearest name', (t) => {
  write('[login]\ntry_reserve = 2\n');
  const good = scAuth('check', '--folder', folder);
  t.is(good.status, 0, good.stderr);
  t.regex(good.stdout, /is good/);
  write('[login]\ntry_reserv = 2\n');
  const bad = scAuth('check', '--folder', folder);
  t.is(bad.status, 1);
  t.regex(bad.stderr, /scauth\.toml:2: .*try_reserve/);
  t.regex(bad.stderr, /Nothing of it is in force/);
});

test('schema: the sample file is valid by it, and an unknown key or word is not', (t) => {
  const { status, stdout } = scAuth('schema');
  t.is(status, 0);
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(stdout) as object);
  const sample = sampleToml().replace(/^# ?(?=[a-z_]+ = )/gm, '');
  t.true(validate(parse(sample)), JSON.stringify(validate.errors));
  t.false(validate({ login: { try_reserv: 1 } }));
  t.false(validate({ login: { removal_action: 'explode' } }));
  t.false(validate({ login: { try_reserve: -1 } }));
});

test('wrong usage ends with 2', (t) => {
  t.is(scAuth('say').status, 2);
});
