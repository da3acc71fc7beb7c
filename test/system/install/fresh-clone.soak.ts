// S18: a fresh clone below a folder that others cannot enter, under umasks and settings that hide things: everything is
// set up from nothing, and the demo and tests run in it. Minutes each; needs npm's registry.

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../../unit/base/folders.ts';

const ROOT = join(import.meta.dirname, '../../..');

const CASES: readonly { readonly umask: string; readonly env: Record<string, string> }[] = [
  { umask: '077', env: { NODE_ENV: 'production' } },
  { umask: '027', env: { npm_config_omit: 'dev', npm_config_ignore_scripts: 'true' } },
];

for (const { umask, env } of CASES) {
  test(`S18: umask ${umask} and ${Object.keys(env).join(', ')}: the demo and tests run in a fresh clone`, (t) => {
    const hidden = temporaryFolder(t);
    chmodSync(hidden, 0o700);
    const clone = join(hidden, 'scauth');
    execFileSync('sh', ['-c', `umask ${umask}; exec git clone --quiet "$1" "$2"`, 'sh', ROOT, clone]);
    const inherited = Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD|NODE_)/.test(name));
    const run = (command: string): { status: number | null; said: string } => {
      const { status, stdout, stderr } = spawnSync('sh', ['-c', `umask ${umask}; exec ${command}`], {
        cwd: clone,
        encoding: 'utf8',
        env: { ...Object.fromEntries(inherited), ...env },
      });
      return { status, said: `${stdout}${stderr}` };
    };
    const demo = run('npm run demo');
    t.is(demo.status, 0, demo.said);
    const tests = run(
      'npm test -- test/floors.test.ts test/unit/base/*.test.ts test/kit/sandbox/sandbox.test.ts',
    );
    t.is(tests.status, 0, tests.said);
    t.regex(tests.said, /^\d+ passed, 0 failed$/m);
  });
}
