// `sc_auth config` as an administrator calls it: it needs no scauthd, and its exit code can be scripted.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import test from 'ava';
import { parse } from 'smol-toml';
import { sampleToml } from '../../../install/man/settings-text.ts';
import { runHere } from '../cli/run-sc-auth.ts';

const folder = mkdtempSync(join(tmpdir(), 'scauth-config-'));
test.after.always(() => {
  rmSync(folder, { recursive: true });
});

/** No scauthd listens at this socket. */
const scAuth = (...args: string[]) => runHere(join(folder, 'no-socket'), ['config', ...args]);

function write(text: string): void {
  writeFileSync(join(folder, 'scauth.toml'), text);
  chmodSync(join(folder, 'scauth.toml'), 0o644);
}

test.serial(
  'check: a good folder ends with 0, a bad one with 1, file, line and the nearest name',
  async (t) => {
    write('[login]\ntry_reserve = 2\n');
    const good = await scAuth('check', '--folder', folder);
    t.is(good.code, 0, good.err);
    t.regex(good.out, /is good/);
    write('[login]\ntry_reserv = 2\n');
    const bad = await scAuth('check', '--folder', folder);
    t.is(bad.code, 1);
    t.regex(bad.err, /scauth\.toml:2: .*try_reserve/);
    t.regex(bad.err, /Nothing of it is in force/);
  },
);

test('schema: the sample file is valid by it, and an unknown key or word is not', async (t) => {
  const { code, out } = await scAuth('schema');
  t.is(code, 0);
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(out) as object);
  const sample = sampleToml().replace(/^# ?(?=[a-z_]+ = )/gm, '');
  t.true(validate(parse(sample)), JSON.stringify(validate.errors));
  t.false(validate({ login: { try_reserv: 1 } }));
  t.false(validate({ session: { removal: 'explode' } }));
  t.false(validate({ login: { try_reserve: -1 } }));
});

test('wrong usage ends with 2', async (t) => {
  t.is((await scAuth('say')).code, 2);
});
