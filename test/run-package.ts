// `npm run test:package`: makes the package twice (the bytes must be the same), asks lintian, then runs the slow tests
// on a real Debian root. Ends with "N passed, N failed", as npm test does.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './kit/sandbox/namespace.ts';
import { TapReader } from './kit/tap.ts';
import { makeAlone, makePackages, READY } from './package/packages.ts';
import { World } from './package/world.ts';

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
let passed = 0;
let failed = 0;

function count(name: string, problem: string | null): void {
  if (problem === null) passed++;
  else failed++;
  console.log(`${name}: ${problem === null ? 'passed' : `FAILED\n${problem}`}`);
}

const first = hashOf(await makeAlone());
const packages = await makePackages();
const { file, pageFile } = packages;
count('built twice, the same bytes', hashOf(file) === first ? null : 'the two packages differ');

const LINTIAN = ['lintian', '--allow-root', '--fail-on', 'error,warning,pedantic', '--pedantic'] as const;
const [lintian, ...options] = LINTIAN;
const here = spawnSync(lintian, [...options, file, pageFile], { encoding: 'utf8' });
count('lintian', here.status === 0 ? null : `${here.stdout}${here.stderr}`);
const world = await World.start('trixie');
const there = await world.run([...LINTIAN, packages.first, packages.page].join(' '));
await world.stop();
count("Debian 13's lintian", there.code === 0 ? null : there.output);

const ava = [
  join(REPOSITORY, 'node_modules/ava/entrypoints/cli.js'),
  '--config',
  'ava.package.config.js',
  '--tap',
];
const { stdout, stderr } = spawnSync(process.execPath, [...ava, ...process.argv.slice(2)], {
  cwd: REPOSITORY,
  env: { ...process.env, [READY]: '1' },
  encoding: 'utf8',
});
const tap = new TapReader();
for (const line of stdout.split('\n')) tap.read(line);
for (const { title, detail } of tap.failures) console.log(`FAILED: ${title}\n${detail.join('\n')}`);
if (!tap.planned) console.log(`ava printed no plan\n${stderr}`);
passed += tap.passed;
failed += tap.failed + (tap.planned ? 0 : 1);
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed`);
