// When it is for a process that shares its processor: by the wall, and without what others had.
import { readFileSync } from 'node:fs';

export interface Instant {
  readonly wallMs: number;
  /** How long the main thread has waited for a processor. */
  readonly queuedMs: number;
}

export function now(): Instant {
  let queuedMs = 0;
  try {
    queuedMs = Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e6;
  } catch {
    // A kernel without it: then other programs are in the figure.
  }
  return { wallMs: performance.now(), queuedMs };
}
