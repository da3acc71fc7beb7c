// Can what is compiled be loaded here: the PAM module, and the addons of Node? On a system whose glibc is older than
// the one that they were built on they cannot, and PAM passes over such a module without a word to the user.

import { existsSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { binaries as say } from '../../words/doctor.ts';
import { broken, ok, type Check } from './check.ts';

const NAME = 'binaries';
const MODULE = 'pam_scauth.so';
const LIBRARIES = ['/usr/lib', '/lib', '/usr/lib64', '/lib64'];

/** Where libpam looks for a module with a bare name. */
function moduleFiles(root: string): string[] {
  return LIBRARIES.flatMap((library) => {
    const folder = join(root, library);
    const multiarch = existsSync(folder)
      ? readdirSync(folder).filter((name) => name.endsWith('-linux-gnu'))
      : [];
    return ['', ...multiarch].map((name) => join(folder, name, 'security', MODULE));
  }).filter((file) => existsSync(file));
}

/** @returns what the loader says; null if it can be loaded */
function loadProblem(file: string): string | null {
  try {
    process.dlopen({ exports: {} }, file, constants.dlopen.RTLD_NOW);
    return null;
  } catch (error) {
    const said = (error as Error).message;
    // It was loaded, and is no addon of Node's.
    return said.startsWith('Module did not self-register') ? null : said;
  }
}

function cannotLoad(what: string, said: string): Check {
  const isOlder = /version `.*' not found/.test(said);
  return broken(NAME, ...(isOlder ? say.olderSystem(what, said) : say.notLoadable(what, said)));
}

async function checkAddons(): Promise<Check[]> {
  const addons = { koffi: () => import('koffi'), pkcs11js: () => import('pkcs11js') };
  const checks: Check[] = [];
  for (const [name, load] of Object.entries(addons)) {
    try {
      await load();
    } catch (error) {
      checks.push(cannotLoad(name, (error as Error).message.split('\n')[0] ?? ''));
    }
  }
  return checks;
}

/** @param root where `/` is found; other than `/` in tests */
export async function checkBinaries(root = '/'): Promise<Check[]> {
  const files = moduleFiles(root);
  const wrong = files.flatMap((file) => {
    const said = loadProblem(file);
    return said === null ? [] : [cannotLoad(file, said)];
  });
  if (files.length === 0) wrong.push(broken(NAME, ...say.nowhere(MODULE)));
  wrong.push(...(await checkAddons()));
  return wrong.length > 0 ? wrong : [ok(NAME, say.loadable(MODULE))];
}
