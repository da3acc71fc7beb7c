// The administrator's page as Cockpit wants it: one script and one style sheet beside the page and its manifest.

import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** In the folder in which Cockpit looks for packages. */
export const CONSOLE = 'usr/share/cockpit/scauth';

/** @param out the folder, made anew @throws Error when a source cannot be bundled */
export async function makeConsole(repository: string, out: string): Promise<void> {
  const source = join(repository, 'agent/console');
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    version: string;
  };
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await build({
    absWorkingDir: repository,
    entryPoints: { page: join(source, 'main.ts'), 'page-style': join(source, 'style/page.css') },
    outdir: out,
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: ['chrome115', 'firefox115', 'safari16.4'],
    define: { PAGE_VERSION: JSON.stringify(version) },
    legalComments: 'eof',
    logLevel: 'silent',
  });
  for (const name of ['manifest.json', 'index.html']) copyFileSync(join(source, name), join(out, name));
}
