// What stands in the audit log, in words: for `message`, and for the report. Unknown codes stand as they are.

import type { AuditEvent, GapReason } from '../model/sealed-log/audit-event.ts';
import { REASONS } from './explain.ts';

const kinds: Readonly<Record<AuditEvent['kind'], string>> = {
  login: 'Card login',
  'exemption-used': 'Let in without a card by a rule',
  'break-glass-used': 'Let in by the emergency way',
  'pairing-added': 'Card paired',
  'pairing-removed': 'Pairing removed',
  'pairing-refused': 'Pairing refused',
  'card-lost': 'Card said to be lost',
  'card-found': 'Card found again',
  'prompt-state': 'Pairing prompt switched',
  'policy-changed': 'Settings changed',
  'driver-changed': 'Driver changed',
  'pin-checked': 'PIN checked',
  'pin-changed': 'PIN set',
  'pin-blocked': 'PIN blocked',
  'card-in': 'Card put in',
  'card-out': 'Card taken out',
  'card-suspect': 'Suspect card',
  'session-locked': 'Session locked',
  keyring: 'Login keyring',
  'records-left-out': 'Records left out',
  gap: 'Gap in the log',
};

const gaps: Readonly<Record<GapReason, string>> = {
  'clock-set-back': 'The clock was set back',
  'records-missing': 'Sealed records are missing',
  'records-altered': 'Records at the end were not written by scauthd',
  'not-written': 'Events could not be written',
  'torn-record': 'A write was cut off',
  'seal-lost': 'The seal was lost; a new chain begins',
};

const endings: Readonly<Record<string, string>> = {
  granted: 'granted',
  denied: 'refused',
  unavailable: 'not possible',
  cancelled: 'cancelled',
};

/** Kinds that are failures by their name, or whose reason says so. */
const FAILURES = ['gap', 'pairing-refused', 'keyring'];

function known(table: Readonly<Partial<Record<string, string>>>, code: string): string | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined;
}

export function outcomeWords(outcome: string): string {
  return known(endings, outcome) ?? outcome;
}

export function kindName(kind: string): string {
  return known(kinds, kind) ?? kind;
}

/** What happened: `Card login refused`, `PIN blocked`. */
export function kindWords(kind: string, outcome: string): string {
  const words = kindName(kind);
  if (kind === 'login') return `${words} ${outcomeWords(outcome)}`;
  return outcome === 'failure' && !FAILURES.includes(kind) ? `${words}: failed` : words;
}

/** Why: a reason of a login, of a refused pairing, or of a gap. */
export function reasonWords(code: string): string {
  return known(gaps, code) ?? known(REASONS, code) ?? code;
}

/** A record in one sentence: `Card login refused: The PIN is blocked (ada, sudo)`. */
export function recordWords(
  kind: string,
  outcome: string,
  reason: string | null,
  about: readonly (string | null)[],
): string {
  const named = about.filter((text) => text !== null && text !== '');
  return [
    kindWords(kind, outcome),
    reason === null ? '' : `: ${reasonWords(reason)}`,
    named.length === 0 ? '' : ` (${named.join(', ')})`,
  ].join('');
}
