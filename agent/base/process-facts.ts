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

/** A number of the line in /proc/PID/stat. @param field as proc(5) counts them, from 3 on */
function statField(pid: number, field: number): number | null {
  const stat = read(pid, 'stat');
  if (stat === null) return null;
  // The name in parentheses may hold anything: count from the last one, behind which field 3 stands.
  const value = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[field - 3]);
  return Number.isSafeInteger(value) ? value : null;
}

/** In clock ticks after the boot. A process id and this name one process. */
export function startTicksOf(pid: number): number | null {
  return statField(pid, 22);
}

/** The controlling terminal as people name it, `pts/3` or `tty2`; null also where there is none. */
export function terminalOf(pid: number): string | null {
  const device = statField(pid, 7) ?? 0;
  // The minor number is in two pieces around the major one (proc(5), tty_nr).
  const [major, minor] = [(device >> 8) & 0xfff, ((device >> 12) & 0xfff00) | (device & 0xff)];
  // Documentation/admin-guide/devices.txt: 136 to 143 are the Unix98 terminals, 4 the consoles.
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  return major === 4 && minor > 0 && minor < 64 ? `tty${minor}` : null;
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
