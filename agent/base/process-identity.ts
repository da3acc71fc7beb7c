// What the kernel says of a process: when it started (with its id, that names it for good), its parent, its terminal.
// proc_pid_stat(5).

import { readProcFile } from './proc-file.ts';

export interface ProcessFacts {
  readonly pid: number;
  /** Clock ticks after boot. */
  readonly startedAt: number;
  readonly parentPid: number;
  /** Device number of the controlling terminal; 0: none. */
  readonly terminal: number;
}

/** @returns null when there is no such process, or it is not ours to see */
export function processFacts(pid: number): ProcessFacts | null {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  const stat = readProcFile(pid, 'stat');
  if (stat === null) return null;
  // The name in parentheses may hold spaces and parentheses: read from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  const facts = { pid, startedAt: field(22), parentPid: field(4), terminal: field(7) };
  return Object.values(facts).every(Number.isSafeInteger) ? facts : null;
}

// <linux/major.h>, and the drivers of serial and virtual consoles in Documentation/admin-guide/devices.txt
const TTY_MAJOR = 4;
const TTYAUX_MAJOR = 5;
const CONSOLE_MINOR = 1;
const OTHER_CONSOLES: readonly number[] = [204, 229];

/** The minor number is in two pieces around the major one (proc(5), tty_nr). */
export function splitDevice(device: number): { readonly major: number; readonly minor: number } {
  return { major: (device >> 8) & 0xfff, minor: (device & 0xff) | ((device >> 12) & 0xfff00) };
}

/** Whether a terminal device is a console of this machine: screen and keyboard, a serial line, a hypervisor's. */
export function isConsoleDevice(device: number): boolean {
  const { major, minor } = splitDevice(device);
  if (major === TTYAUX_MAJOR) return minor === CONSOLE_MINOR;
  return major === TTY_MAJOR || OTHER_CONSOLES.includes(major);
}
