// Which unit of the system a process belongs to, from /proc/PID/cgroup (cgroups(7)). Only root moves a process between
// these units. The rules are systemd's own: the first part of the path that is no slice decides, so what a user makes
// inside of their own manager counts as the manager's. elogind has a hierarchy of its own with the session as its path.

import { readProcFile } from './proc-file.ts';

export type ProcessUnit =
  | { readonly kind: 'session'; readonly id: string }
  /** A user's service manager, and all that it started. */
  | { readonly kind: 'user-manager'; readonly uid: number }
  /** A service that was started for one local client, whom systemd has written into its name (systemd.socket(5)). */
  | { readonly kind: 'for-client'; readonly name: string; readonly pid: number; readonly uid: number }
  | { readonly kind: 'system'; readonly name: string }
  /** The hierarchies do not agree. */
  | { readonly kind: 'contradictory' };

/** A session scope has no other characters in its name (systemd's session_id_valid). */
const SESSION = /^session-([A-Za-z0-9]{1,64})\.scope$/;
const USER_MANAGER = /^user@(\d{1,10})\.service$/;
/** NAME@NUMBER-PID-UID.service; newer systemd puts the socket's cookie before PID, and the id of its pidfd behind it. */
const FOR_CLIENT = /^([^@/]+)@\d+-(?:\d+-)?(\d{1,10})(?:_\d+)?-(\d{1,10})\.service$/;
/** The same for a client of another pid namespace. */
const FOR_UNKNOWN = /^([^@/]+)@\d+-(?:\d+-)?unknown\.service$/;

function unitOfPath(path: string): ProcessUnit {
  const parts = path
    .replace(/ \(deleted\)$/, '')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (part.startsWith('_') ? part.slice(1) : part));
  const unit = parts.find((part) => !part.endsWith('.slice')) ?? parts.at(-1) ?? '';
  const session = SESSION.exec(unit)?.[1];
  if (session !== undefined) return { kind: 'session', id: session };
  const manager = USER_MANAGER.exec(unit)?.[1];
  if (manager !== undefined) return { kind: 'user-manager', uid: Number(manager) };
  const client = FOR_CLIENT.exec(unit);
  if (client !== null)
    return { kind: 'for-client', name: client[1] ?? '', pid: Number(client[2]), uid: Number(client[3]) };
  const unknown = FOR_UNKNOWN.exec(unit)?.[1];
  if (unknown !== undefined) return { kind: 'for-client', name: unknown, pid: 0, uid: 0 };
  return { kind: 'system', name: unit };
}

/** @param text of /proc/PID/cgroup */
export function parseProcessUnit(text: string): ProcessUnit {
  const units: ProcessUnit[] = [];
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (controllers === 'name=elogind' && path !== '/') {
      const id = /^\/([A-Za-z0-9]{1,64})$/.exec(path)?.[1];
      units.push(id === undefined ? { kind: 'contradictory' } : { kind: 'session', id });
    }
    if (controllers === '' || controllers === 'name=systemd') units.push(unitOfPath(path));
  }
  const telling = units.filter(({ kind }) => kind !== 'system');
  const [first, ...others] = telling;
  if (first === undefined) return units.find(({ kind }) => kind === 'system') ?? { kind: 'system', name: '' };
  const same = others.every((other) => JSON.stringify(other) === JSON.stringify(first));
  return same ? first : { kind: 'contradictory' };
}

/** @returns null where the process is gone, or hidden from us */
export function processUnitOf(pid: number): ProcessUnit | null {
  const text = readProcFile(pid, 'cgroup', 'utf8');
  return text === null ? null : parseProcessUnit(text);
}
