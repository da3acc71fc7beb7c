// Bundles the TypeScript into the package's JavaScript: ES modules, not minified, with source maps, in the folders of
// the sources (agent/daemon/main.ts becomes agent/daemon/main.js), shared parts in chunks/. Native packages stay outside.
// What is in agent/cli becomes CommonJS, with chunks of its own (DECISIONS.md D350).
// A source file that looks for a file beside itself finds it: its own address is kept, wherever its code goes.

import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { build, transform, type Plugin } from 'esbuild';
import { companionsOf, FURTHER_ENTRIES, launchersOf, NATIVE_PACKAGES } from './entries.ts';

export interface Bundle {
  /** Entry points, as .ts paths from the root. */
  readonly entries: readonly string[];
  /** Files read at run time, as paths from the root. */
  readonly assets: readonly string[];
}

const CLI = 'agent/cli';
const ADDRESS = 'import.meta.resolve(';

/** `import.meta` of a source file, seen from whichever chunk its code is in: package.json maps `#scauth/`. */
function keepAddress(text: string, path: string): string {
  const url = `${ADDRESS}${JSON.stringify(`#scauth/${path.replace(/\.ts$/, '.js')}`)})`;
  const file = `decodeURIComponent(new URL(${url}).pathname)`;
  return text
    .replace(/(new URL\(\s*'[^']+)\.ts(',\s*import\.meta\.url)/g, '$1.js$2')
    .replace(/(join\(\s*import\.meta\.dirname,\s*'[^']+)\.ts(')/g, '$1.js$2')
    .replace(/(\$\{import\.meta\.dirname\}\/[\w./-]+)\.ts`/g, '$1.js`')
    .replaceAll('import.meta.url', url)
    .replaceAll('import.meta.filename', file)
    .replaceAll('import.meta.dirname', `${file}.replace(/\\/[^/]*$/, '')`);
}

/** Writes down what each source file names beside itself. */
function addresses(root: string, found: { programs: Set<string>; assets: Set<string> }): Plugin {
  return {
    name: 'addresses',
    setup(plugin) {
      plugin.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        if (path.includes('/node_modules/') || !text.includes('import.meta.')) return null;
        const { programs, assets } = companionsOf(text);
        const fromRoot = (beside: string): string => relative(root, join(dirname(path), beside));
        for (const program of programs) found.programs.add(fromRoot(program));
        for (const asset of assets) found.assets.add(fromRoot(asset));
        return { contents: keepAddress(text, relative(root, path)), loader: 'ts' };
      });
    },
  };
}

/** CommonJS packages in the bundle call require() for Node's own modules. To make it takes time: where it is wanted, on
 * the first line, so that the source map holds. */
const REQUIRE =
  "import { createRequire as scauthRequire } from 'node:module'; const require = scauthRequire(import.meta.url); ";

function giveRequire(file: string): void {
  if (!file.endsWith('.js')) return;
  const text = readFileSync(file, 'utf8');
  if (/\brequire\b/.test(text)) writeFileSync(file, `${REQUIRE}${text}`);
}

/** @param file of agent/cli @param root of the bundle */
async function makeCommonJs(file: string, root: string): Promise<void> {
  if (!file.endsWith('.js')) return;
  const text = readFileSync(file, 'utf8').replaceAll(`${ADDRESS}"#scauth/`, 'scauthAddress("');
  const map = readFileSync(`${file}.map`).toString('base64');
  const made = await transform(
    text.replace(/^(\/\/# sourceMappingURL=).*$/m, `$1data:application/json;base64,${map}`),
    {
      format: 'cjs',
      platform: 'node',
      target: 'node24',
      supported: { 'dynamic-import': false },
      sourcemap: 'external',
      sourcefile: basename(file),
    },
  );
  const up = relative(dirname(file), root);
  // On the first line, so that the source map holds.
  const address = `const scauthAddress = (path) => require('node:url').pathToFileURL(\`\${__dirname}/${up}/\${path}\`).href; `;
  const link = `//# sourceMappingURL=${basename(file)}.map\n`;
  writeFileSync(file, `${made.code.includes('scauthAddress(') ? address : ''}${made.code}${link}`);
  writeFileSync(`${file}.map`, made.map);
}

const inCli = (entry: string): boolean => entry.startsWith(`${CLI}/`);

/** esbuild shares parts among programs in ES modules alone: CommonJS is made of those. */
async function bundleOnce(root: string, entries: readonly string[], out: string | null) {
  const [cli, others] = [entries.filter(inCli), entries.filter((entry) => !inCli(entry))];
  const modules = await bundleModules(root, others, out, 'chunks');
  if (out !== null) for (const file of modules.outputs) giveRequire(join(root, file));
  if (cli.length === 0) return modules.found;
  const commands = await bundleModules(root, cli, out, `${CLI}/chunks`);
  if (out !== null) {
    for (const file of commands.outputs) await makeCommonJs(join(root, file), out);
    writeFileSync(join(out, CLI, 'package.json'), '{ "type": "commonjs" }\n');
  }
  for (const kind of ['programs', 'assets'] as const)
    for (const path of commands.found[kind]) modules.found[kind].add(path);
  return modules.found;
}

async function bundleModules(root: string, entries: readonly string[], out: string | null, chunks: string) {
  const found = { programs: new Set<string>(), assets: new Set<string>() };
  const result = await build({
    absWorkingDir: root,
    entryPoints: [...entries],
    outbase: root,
    outdir: out ?? join(root, 'build/bundle-dry'),
    write: out !== null,
    bundle: true,
    splitting: true,
    chunkNames: `${chunks}/[name]-[hash]`,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    sourcemap: 'linked',
    sourcesContent: true,
    legalComments: 'eof',
    external: Object.keys(NATIVE_PACKAGES),
    plugins: [addresses(root, found)],
    logLevel: 'silent',
    metafile: true,
  });
  return { found, outputs: Object.keys(result.metafile.outputs) };
}

/**
 * Bundles every program into `out` and copies what they read at run time.
 * @throws Error when a program names a file that is not there
 */
export async function bundle(root: string, out: string): Promise<Bundle> {
  let entries = [...new Set([...launchersOf(root).map(({ entry }) => entry), ...FURTHER_ENTRIES])].sort();
  for (;;) {
    const found = await bundleOnce(root, entries, null);
    const more = [...found.programs].filter((program) => !entries.includes(program));
    if (more.length === 0) break;
    for (const program of more) {
      if (!existsSync(join(root, program)))
        throw new Error(`${program} is named by a source and is not there.`);
    }
    entries = [...entries, ...more].sort();
  }
  const found = await bundleOnce(root, entries, out);
  const assets = [...found.assets].filter((asset) => asset !== 'package.json').sort();
  for (const asset of assets) {
    const from = join(root, asset);
    if (!existsSync(from) || statSync(from).isDirectory()) throw new Error(`${asset} cannot be shipped.`);
    mkdirSync(dirname(join(out, asset)), { recursive: true });
    copyFileSync(from, join(out, asset));
  }
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  // Relative, so that the tree works wherever it is put.
  const imports = { '#scauth/*': './*' };
  writeFileSync(
    join(out, 'package.json'),
    `${JSON.stringify({ name, version, license, type: 'module', imports }, null, 2)}\n`,
  );
  return { entries, assets };
}
