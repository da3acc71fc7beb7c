// `npm run package`: dist/scauth_VERSION_amd64.deb, dist/scauth-cockpit_VERSION_all.deb (the page in Cockpit) and
// dist/scauth-VERSION-linux-x64.tar.xz, from this checkout. `-- --no-tarball` leaves the last out. It installs nothing.

import { readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { makeConsoleDeb, makeDeb, makeTarball } from './deb.ts';
import { makeTree } from './tree.ts';

const repository = resolve(import.meta.dirname, '../..');
const work = join(repository, 'build/package');
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };

// What is made now is the release's, whatever the caller's umask is.
process.umask(0o022);
const tree = join(work, 'tree');
await makeTree(repository, tree);
const made = [
  makeDeb(repository, tree, join(work, 'deb'), version),
  await makeConsoleDeb(repository, join(work, 'console'), version),
];
if (!process.argv.includes('--no-tarball'))
  made.push(makeTarball(repository, tree, join(work, 'tarball'), version));
rmSync(work, { recursive: true, force: true });
for (const file of made) {
  const megabytes = (statSync(file).size / 1024 / 1024).toFixed(1);
  process.stdout.write(`${relative(process.cwd(), file)} (${megabytes} MiB)\n`);
}
