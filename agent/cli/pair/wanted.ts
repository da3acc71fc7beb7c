// What `sc_auth pair --from` is to pair: the rows of a CSV file, or the certificates of a folder. Everything is read and
// compared before the first call, so that a mistake in the list is found before anything is done.

import { closeSync, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import type { AgentError } from '../../base/errors.ts';
import { namesIn, type NameSource } from '../../model/key/holder-name.ts';
import { parsePkhh, type Certificate, type Pkhh } from '../../model/key/key.ts';
import { parseUsername } from '../../model/request.ts';
import { toList as say } from '../../words/pair-list.ts';
import { namedOf } from '../../words/repairs.ts';
import { usage } from '../../words/sc-auth.ts';
import { readAtMost } from '../../base/open-file.ts';
import { readListedCertificate, requireUnshared } from '../card/certificate-file.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { readCsv } from './csv.ts';

export const USER_SOURCES = ['file', 'cn', 'email', 'upn'] as const;
export type UserSource = (typeof USER_SOURCES)[number];

const MAX_LIST_BYTES = 64 * 1024 * 1024;
const MAX_ROWS = 100_000;
const ENDINGS: readonly string[] = ['.pem', '.crt', '.cer', '.der'];
const MAX_NAMED = 5;

export interface Wanted {
  /** Of a CSV file, from 1. */
  readonly line: number | null;
  /** Of a folder. */
  readonly file: string | null;
  readonly user: string | null;
  readonly pkhh: Pkhh | null;
  /** Where the certificate is; null: a hash is enough. It is read again when its turn comes, so that no list fills memory. */
  readonly certificate: string | null;
  /** Of a certificate that is no person's, or is over: refused, unless its key is paired already. */
  readonly unfit: CommandError | null;
  /** Of a row that is not tried. */
  readonly problem: CommandError | null;
  /** The same account and key stood before. */
  readonly repeated: boolean;
}

function unreadable(path: string, cause: unknown): CommandError {
  if (cause instanceof CommandError) return cause;
  return new CommandError(
    'usage',
    say.unreadable(path, String((cause as NodeJS.ErrnoException).code)),
    cause,
  );
}

/** What of a certificate speaks against it in a list of people. */
function unfitOf(certificate: Certificate): CommandError | null {
  if (certificate.isAuthority) return new CommandError('bad-certificate', say.authority);
  const end = certificate.notAfterMs;
  if (end >= systemClock.nowMs()) return null;
  return new CommandError('untrusted-certificate', say.expired(new Date(end).toISOString().slice(0, 10)));
}

interface Found {
  readonly line: number | null;
  readonly file: string | null;
  readonly user: string | null;
  readonly hash: string;
  readonly certificate: string;
  readonly userFrom?: NameSource;
}

/** The login name that a certificate says; of an address what stands before the @. @throws CommandError `unknown-user` */
function userIn({ der }: Certificate, source: NameSource): string {
  const named = namesIn(der, source);
  const [name, ...others] = new Set(
    source === 'cn' ? named : named.map((text) => text.replace(/@[^@]*$/, '')),
  );
  if (name === undefined || others.length > 0) throw new CommandError('unknown-user', say.noSuchName(source));
  return name;
}

/** @throws CommandError; AgentError `unknown-user`, `invalid-argument` */
function readKey(found: Found): Pick<Wanted, 'user' | 'pkhh' | 'unfit'> {
  const certificate = found.certificate === '' ? null : readListedCertificate(found.certificate);
  const user =
    certificate === null || found.userFrom === undefined ? found.user : userIn(certificate, found.userFrom);
  if (user === null || user === '') throw new CommandError('unknown-user', say.noUser);
  return {
    user: parseUsername(user),
    pkhh: certificate === null ? parsePkhh(found.hash) : certificate.publicKey.pkhh,
    unfit: certificate === null ? null : unfitOf(certificate),
  };
}

function problemOf(cause: unknown): CommandError {
  if (cause instanceof CommandError) return cause;
  const { code } = cause as AgentError;
  if (code === 'unknown-user') return new CommandError(code, say.notAName, cause);
  if (code === 'invalid-argument') return new CommandError(code, usage.hash, cause);
  throw cause;
}

function wantedOf(found: Found): Wanted {
  const { line, file, user } = found;
  const bare = { line, file, user, pkhh: null, unfit: null, problem: null, repeated: false };
  const certificate = found.certificate === '' ? null : found.certificate;
  try {
    return { ...bare, certificate, ...readKey(found) };
  } catch (cause) {
    return { ...bare, certificate, problem: problemOf(cause) };
  }
}

/** @throws CommandError `usage`, `not-allowed` */
function readList(path: string, context: CommandContext): Buffer {
  let fd: number | null = null;
  try {
    if (path !== '-') {
      fd = openSync(path, 'r');
      const stats = fstatSync(fd);
      if (stats.isFile()) requireUnshared(path, stats);
    }
    const bytes = readAtMost(fd ?? context.stdinFd, MAX_LIST_BYTES);
    if (bytes === null) throw new CommandError('usage', say.tooLong);
    if (/^(\xff\xfe|\xfe\xff|.\0|\0)/s.test(bytes.subarray(0, 2).toString('latin1')))
      throw new CommandError('usage', say.utf16);
    return bytes;
  } catch (cause) {
    throw unreadable(path, cause);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

function* rowsOf(list: Buffer, folder: string): Generator<Found | Wanted> {
  for (const row of readCsv(list)) {
    const { line, user } = row;
    if (row.problem === null) {
      const certificate = row.certificate === '' ? '' : resolve(folder, row.certificate);
      yield { line, file: null, user, hash: row.hash, certificate };
    } else {
      const problem = new CommandError('malformed', row.problem);
      const nothing = { file: null, pkhh: null, certificate: null, unfit: null, repeated: false };
      yield { line, user, problem, ...nothing };
    }
  }
}

function* filesOf(folder: string, source: UserSource): Generator<Found> {
  let names: string[];
  try {
    requireUnshared(folder, statSync(folder));
    names = readdirSync(folder).sort();
  } catch (cause) {
    throw unreadable(folder, cause);
  }
  for (const file of names) {
    const ending = extname(file);
    if (file.startsWith('.') || !ENDINGS.includes(ending.toLowerCase())) continue;
    const found = { line: null, file, hash: '', certificate: join(folder, file) };
    if (source === 'file') yield { ...found, user: basename(file, ending) };
    else yield { ...found, user: null, userFrom: source };
  }
}

/** Rows that say the same are one; a key of several accounts is a mistake in the list, whichever of them is right. */
function compared(rows: readonly Wanted[], shared: boolean): Wanted[] {
  const users = new Map<Pkhh, Set<string>>();
  return rows
    .map((row) => {
      const { user, pkhh, problem } = row;
      if (pkhh === null || user === null || problem !== null) return row;
      const known = users.get(pkhh) ?? new Set();
      users.set(pkhh, known);
      if (known.has(user)) return { ...row, repeated: true };
      known.add(user);
      return row;
    })
    .map((row) => {
      const all = [...((row.pkhh === null ? null : users.get(row.pkhh)) ?? [])];
      if (shared || all.length < 2 || row.problem !== null) return row;
      const named = namedOf(all.slice(0, MAX_NAMED), all.length);
      return { ...row, problem: new CommandError('paired-elsewhere', say.severalUsers(named)) };
    });
}

function isFolder(path: string): boolean {
  try {
    return path !== '-' && statSync(path).isDirectory();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/**
 * @param path a CSV file (`-`: standard input) or a folder
 * @param source for a folder: what of a certificate names the account; null: its file
 * @throws CommandError `usage`, `not-allowed`: nothing of it can be used
 */
export function readWanted(
  path: string,
  source: UserSource | null,
  shared: boolean,
  context: CommandContext,
): Wanted[] {
  const folder = isFolder(path);
  if (!folder && source !== null) throw new CommandError('usage', say.onlyFolder);
  const found = folder
    ? filesOf(path, source ?? 'file')
    : rowsOf(readList(path, context), path === '-' ? '.' : dirname(path));
  const rows: Wanted[] = [];
  for (const one of found) {
    rows.push('problem' in one ? one : wantedOf(one));
    if (rows.length > MAX_ROWS) throw new CommandError('usage', say.tooLong);
  }
  if (rows.length === 0) throw new CommandError('usage', folder ? say.noCertificates(path) : say.empty(path));
  return compared(rows, shared);
}
