// Finds the drivers that others have installed: a folder each, with a manifest. Only what root alone can write counts,
// since the program will see cards. A manifest that is wrong costs its own driver, and is told.
// Specification: DRIVERS.md, "The manifest".

import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { AgentError, printable } from '../../base/errors.ts';
import { checkTrustedFolder, distrustOf, readTrustedFile } from '../../base/trusted-file.ts';
import type { DriverInfo } from '../../model/card/driver.ts';
import { numberedUser, systemAccount, type DriverUser } from './confine.ts';

/** The administrator's first: where both have an id, the first is used. */
const DRIVER_FOLDERS = ['/etc/scauth/drivers', '/usr/lib/scauth/drivers'];
const MANIFEST = 'manifest.json';
const MAX_MANIFEST_BYTES = 64 * 1024;
const MAX_DRIVERS = 64;
/** Of DRIVERS.md. */
export const INTERFACE_VERSION = 1;

const line = v.pipe(v.string('must be text'), v.minLength(1, 'is empty'), v.maxLength(100, 'is too long'));
const manifestSchema = v.strictObject({
  id: v.pipe(
    v.string('must be text'),
    v.regex(/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+){1,7}$/, 'must be a reverse domain name'),
    v.maxLength(64, 'is too long'),
  ),
  version: v.pipe(line, v.regex(/^[A-Za-z0-9.+~-]+$/, 'must be a version')),
  displayName: line,
  shortName: line,
  parent: v.optional(line),
  uuid: v.pipe(v.string('must be text'), v.uuid('must be a UUID')),
  interfaceVersion: v.literal(INTERFACE_VERSION, `must be ${INTERFACE_VERSION}`),
  kind: v.picklist(['card', 'token'], 'must be "card" or "token"'),
  program: v.pipe(
    v.string('must be text'),
    v.regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be the name of a file in the same folder'),
  ),
  account: v.optional(
    v.pipe(v.string('must be text'), v.regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'must be the name of an account')),
  ),
});

type Manifest = v.InferOutput<typeof manifestSchema>;

export interface InstalledDriver {
  readonly info: DriverInfo;
  /** null where it cannot be used; `info` says why. */
  readonly running: { readonly program: string; readonly user: DriverUser } | null;
}

function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AgentError('malformed', { detail: `${MANIFEST} is not JSON`, cause });
  }
  const result = v.safeParse(manifestSchema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const key = (issue.path ?? []).map((item) => String(item.key)).join('.');
  const what = issue.type === 'strict_object' && issue.expected === 'never' ? 'is not known' : issue.message;
  throw new AgentError('malformed', { detail: printable(`${MANIFEST}: ${key} ${what}`) });
}

/** @throws AgentError `not-allowed` for a program that others could change, or that cannot be run */
function checkProgram(path: string): Stats {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new AgentError('not-allowed', { detail: `there is no program ${path}` });
  const why = distrustOf(stats, 0) ?? ((stats.mode & 0o001) === 0 ? 'cannot be run by everybody' : null);
  if (why !== null) throw new AgentError('not-allowed', { detail: `${path} ${why}` });
  return stats;
}

/** @throws AgentError `not-allowed` for an account that is not there, or is not for this */
function userOf({ id, kind, account }: Manifest): DriverUser {
  if (account === undefined) return numberedUser(id);
  const user = kind === 'token' ? systemAccount(account) : null;
  if (user !== null) return user;
  const why = kind === 'card' ? 'is for the kind "token"' : 'is no system account of this machine';
  throw new AgentError('not-allowed', { detail: `${MANIFEST}: account ${account} ${why}` });
}

function broken(folder: string, name: string, error: unknown): InstalledDriver {
  const problem = error instanceof AgentError ? error.detail : String(error);
  return {
    running: null,
    info: {
      ...{ id: printable(name), version: '', displayName: printable(name), shortName: printable(name) },
      ...{ parent: null, uuid: null, changedAtMs: null, interfaceVersion: null, uid: null },
      ...{ path: join(folder, printable(name)), kind: 'card', builtIn: false, state: 'failed' },
      problems: [printable(problem)],
    },
  };
}

function readDriver(parent: string, name: string): InstalledDriver | null {
  const folder = join(parent, name);
  try {
    if (!lstatSync(folder).isDirectory()) return null;
    checkTrustedFolder(folder);
    const path = join(folder, MANIFEST);
    const bytes = readTrustedFile(path, MAX_MANIFEST_BYTES);
    if (bytes === null) throw new AgentError('malformed', { detail: `there is no ${MANIFEST}` });
    const manifest = parseManifest(bytes.toString('utf8'));
    const { id, version, displayName, shortName, parent: product = null, uuid, ...rest } = manifest;
    const program = join(folder, rest.program);
    checkProgram(program);
    const user = userOf(manifest);
    return {
      running: { program, user },
      info: {
        ...{ id, version, uuid, interfaceVersion: rest.interfaceVersion, kind: rest.kind },
        displayName: printable(displayName),
        shortName: printable(shortName),
        parent: product === null ? null : printable(product),
        path: folder,
        changedAtMs: lstatSync(path).mtimeMs,
        builtIn: false,
        uid: user.uid,
        state: 'ready',
        problems: [],
      },
    };
  } catch (error) {
    return broken(parent, name, error);
  }
}

/**
 * The drivers in the two folders, by id. Two with one id: the first is used, the other says so. A folder that is not
 * there has none.
 * @param taken ids of the drivers that are shipped
 */
export function findDrivers(taken: readonly string[], folders = DRIVER_FOLDERS): InstalledDriver[] {
  const found: InstalledDriver[] = [];
  for (const folder of folders) {
    try {
      if (!checkTrustedFolder(folder)) continue;
      for (const name of readdirSync(folder).sort().slice(0, MAX_DRIVERS)) {
        const driver = readDriver(folder, name);
        if (driver !== null) found.push(driver);
      }
    } catch (error) {
      found.push(broken(folder, '', error));
    }
  }
  const seen = new Set(taken);
  return found
    .map((driver) => {
      if (driver.running === null) return driver;
      if (!seen.has(driver.info.id)) {
        seen.add(driver.info.id);
        return driver;
      }
      const problems = [`another driver has the id ${driver.info.id} and is used`];
      return { running: null, info: { ...driver.info, state: 'failed' as const, problems } };
    })
    .sort((a, b) => (a.info.id < b.info.id ? -1 : 1));
}
