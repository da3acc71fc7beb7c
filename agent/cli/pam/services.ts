// Which PAM services ask for a card: those whose auth stack names our module, wherever libpam finds their files.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MODULE } from './modules.ts';
import { judgeStack } from './line.ts';
import { FOLDERS, readStack } from './stack.ts';

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Where update-alternatives keeps what it knows: Debian's place, and that of others. */
const ALTERNATIVES = ['/var/lib/dpkg/alternatives', '/var/lib/alternatives'];

function isInPam(path: string): boolean {
  return FOLDERS.includes(dirname(path));
}

/**
 * Files that update-alternatives knows by the name of a service that it gives one of them: those in PAM's folders are no
 * services themselves. By the service, the files that it may be.
 */
export function alternativeFiles(root = '/'): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const folder of ALTERNATIVES) {
    for (const group of filesIn(join(root, folder))) {
      // "auto" or "manual", the link, slaves, then each file with its priority.
      const [, link = '', ...rest] = linesOf(join(root, folder, group));
      if (isInPam(link))
        found.set(
          basename(link),
          rest.filter((path) => path.startsWith('/')),
        );
    }
  }
  return found;
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** @param root where `/` is found; other than `/` in tests */
export function servicesOfOurs(root = '/'): string[] {
  const names = new Set(FOLDERS.flatMap((folder) => filesIn(join(root, folder))));
  const others = new Set(
    [...alternativeFiles(root).values()]
      .flat()
      .filter(isInPam)
      .map((path) => basename(path)),
  );
  return [...names]
    .filter((name) => !others.has(name))
    .filter((name) => /^[A-Za-z0-9_-]+$/.test(name) && !name.startsWith('common-'))
    .filter((name) => readStack(name, 'auth', root).lines.some(({ module }) => module.endsWith(MODULE)))
    .sort();
}

/** Those of them that a card opens as their files stand. */
export function servicesThatAsk(root = '/'): string[] {
  return servicesOfOurs(root).filter((name) => judgeStack(name, readStack(name, 'auth', root), root).ok);
}
