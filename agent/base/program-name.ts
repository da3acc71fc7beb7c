// The name under which a process of ours is listed (ps -C, /proc/PID/comm): Node calls its first thread MainThread.

import { writeFileSync } from 'node:fs';

/** @param name at most 15 bytes are kept; nothing rests on it, so a failure is none */
export function nameProgram(name: string): void {
  try {
    writeFileSync('/proc/self/comm', name);
  } catch {
    // /proc is hidden or read-only here.
  }
}
