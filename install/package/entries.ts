// Which programs the package's JavaScript has. Most are found, so that a new one needs no word here: what a launcher
// in install/bin starts, and what a source file names as a program beside it. This table is for the rest.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Source files that are started by a name that cannot be found in the text. Empty is the usual state. */
export const FURTHER_ENTRIES: readonly string[] = [];

/** Native packages: shipped as they are, beside the bundle, with the files that they need at run time. */
export const NATIVE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  koffi: [
    'package.json',
    'index.js',
    'index.cjs',
    'src/koffi/index.js',
    'src/koffi/index.cjs',
    'src/koffi/src/static.js',
    'src/koffi/src/static.cjs',
    'LICENSE.txt',
  ],
  '@koromix/koffi-linux-x64': ['package.json', 'index.js', 'linux_x64/koffi.node'],
  pkcs11js: ['package.json', 'index.js', 'build/Release/pkcs11.node', 'LICENSE'],
  '@napi-rs/keyring': ['package.json', 'index.js', 'keytar.js', 'LICENSE'],
  '@napi-rs/keyring-linux-x64-gnu': ['package.json', 'keyring.linux-x64-gnu.node'],
};

/** One file of install/bin. */
export interface Launcher {
  readonly name: string;
  /** The .ts file that it starts, from the repository's root. */
  readonly entry: string;
  readonly text: string;
}

/**
 * The launchers of install/bin; a shell script that starts no .ts file is not one.
 * @param root the repository
 */
export function launchersOf(root: string): Launcher[] {
  const folder = join(root, 'install/bin');
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      const entry = /"\$here\/([\w./-]+\.ts)"/.exec(text)?.[1];
      return entry === undefined ? [] : [{ name, entry, text }];
    });
}

/** What a source file says about files beside it: further programs, and files read at run time. */
export interface Companions {
  /** .ts files, relative to the source file. */
  readonly programs: readonly string[];
  /** Other files, relative to the source file. */
  readonly assets: readonly string[];
}

/** `new URL('./x', import.meta.url)` and `${import.meta.dirname}/x${extname(import.meta.filename)}`. */
export function companionsOf(text: string): Companions {
  const named = [
    ...text.matchAll(/new URL\(\s*'([^']+)',\s*import\.meta\.url/g),
    ...text.matchAll(/join\(\s*import\.meta\.dirname,\s*'([^']+)'/g),
    ...text.matchAll(/\$\{import\.meta\.dirname\}\/([\w./-]+\.\w+)`/g),
  ].map((match) => match[1] ?? '');
  const beside = [
    ...text.matchAll(/\$\{import\.meta\.dirname\}\/([\w./-]+)\$\{extname\(import\.meta\.filename\)\}/g),
  ].map((match) => `${match[1] ?? ''}.ts`);
  const all = [...named, ...beside];
  return {
    programs: all.filter((path) => path.endsWith('.ts')),
    assets: all.filter((path) => !path.endsWith('.ts')),
  };
}
