// S19: the tarball says what it needs, looks at that before it changes anything, and has what the package has.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { filesOf, layOutTarball, putDebianFiles } from '../../../install/package/deb.ts';
import { debianDepends, needsOf, readNeeds } from '../../../install/package/needs.ts';
import { makeTree } from '../../../install/package/tree.ts';

const ROOT = join(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'scauth-tarball-'));
const tree = join(folder, 'made');
const tarball = join(folder, 'tarball');

test.before(async () => {
  await makeTree(ROOT, tree, { runtime: false });
  layOutTarball(ROOT, tree, tarball);
});
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** install.sh --plan, which changes nothing, with other needs than the real ones. */
function plan(needs: string | null): { code: number | null; stdout: string; stderr: string } {
  const copy = mkdtempSync(join(folder, 'copy-'));
  cpSync(tarball, copy, { recursive: true });
  if (needs !== null) writeFileSync(join(copy, 'needs'), needs);
  const { status, stdout, stderr } = spawnSync('sh', [join(copy, 'install.sh'), '--plan'], {
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

test('S19: the glibc that it names is the newest that any of its binaries asks for', (t) => {
  const binaries = globSync(['**/*.node', '**/*.so'], { cwd: tree }).map((file) => join(tree, file));
  t.true(binaries.length >= 4);
  const symbols = execFileSync('objdump', ['-T', ...binaries], { encoding: 'utf8', maxBuffer: 1 << 28 });
  const minors = [...symbols.matchAll(/\bGLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
  const newest = `2.${Math.max(...minors)}`;
  t.is(needsOf(tree).glibc, newest);
  t.true(readFileSync(join(tarball, 'needs'), 'utf8').startsWith(`glibc ${newest}\n`));
  t.true(debianDepends(needsOf(tree)).includes(`libc6 (>= ${newest})`));
});

test('S19: versions are compared as numbers, and a library of unknown origin ends the build', (t) => {
  const needing = (...names: string[]): string =>
    names.map((name) => `  0x10: Name: ${name}  Flags: none\n`).join('');
  t.is(readNeeds(needing('GLIBC_2.4', 'GLIBC_2.34', 'GLIBC_2.5')).glibc, '2.34');
  t.is(readNeeds(needing('GLIBC_2.34', 'GLIBC_ABI_DT_RELR')).glibc, '2.36');
  t.is(readNeeds(needing('GLIBCXX_3.4.21', 'CXXABI_1.3.11', 'GLIBCXX_3.4')).gcc, '7');
  t.is(readNeeds(needing('GLIBCXX_3.4.29')).gcc, '11');
  t.is(readNeeds(needing('GLIBCXX_3.4.31')).gcc, '13', 'between two rows');
  t.throws(() => readNeeds(needing('GLIBCXX_3.4.99')), { message: /newer than the table/ });
  const linked = (name: string): string => ` 0x1 (NEEDED)             Shared library: [${name}]\n`;
  t.deepEqual(readNeeds(linked('libc.so.6') + linked('libpam.so.0')).libraries, ['libpam.so.0']);
  t.throws(() => readNeeds(linked('libother.so.1')), { message: /does not know its package/ });
});

test('S19: a system that lacks something is told so, with the name of the package', (t) => {
  t.is(plan(null).code, 0, plan(null).stderr);
  t.is(plan('glibc 2.4\n').code, 0, '2.4 is older than 2.36');
  const old = plan('glibc 9.99\n');
  t.is(old.code, 1);
  t.is(old.stdout, '');
  t.regex(old.stderr, /needs glibc 9\.99 or newer, and this system has 2\.\d+\./);
  const missing = plan('glibc 2.2\nlibrary libnothere.so.1 libnothere1 nothere-libs nothere libnothere1\n');
  t.is(missing.code, 1);
  t.is(missing.stdout, '');
  t.regex(missing.stderr, /^libnothere\.so\.1 is missing\. (Install it: .*nothere|Its package is)/);
});

test('S19: it has a place for each file of the package', (t) => {
  const packaged = join(folder, 'packaged');
  cpSync(tree, packaged, { recursive: true });
  putDebianFiles(ROOT, packaged, '1');
  // dpkg's own, and lintian's.
  const forDpkg =
    /^(DEBIAN\/|usr\/share\/lintian\/|usr\/share\/doc\/scauth\/(changelog\.gz|CHANGELOG\.md\.gz|copyright)$)/;
  const wanted = filesOf(packaged).filter((file) => !forDpkg.test(file));
  const siem = globSync('**/*.*', { cwd: join(ROOT, 'install/siem') });
  t.true(siem.length > 10);
  t.deepEqual(
    siem.filter((file) => !wanted.includes(`usr/share/scauth/siem/${file}`)),
    [],
  );
  const lines = plan(null).stdout.trim().split('\n');
  t.deepEqual(lines.map((line) => line.replace(/ -> .*$/, '')).sort(), wanted.sort());
  const places = lines.map((line) => line.replace(/^.* -> /, ''));
  t.deepEqual(
    places.filter(
      (place) =>
        !/^(\/(opt\/scauth|usr\/local|etc|usr\/lib[^ ]*\/security|usr\/share\/(pam-configs|sddm)|lib[^ ]*\/security)\/|\(there is no )/.test(
          place,
        ),
    ),
    [],
  );
  t.is(
    new Set(places.filter((place) => place.startsWith('/'))).size,
    places.filter((place) => place.startsWith('/')).length,
  );
  writeFileSync(join(tarball, 'tree/usr/share/unheard-of'), '');
  const drifted = plan(null);
  rmSync(join(tarball, 'tree/usr/share/unheard-of'));
  t.is(drifted.code, 1);
  t.regex(drifted.stderr, /knows no place for usr\/share\/unheard-of/);
});
