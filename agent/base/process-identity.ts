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
  const stat = readProcFile(pid, 'stat');
  if (stat === null) return null;
  // The name in parentheses may hold spaces and parentheses: read from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  const facts = { pid, startedAt: field(22), parentPid: field(4), terminal: field(7) };
  return Object.values(facts).every(Number.isSafeInteger) ? facts : null;
}

/** The minor number is in two pieces around the major one (proc(5), tty_nr). */
export function splitDevice(device: number): { readonly major: number; readonly minor: number } {
  return { major: (device >> 8) & 0xfff, minor: (device & 0xff) | ((device >> 12) & 0xfff00) };
}

/** Consoles of this machine: Documentation/admin-guide/devices.txt. pam/module/console.c has the same. */
const LINES: readonly { name: string; major: number; first: number; count: number }[] = [
  { name: 'tty', major: 4, first: 0, count: 64 },
  { name: 'ttyS', major: 4, first: 64, count: 192 },
  { name: 'ttyAMA', major: 204, first: 64, count: 16 },
  { name: 'hvc', major: 229, first: 0, count: 256 },
];
const CONSOLE_NAME = /^(?:\/dev\/)?(?:console|(tty|ttyS|ttyAMA|hvc)([0-9]{1,3}))$/;

/** Whether PAM_TTY names a console: screen and keyboard, a serial line, a hypervisor's. */
export function namesConsole(tty: string): boolean {
  return CONSOLE_NAME.test(tty);
}

/** Whether a terminal device is the console that PAM_TTY names. The kernel names the device behind /dev/console. */
export function isThatConsole(tty: string, device: number): boolean {
  const [whole, name, number] = CONSOLE_NAME.exec(tty) ?? [];
  if (whole === undefined) return false;
  const { major, minor } = splitDevice(device);
  if (name === undefined && major === 5 && minor === 1) return true;
  return LINES.some(
    (line) =>
      line.major === major &&
      minor >= line.first &&
      minor < line.first + line.count &&
      (name === undefined || (line.name === name && line.first + Number(number) === minor)),
  );
}
