// Whether pam_faillock keeps somebody out of a stack that their card would open: behind its refusal a right PIN opens nothing,
// and no program says why. Only `preauth` refuses before us; the other two are behind the password.
// (DECISIONS.md D244). Specification: pam_faillock(8), faillock.conf(5); pam_faillock.c and faillock.h of Linux-PAM 1.4 to 1.7.

import { closeSync, fstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { openRegular } from '../../base/regular-file.ts';
import { codeOf } from './control.ts';
import { MODULE, nameOf } from './modules.ts';
import { readText, type StackLine } from './stack.ts';
import { run } from './walk.ts';

const FAILLOCK = 'pam_faillock.so';
const SETTINGS = '/etc/security/faillock.conf';
export const DEFAULT_FOLDER = '/var/run/faillock';

/** struct tally: source (52), reserved (2), status (2), time (8), little-endian as every machine that scauth is built for. */
const RECORD_BYTES = 64;
const STATUS_AT = 54;
const TIME_AT = 56;
const VALID = 1;
/** MAX_RECORDS */
const MOST_RECORDS = 1024;
/** MAX_TIME_INTERVAL; a longer one is as if it were not written. */
const MOST_SECONDS = 604_800;
const MOST_FAILURES = 65_535;

const SUCCESS = codeOf('success');
const REFUSED = codeOf('auth_err');

export interface Lock {
  /** Which keeps them out. */
  readonly line: StackLine;
  readonly failures: number;
  /** Until it ends by itself; null: until somebody resets it. */
  readonly secondsLeft: number | null;
  /** Of its records. */
  readonly folder: string;
}

type Options = ReadonlyMap<string, string>;

function optionOf(text: string): [string, string] {
  const [, name = '', value = ''] = /^\s*([^\s=]*)\s*=?\s*(.*?)\s*$/s.exec(text) ?? [];
  return [name, value];
}

/** The line's own, in front of those of the file that counts for it. */
function optionsOf({ args }: StackLine, root: string): Options {
  const own = new Map(args.map(optionOf));
  let text = '';
  try {
    text = readText(join(root, own.get('conf') ?? SETTINGS)) ?? '';
  } catch {
    // The module goes by its defaults as well.
  }
  const lines = text.split('\n').map((one) => optionOf(one.replace(/#.*/s, '')));
  return new Map([...lines, ...own]);
}

function numberOf(options: Options, name: string, most: number, otherwise: number): number {
  const text = options.get(name) ?? '';
  if (text === 'never') return 0;
  const value = /^\+?\d+/.test(text) ? parseInt(text, 10) : most + 1;
  return value > most ? otherwise : value;
}

interface Records {
  readonly owner: number;
  /** When the failures that count were, in seconds. */
  readonly times: readonly number[];
}

/** null: there are none, or this user may not read them. */
function recordsOf(path: string): Records | null {
  const fd = openRegular(path, () => null);
  if (fd === null) return null;
  try {
    const bytes = Buffer.alloc(RECORD_BYTES * MOST_RECORDS);
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    const times: number[] = [];
    for (let at = 0; at + RECORD_BYTES <= length; at += RECORD_BYTES)
      if ((bytes.readUInt16LE(at + STATUS_AT) & VALID) !== 0)
        times.push(Number(bytes.readBigUInt64LE(at + TIME_AT)));
    return { owner: fstatSync(fd).uid, times };
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

function lockBy(line: StackLine, user: string, root: string, now: number): Lock | null {
  const options = optionsOf(line, root);
  const folder = options.get('dir') ?? DEFAULT_FOLDER;
  const records = recordsOf(join(root, folder, user));
  if (records === null) return null;
  // The file is its user's own. Who is in admin_group is treated as root, and who is, is not looked up.
  const asRoot = records.owner === 0;
  if ((asRoot || options.has('admin_group')) && !options.has('even_deny_root')) return null;
  const deny = numberOf(options, 'deny', MOST_FAILURES, 3);
  const interval = numberOf(options, 'fail_interval', MOST_SECONDS, 900);
  const unlock = numberOf(options, 'unlock_time', MOST_SECONDS, 600);
  const lasts = asRoot ? numberOf(options, 'root_unlock_time', MOST_SECONDS, unlock) : unlock;
  const latest = records.times.reduce((one, other) => Math.max(one, other), 0);
  const failures = records.times.filter((time) => latest - time < interval).length;
  const secondsLeft = lasts === 0 ? null : latest + lasts - now;
  if (deny === 0 || failures < deny || (secondsLeft !== null && secondsLeft < 0)) return null;
  return { line, failures, secondsLeft, folder };
}

/**
 * @param lines of the service's auth stack
 * @param root where `/` is found; other than `/` in tests
 * @returns null also where this user may not read the records
 */
export function lockOf(lines: readonly StackLine[], user: string, root = '/'): Lock | null {
  if (user === '' || user.includes('/')) return null;
  const now = Math.floor(Date.now() / 1000);
  const locks = new Map<StackLine, Lock>();
  for (const line of lines.filter((one) => nameOf(one) === FAILLOCK && one.args.includes('preauth'))) {
    const lock = lockBy(line, user, root, now);
    if (lock !== null) locks.set(line, lock);
  }
  // By a card: everybody else agrees. A refusal that the stack ignores keeps nobody out.
  const opens = (refuses: ReadonlyMap<StackLine, Lock>): boolean =>
    run(lines, (line) => (refuses.has(line) ? REFUSED : SUCCESS)) === SUCCESS;
  if (!lines.some((line) => nameOf(line) === MODULE) || !opens(new Map()) || opens(locks)) return null;
  return [...locks.values()][0] ?? null;
}
