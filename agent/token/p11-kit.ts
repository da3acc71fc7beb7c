// The PKCS#11 modules that p11-kit loads into every program of this machine, by their files' names. Specification:
// pkcs11.conf(5): one file a module, the administrator's in front of the package's of the same name.

import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const FOLDERS = ['/etc/pkcs11/modules', '/usr/share/p11-kit/modules'];

/** null: none, or not in each program. */
function moduleOf(text: string): string | null {
  const value = (name: string): string | undefined =>
    new RegExp(`^\\s*${name}\\s*:\\s*(.*?)\\s*$`, 'm').exec(text)?.[1];
  if (value('enable-in') !== undefined || value('disable-in') !== undefined) return null;
  const module = value('module') ?? '';
  return module === '' ? null : basename(module);
}

/** @param folders what comes first counts. What cannot be read is not there */
export async function p11KitModules(folders: readonly string[] = FOLDERS): Promise<ReadonlySet<string>> {
  const modules = new Map<string, string | null>();
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((one) => one.endsWith('.module') && !modules.has(one)).slice(0, 100))
      modules.set(name, moduleOf(await readFile(join(folder, name), 'utf8').catch(() => '')));
  }
  return new Set([...modules.values()].filter((module) => module !== null));
}
