// What /proc says of a process beside its unit: when it began, whose it is, to which login it belongs. proc(5). Each is
// null where the process is gone, or hidden from us.

import { readProcFile } from './proc-file.ts';
import { processFacts, splitDevice } from './process-identity.ts';

/** In clock ticks after the boot. A process id and this name one process. */
export function startTicksOf(pid: number): number | null {
  return processFacts(pid)?.startedAt ?? null;
}

/** The controlling terminal as people name it, `pts/3` or `tty2`; null also where there is none. */
export function terminalOf(pid: number): string | null {
  const { major, minor } = splitDevice(processFacts(pid)?.terminal ?? 0);
  // Documentation/admin-guide/devices.txt: 136 to 143 are the Unix98 terminals, 4 the consoles.
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  return major === 4 && minor > 0 && minor < 64 ? `tty${minor}` : null;
}

export function effectiveUidOf(pid: number): number | null {
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(readProcFile(pid, 'status') ?? '')?.[1];
  return uid === undefined ? null : Number(uid);
}

/** Who started a set-user-id program, as long as it has not taken that uid too. */
export function realUidOf(pid: number): number | null {
  const uid = /^Uid:\s+(\d+)/m.exec(readProcFile(pid, 'status') ?? '')?.[1];
  return uid === undefined ? null : Number(uid);
}

/** (unsigned) -1: the process belongs to no login. */
const UNSET = '4294967295';

/** The kernel's audit number of the login that the process belongs to; null also where it belongs to none. */
export function auditSessionOf(pid: number): string | null {
  const text = readProcFile(pid, 'sessionid')?.trim() ?? UNSET;
  return text === UNSET || !/^\d{1,10}$/.test(text) ? null : text;
}
