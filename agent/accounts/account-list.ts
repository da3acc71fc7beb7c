// The accounts that people log in with, and their groups, through the C library's name service. Read one entry at a
// time off the main thread; the place in the list belongs to the process, so two lists are never read at once.
// Specifications: getpwent_r(3), getgrouplist(3), getgrnam_r(3), login.defs(5).

import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import koffi from 'koffi';
import { nativeBuffer } from '../base/bytes.ts';
import { AgentError } from '../base/errors.ts';
import type { Account, AccountDirectory } from '../model/account.ts';
import type { Username } from '../model/request.ts';
import { accountOf, passwd, PASSWD_BYTES, STRINGS_BYTES } from './accounts.ts';

// <grp.h>, Linux
const group = koffi.struct('scauth_group', {
  gr_name: 'char *',
  gr_passwd: 'char *',
  gr_gid: 'uint32_t',
  gr_mem: 'void *',
});

const libc = koffi.load('libc.so.6');
const setpwent = libc.func('void setpwent()');
const endpwent = libc.func('void endpwent()');
const getpwent = libc.func('int getpwent_r(void *entry, void *strings, size_t length, _Out_ void **result)');
const getpwnam = libc.func(
  'int getpwnam_r(const char *name, void *entry, void *strings, size_t length, _Out_ void **result)',
);
const getgrnam = libc.func(
  'int getgrnam_r(const char *name, void *entry, void *strings, size_t length, _Out_ void **result)',
);
const getgrouplist = libc.func(
  'int getgrouplist(const char *user, uint32_t primary, _Out_ uint32_t *groups, _Inout_ int *count)',
);

const { ENOENT, ERANGE, ESRCH } = constants.errno;
/** A group can have many members, and all of their names stand in its entry. */
const MOST_STRINGS_BYTES = 1024 * 1024;
const USUAL_STRINGS_BYTES = 16 * 1024;
const MAX_GROUPS = 65_536;
const USUAL_GROUPS = 256;
/** Shells with which nobody logs in. An empty field is /bin/sh. */
const NO_SHELL = /(^|\/)(nologin|false|true|sync|halt|shutdown|reboot)$/;

function call(fn: ReturnType<typeof libc.func>, ...args: unknown[]): Promise<number> {
  return new Promise((resolve, reject) => {
    fn.async(...args, (error: Error | null, status: number) => {
      if (error === null) resolve(status);
      else reject(error);
    });
  });
}

function failure(status: number): AgentError {
  return new AgentError('internal', { detail: `the name service failed (${status})` });
}

/**
 * The entry that a lookup by name fills; null when there is none.
 * @param stringBytes of a usual entry; a longer one is read again with as much room as there may be
 * @throws AgentError `internal`
 */
async function entryByName(
  fn: ReturnType<typeof libc.func>,
  name: string,
  entryBytes: number,
  stringBytes: number,
): Promise<{ readonly entry: Buffer; readonly strings: Buffer } | null> {
  const entry = nativeBuffer(entryBytes);
  const strings = nativeBuffer(stringBytes);
  const result: unknown[] = [null];
  const status = await call(fn, name, entry, strings, stringBytes, result);
  if (status === ERANGE && stringBytes < MOST_STRINGS_BYTES)
    return entryByName(fn, name, entryBytes, MOST_STRINGS_BYTES);
  if (status !== 0 && status !== ENOENT && status !== ESRCH) throw failure(status);
  return status !== 0 || result[0] === null ? null : { entry, strings };
}

/** UID_MIN and UID_MAX; what most systems have where login.defs does not say. */
function uidRange(): { readonly min: number; readonly max: number } {
  let text = '';
  try {
    text = readFileSync('/etc/login.defs', 'latin1');
  } catch {
    // The usual range.
  }
  const value = (name: string, usual: number): number => {
    const found = new RegExp(`^\\s*${name}\\s+(\\d{1,10})\\b`, 'm').exec(text)?.[1];
    return found === undefined ? usual : Number(found);
  };
  return { min: value('UID_MIN', 1000), max: value('UID_MAX', 60_000) };
}

async function readPeople(each: (account: Account) => void): Promise<Account[]> {
  const { min, max } = uidRange();
  const people: Account[] = [];
  const known = new Set<string>();
  // The strings of an entry are copied out before the next one is read into the same place.
  const entry = nativeBuffer(PASSWD_BYTES);
  const strings = nativeBuffer(STRINGS_BYTES);
  await call(setpwent);
  try {
    for (;;) {
      const result: unknown[] = [null];
      const status = await call(getpwent, entry, strings, STRINGS_BYTES, result);
      if (status === ENOENT || (status === 0 && result[0] === null)) return people;
      if (status !== 0) throw failure(status);
      const { pw_shell } = koffi.decode(entry, passwd) as { pw_shell: string | null };
      const account = accountOf(entry);
      if (account === null || NO_SHELL.test(pw_shell ?? '')) continue;
      const inRange = account.uid >= min && account.uid <= max;
      if ((account.uid !== 0 && !inRange) || known.has(account.name)) continue;
      known.add(account.name);
      people.push(account);
      each(account);
    }
  } finally {
    await call(endpwent);
  }
}

let reading: Promise<unknown> = Promise.resolve();

function people(each: (account: Account) => void = () => undefined): Promise<Account[]> {
  const read = (): Promise<Account[]> => readPeople(each);
  const next = reading.then(read, read);
  reading = next.catch(() => undefined);
  return next;
}

async function isMember(user: Username, name: string): Promise<boolean | null> {
  const found = await entryByName(getgrnam, name, koffi.sizeof(group), USUAL_STRINGS_BYTES);
  const account = await entryByName(getpwnam, user, PASSWD_BYTES, USUAL_STRINGS_BYTES);
  if (found === null || account === null) return null;
  const { gr_gid } = koffi.decode(found.entry, group) as { gr_gid: number };
  const { pw_gid } = koffi.decode(account.entry, passwd) as { pw_gid: number };
  return (await groupsOf(user, pw_gid, USUAL_GROUPS)).includes(gr_gid);
}

async function isRoot(user: Username): Promise<boolean | null> {
  const found = await entryByName(getpwnam, user, PASSWD_BYTES, USUAL_STRINGS_BYTES);
  if (found === null) return null;
  return (koffi.decode(found.entry, passwd) as { pw_uid: number }).pw_uid === 0;
}

/** @throws AgentError `internal` */
async function groupsOf(user: Username, primary: number, most: number): Promise<Uint32Array> {
  const groups = new Uint32Array(most);
  const count = [groups.length];
  const status = await call(getgrouplist, user, primary, groups, count);
  if (status >= 0) return groups.subarray(0, count[0] ?? 0);
  if (most >= MAX_GROUPS) throw failure(status);
  return groupsOf(user, primary, MAX_GROUPS);
}

export const systemDirectory: AccountDirectory = { people, isMember, isRoot };
