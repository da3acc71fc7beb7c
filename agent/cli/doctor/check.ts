// What a check of `sc_auth doctor` says: how it is, and the repair where something is wrong.

import { AS_ROOT, rootOnly } from '../../words/doctor.ts';

/** `warning`: logins work, and something will go wrong. `unknown`: this user may not look. */
export type CheckState = 'ok' | 'warning' | 'broken' | 'unknown';

export interface Check {
  readonly name: string;
  readonly state: CheckState;
  readonly detail: string;
  /** What to do; null where nothing is to be done. */
  readonly repair: string | null;
}

export function ok(name: string, detail: string): Check {
  return { name, state: 'ok', detail, repair: null };
}

export function warning(name: string, detail: string, repair: string): Check {
  return { name, state: 'warning', detail, repair };
}

export function broken(name: string, detail: string, repair: string): Check {
  return { name, state: 'broken', detail, repair };
}

/** @param what may not be looked at */
export function unknown(name: string, what: string): Check {
  return { name, state: 'unknown', detail: rootOnly(what), repair: AS_ROOT };
}
