// Owners and modes of everything that scauthd trusts, and of its sockets. It reads no content.

import { lstatSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { files as say } from '../../words/doctor.ts';
import { RESTART } from '../../words/repairs.ts';
import { broken, ok, unknown, type Check } from './check.ts';

interface Expected {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'socket';
  /** Bits that must not be set. */
  readonly forbidden: number;
  /** Bits that must be set. */
  readonly needed?: number;
  readonly mode: string;
  /** What makes it again; null: it need not be there. */
  readonly missing: string | null;
}

const EVERYBODYS = { kind: 'socket', forbidden: 0, needed: 0o006, mode: '666', missing: RESTART } as const;

const EXPECTED: readonly Expected[] = [
  { path: '/run/scauth', kind: 'folder', forbidden: 0o022, needed: 0o011, mode: '755', missing: RESTART },
  { path: '/run/scauth/root', kind: 'folder', forbidden: 0o077, mode: '700', missing: RESTART },
  { path: '/run/scauth/pam.sock', ...EVERYBODYS },
  { path: '/run/scauth/io.scauth', ...EVERYBODYS },
  { path: '/etc/scauth', kind: 'folder', forbidden: 0o022, mode: '755', missing: null },
  { path: '/etc/scauth/scauth.toml', kind: 'file', forbidden: 0o022, mode: '644', missing: null },
  { path: '/etc/scauth/scauth.d', kind: 'folder', forbidden: 0o022, mode: '755', missing: null },
  { path: '/var/lib/scauth', kind: 'folder', forbidden: 0o077, mode: '700', missing: RESTART },
  { path: '/var/lib/scauth/scauth.db', kind: 'file', forbidden: 0o077, mode: '600', missing: null },
  { path: '/var/log/scauth', kind: 'folder', forbidden: 0o027, mode: '750', missing: RESTART },
  { path: '/var/log/scauth/audit.jsonl', kind: 'file', forbidden: 0o027, mode: '640', missing: null },
  { path: '/var/log/scauth/audit.jsonl.key', kind: 'file', forbidden: 0o077, mode: '600', missing: null },
];

function isOfKind(stats: Stats, kind: Expected['kind']): boolean {
  if (kind === 'file') return stats.isFile();
  return kind === 'folder' ? stats.isDirectory() : stats.isSocket();
}

function judge({ path, kind, forbidden, needed = 0, mode, missing }: Expected, root: string): Check | null {
  const name = 'files';
  let stats: Stats | undefined;
  try {
    stats = lstatSync(join(root, path), { throwIfNoEntry: false });
  } catch {
    return unknown(name, path);
  }
  if (stats === undefined) return missing === null ? null : broken(name, say.missing(path), missing);
  if (!isOfKind(stats, kind)) return broken(name, ...say.otherKind(path, kind));
  if (stats.uid !== 0) return broken(name, ...say.otherOwner(path, stats.uid));
  const bits = stats.mode & 0o777;
  if ((bits & forbidden) !== 0 || (bits & needed) !== needed)
    return broken(name, ...say.otherMode(path, bits, mode));
  return null;
}

/** One check for each thing that is wrong; one for all when nothing is. @param root where `/` is found */
export function checkFiles(root = '/'): Check[] {
  const wrong = EXPECTED.map((expected) => judge(expected, root)).filter((check) => check !== null);
  return wrong.length > 0 ? wrong : [ok('files', say.good)];
}
