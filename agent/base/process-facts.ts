// What /proc says of a process beside its unit: when it began, whose it is, to which login it belongs. proc(5). Each is
// null where the process is gone, or hidden from us.

import { readFileSync } from 'node:fs';

function read(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return null;
  }
}

/** In clock ticks after the boot. A process id and this name one process. */
export function startTicksOf(pid: number): number | null {
  const stat = read(pid, 'stat');
  if (stat === null) return null;
  // The name in parentheses may hold anything: count from the last one. Field 22 of the line is the 20th after it.
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  return Number.isSafeInteger(ticks) ? ticks : null;
}

export function effectiveUidOf(pid: number): number | null {
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(read(pid, 'status') ?? '')?.[1];
  return uid === undefined ? null : Number(uid);
}

/** (unsigned) -1: the process belongs to no login. */
const UNSET = '4294967295';

/** The kernel's audit number of the login that the process belongs to; null also where it belongs to none. */
export function auditSessionOf(pid: number): string | null {
  const text = read(pid, 'sessionid')?.trim() ?? UNSET;
  return text === UNSET || !/^\d{1,10}$/.test(text) ? null : text;
}
