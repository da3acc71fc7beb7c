// S18: the set-up gets all packages and what others can read, whatever umask, NODE_ENV and npm's settings say. With
// npm, make and Node played by scripts; a real clone is fresh-clone.soak.ts.

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { rootTest, temporaryFolder } from '../../unit/base/folders.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PLAYED_NPM = `#!/bin/sh
printf '%s\n' "$@" >npm-words
env >npm-environment
umask >npm-umask
mkdir -p node_modules/node/bin node_modules/pkcs11js/build/Release
printf '#!/bin/sh\\necho started\\numask\\n' >node_modules/node/bin/node
chmod 755 node_modules/node/bin/node
: >node_modules/pkcs11js/build/Release/pkcs11.node
`;

/** A checkout, made under a umask of 077, in which the bootstrap has something to do for npm alone. */
function checkout(t: ExecutionContext): string {
  const root = join(temporaryFolder(t), 'scauth');
  const put = (path: string, text: string, mode = 0o600): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(root, path), text, { mode });
  };
  for (const folder of ['agent', 'config', 'policy', 'test']) put(`${folder}/main.ts`, '');
  put('agent/program', '#!/bin/sh\n', 0o700);
  put('notes', 'private');
  put('package.json', '{}');
  put('package-lock.json', '{"packages":{"":{},"node_modules/ava":{"version":"1.0.0"}}}');
  put('install/packages.json', '{"always":{},"tests":{},"unpacked":{}}');
  put('pam/Makefile', 'all:\n\t: >../build/pam_scauth.so\n');
  put('build/vpcd/usr/lib/pcsc/drivers/serial/libifdvpcd.so', '');
  put('bin/npm', PLAYED_NPM, 0o755);
  copyFileSync(join(ROOT, 'install/bootstrap.mjs'), join(root, 'install/bootstrap.mjs'));
  return root;
}

function bootstrap(
  root: string,
  env: Record<string, string>,
): { words: string[]; env: string; said: string } {
  const command = `umask 077; exec "${process.execPath}" install/bootstrap.mjs test/main.ts`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: `${root}/bin:${process.env['PATH'] ?? ''}`, HOME: root, ...env },
  });
  if (status !== 0) throw new Error(stderr);
  const read = (name: string): string => readFileSync(join(root, name), 'utf8');
  return { words: read('npm-words').trim().split('\n'), env: read('npm-environment'), said: stdout };
}

rootTest(
  'S18: npm ci gets the packages for development too, and no setting that means another thing',
  (t) => {
    const { words, env } = bootstrap(checkout(t), {
      NODE_ENV: 'production',
      npm_config_omit: 'dev optional',
      npm_config_production: 'true',
      npm_config_global: 'true',
      npm_config_ignore_scripts: 'false',
      npm_config_registry: 'http://127.0.0.1:1/',
    });
    t.is(words[0], 'ci');
    for (const word of ['--include=dev', '--include=optional', '--ignore-scripts'])
      t.true(words.includes(word));
    t.notRegex(env, /^(NODE_ENV|npm_config_(omit|production|global))=/m);
    t.regex(env, /^npm_config_registry=/m, 'where packages come from is the person’s own choice');
  },
);

rootTest(
  'S18: under a umask of 077 what is made, and what was, can be read by others; no more than that',
  (t) => {
    const root = checkout(t);
    const { said } = bootstrap(root, {});
    t.is(readFileSync(join(root, 'npm-umask'), 'utf8').trim(), '0022');
    t.is(said, 'started\n0022\n');
    const asOther = (script: string): string =>
      execFileSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'sh', '-c', script], {
        cwd: '/',
        encoding: 'utf8',
      });
    const readable = ['agent/main.ts', 'build/pam_scauth.so', 'node_modules/node/bin/node', 'package.json'];
    t.is(
      asOther(readable.map((file) => `cat '${root}/${file}' >/dev/null && `).join('') + 'echo all'),
      'all\n',
    );
    asOther(
      `test -x '${root}/agent/program' && ! test -x '${root}/agent/main.ts' && ! test -r '${root}/notes'`,
    );
    asOther(`! ls '${root}'`);
    t.is(statSync(join(root, 'notes')).mode & 0o777, 0o600);
  },
);

rootTest('S18: packages that were installed under a umask of 077 are opened later', (t) => {
  const root = checkout(t);
  bootstrap(root, {});
  writeFileSync(join(root, 'node_modules/.package-lock.json'), readFileSync(join(root, 'package-lock.json')));
  for (const path of ['node_modules/pkcs11js', 'node_modules/node', 'node_modules/node/bin'])
    chmodSync(join(root, path), 0o700);
  bootstrap(root, {});
  for (const path of ['node_modules/pkcs11js', 'node_modules/node/bin'])
    t.is(statSync(join(root, path)).mode & 0o777, 0o755, path);
});
