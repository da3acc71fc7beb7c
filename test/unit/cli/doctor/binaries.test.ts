// S19: doctor loads the PAM module, and says what is to be done where the loader refuses it.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { checkBinaries } from '../../../../agent/cli/doctor/binaries.ts';
import { temporaryFolder } from '../../base/folders.ts';

const BUILT = join(import.meta.dirname, '../../../../build/pam_scauth.so');

for (const folder of ['usr/lib/x86_64-linux-gnu', 'usr/lib64', 'lib']) {
  test(`S19: a module in /${folder} that needs a newer glibc is broken, with the way on`, async (t) => {
    const root = temporaryFolder(t);
    const module = join(root, folder, 'security/pam_scauth.so');
    mkdirSync(join(root, folder, 'security'), { recursive: true });
    copyFileSync(BUILT, module);
    t.like(await checkBinaries(root), [{ state: 'ok' }]);
    const bytes = readFileSync(BUILT, 'latin1');
    const last =
      [...bytes.matchAll(/GLIBC_2\.\d\d(?=\0)/g)]
        .map(([name]) => name)
        .sort()
        .at(-1) ?? '';
    // The name of the version that it needs, in the table of names: another one of the same length.
    writeFileSync(module, Buffer.from(bytes.replaceAll(`${last}\0`, 'GLIBC_2.99\0'), 'latin1'));
    const [check] = await checkBinaries(root);
    t.like(check, { name: 'binaries', state: 'broken' });
    t.regex(check?.detail ?? '', /pam_scauth\.so cannot be loaded: .*GLIBC_2\.99' not found/);
    t.regex(check?.repair ?? '', /older than .* update it, or build scauth/);
  });
}

test('S19: no module at all, or something that is none, is broken too', async (t) => {
  const root = temporaryFolder(t);
  t.like(await checkBinaries(root), [{ state: 'broken', repair: 'Install scauth again.' }]);
  mkdirSync(join(root, 'usr/lib64/security'), { recursive: true });
  writeFileSync(join(root, 'usr/lib64/security/pam_scauth.so'), 'no ELF');
  t.like(await checkBinaries(root), [{ state: 'broken' }]);
});
