// The bundle: finds its programs by itself, keeps the addresses of files, and runs.

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { bundle } from '../../../install/package/bundle.ts';
import { companionsOf } from '../../../install/package/entries.ts';
import { packagedLauncher } from '../../../install/package/tree.ts';

const test = anyTest as TestFn<{ folder: string }>;
const root = join(import.meta.dirname, '../../..');

test.beforeEach((t) => {
  t.context.folder = mkdtempSync(join(tmpdir(), 'scauth-bundle-'));
});
test.afterEach.always((t) => {
  rmSync(t.context.folder, { recursive: true, force: true });
});

test('a source says which programs and files it has beside it', (t) => {
  const text = [
    "new Worker(new URL('./worker.ts', import.meta.url))",
    "readFileSync(new URL('../x.varlink', import.meta.url))",
    "join(import.meta.dirname, 'child.ts')",
    'const P = `${import.meta.dirname}/check${extname(import.meta.filename)}`',
  ].join('\n');
  t.deepEqual(companionsOf(text), {
    programs: ['./worker.ts', 'child.ts', 'check.ts'],
    assets: ['../x.varlink'],
  });
});

test('a made-up program with a worker, a child and a file runs from the bundle', async (t) => {
  const { folder } = t.context;
  const source = join(folder, 'source');
  for (const path of ['install/bin', 'agent/daemon', 'agent/deep', 'out'])
    mkdirSync(join(source, path), { recursive: true });
  writeFileSync(join(source, 'package.json'), '{"name":"x","version":"1.2.3","license":"none"}');
  writeFileSync(
    join(source, 'install/bin/x'),
    '#!/bin/sh\nhere=.\nexec node "$here/agent/daemon/main.ts" "$@"\n',
  );
  writeFileSync(
    join(source, 'agent/daemon/main.ts'),
    "const { say } = await import('../deep/part.ts');\nsay();\nexport {};\n",
  );
  writeFileSync(
    join(source, 'agent/deep/part.ts'),
    `import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
export function say(): void {
  console.log(readFileSync(new URL('./file.txt', import.meta.url), 'utf8').trim());
  const child = \`\${import.meta.dirname}/child\${extname(import.meta.filename)}\`;
  console.log(execFileSync(process.execPath, [child], { encoding: 'utf8' }).trim());
  new Worker(new URL('./worker.ts', import.meta.url));
  console.log((JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version);
}
`,
  );
  writeFileSync(join(source, 'agent/deep/file.txt'), 'a file\n');
  writeFileSync(join(source, 'agent/deep/child.ts'), "console.log('a child');\n");
  writeFileSync(join(source, 'agent/deep/worker.ts'), "console.log('a worker');\n");
  const made = await bundle(source, join(source, 'out'));
  t.deepEqual(made.entries, ['agent/daemon/main.ts', 'agent/deep/child.ts', 'agent/deep/worker.ts']);
  const said = execFileSync(process.execPath, [join(source, 'out/agent/daemon/main.js')], {
    encoding: 'utf8',
  });
  t.deepEqual(said.trim().split('\n').sort(), ['1.2.3', 'a child', 'a file', 'a worker']);
});

test('the bundle of this project runs from wherever it is, is readable and has source maps', async (t) => {
  const app = join(t.context.folder, 'with space', 'app');
  const { entries, assets } = await bundle(root, app);
  for (const entry of ['agent/daemon/main.ts', 'agent/cli/main.ts', 'agent/accounts/check-password.ts'])
    t.true(entries.includes(entry), entry);
  t.true(assets.includes('agent/protocol/io.scauth.varlink'));
  symlinkSync(join(root, 'node_modules'), join(app, 'node_modules'));
  for (const entry of entries) t.true(existsSync(join(app, entry.replace(/\.ts$/, '.js.map'))), entry);
  const run = (...args: string[]): string =>
    execFileSync(process.execPath, [join(app, 'agent/cli/main.js'), ...args], { encoding: 'utf8' });
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  t.is(run('--version'), `sc_auth ${version}\n`);
  t.regex(run('pair', '--help'), /^sc_auth pair/);
  t.regex(readFileSync(join(app, 'agent/daemon/main.js'), 'utf8'), /\n {2,}log\("ready"\);\n/);
  // What is imported at run time has the names that are asked of it.
  const seen = new Set<string>();
  for (const file of globSync('{agent,chunks,pam}/**/*.js', { cwd: app })) {
    const text = readFileSync(join(app, file), 'utf8');
    for (const [, names = '', from = ''] of text.matchAll(LATER)) {
      const found = (await import(from.startsWith('.') ? join(app, dirname(file), from) : from)) as Record<
        string,
        unknown
      >;
      for (const name of names.split(',').map((one) => one.trim().replace(/:.*$/, ''))) {
        seen.add(name);
        t.true(name in found, `${file}: ${name} of ${from}`);
      }
    }
  }
  for (const name of ['dbusClient', 'lookAtScreen']) t.true(seen.has(name), name);
});

/** An import at run time, in an ES module and in what was made CommonJS of one. */
const LATER =
  /\{([^{}]*)\} = await (?:import|Promise\.resolve\(\)\.then\(\(\) => __toESM\(require)\("([^"]+)"\)/g;

test('bundled twice, the same bytes', async (t) => {
  const text = async (name: string): Promise<string> => {
    const app = join(t.context.folder, name);
    await bundle(root, app);
    return execFileSync('sh', ['-c', 'find . -type f | LC_ALL=C sort | xargs sha256sum'], {
      cwd: app,
      encoding: 'utf8',
    });
  };
  t.is(await text('one'), await text('two'));
});

test('a launcher of the package starts the bundle with the package’s Node', (t) => {
  const text = packagedLauncher(readFileSync(join(root, 'install/bin/sc_auth'), 'utf8'));
  t.regex(text, /^here=\/usr\/lib\/scauth$/m);
  t.regex(text, /^exec "\$here\/node" .*"\$here\/app\/agent\/cli\/main\.js" "\$@"$/m);
  t.notRegex(text, /node_modules|readlink|\.ts/);
});
