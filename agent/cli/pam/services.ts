// Which PAM services ask for a card: those whose auth stack names our module, wherever libpam finds their files.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
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

/** @param root where `/` is found; other than `/` in tests */
export function servicesOfOurs(root = '/'): string[] {
  const names = new Set(FOLDERS.flatMap((folder) => filesIn(join(root, folder))));
  return [...names]
    .filter((name) => /^[A-Za-z0-9_-]+$/.test(name) && !name.startsWith('common-'))
    .filter((name) => readStack(name, 'auth', root).lines.some(({ module }) => module.endsWith(MODULE)))
    .sort();
}

/** Those of them that a card opens as their files stand. */
export function servicesThatAsk(root = '/'): string[] {
  return servicesOfOurs(root).filter((name) => judgeStack(name, readStack(name, 'auth', root), root).ok);
}
