// Whether a card may be used through the reader that it is in. Pure: what is known is the reader's name and the ATR.
// Specification: PC/SC part 3 (rev. 2.01.09), 3.1.3.2.3 (the ATR that a reader makes up for a contactless card);
// ISO/IEC 7816-3, 8.2 (the ATR of a card with contacts); SP 800-73-4 part 1, 5.5 (what a PIV card may do without them).
// Why: DECISIONS.md D30.

import type { Policy } from './policy.ts';

/** What is known of where a card is. */
export interface ReaderFacts {
  /** As pcscd gives it: `VENDOR PRODUCT [INTERFACE] (SERIAL) 00 00`, the middle two where there are such. */
  readonly reader: string;
  /** Empty: the token is in no reader. */
  readonly atr: Uint8Array;
}

type Kind = 'contacts' | 'air';

/** Words by which vendors name a contactless half; `CL` stands alone or at the end of a model. */
const AIR = /contact-?less|\bCLESS\b|\bPICC\b|\bNFC|\bRFID\b|FeliCa|\bACR122|(\b|\d)CL\b/i;
/** And one with contacts: also slots for SAMs (`1S`), and tokens, which sit in a USB port. */
const CONTACTS = /contact(?!-?less)|\bICC|\bSAMX?\d?\b|\b\dS\b|\bToken\b|\bSecurity Key\b/i;

/** null: it names neither, or both. */
function namedKind(text: string): Kind | null {
  const isAir = AIR.test(text);
  return isAir === CONTACTS.test(text) ? null : isAir ? 'air' : 'contacts';
}

/** What pcscd's bracket says: by what it adds to the product's name, which is of all halves, else by the whole. */
function interfaceKind(reader: string): Kind | null {
  const [, product = '', text = ''] = /^([^[]*)\[([^\]]*)\]/.exec(reader) ?? [];
  const known = product.split(' ');
  const added = text.split(' ').filter((part) => !known.includes(part));
  return namedKind(added.join(' ')) ?? namedKind(text);
}

/**
 * Air: `3B 8n 80 01`, n historical bytes, check byte. Contacts: with clock, voltage or guard time for them (TA1, TB1, TC1),
 * or bits upside down (3F), which no reader makes up.
 */
function atrKind(atr: Uint8Array): Kind | null {
  const [ts, t0 = 0, td1, td2] = atr;
  if (ts === 0x3f || (ts === 0x3b && (t0 & 0x70) !== 0)) return 'contacts';
  const shaped = ts === 0x3b && t0 >> 4 === 8 && td1 === 0x80 && td2 === 0x01;
  return shaped && atr.length === 4 + (t0 & 0x0f) + 1 ? 'air' : null;
}

/**
 * By the administrator's word; else by what belongs to this very card and slot, ATR and interface, of which either is
 * enough for contactless; by the reader's name only where neither says anything.
 */
export function isContactless({ reader: rules }: Policy, { reader, atr }: ReaderFacts): boolean {
  const isIn = (names: readonly string[]): boolean =>
    names.some((name) => reader.toLowerCase().includes(name.toLowerCase()));
  // A token in no reader (a TPM): what stands there is its own name.
  if (atr.length === 0) return false;
  if (isIn(rules.contactlessNames)) return true;
  if (isIn(rules.contactNames)) return false;
  const kinds = [atrKind(atr), interfaceKind(reader)];
  if (kinds.includes('air')) return true;
  return !kinds.includes('contacts') && namedKind(reader) === 'air';
}

/** Whether a card there may log in or be paired; `reader.contactless` decides. */
export function permitReader(policy: Policy, facts: ReaderFacts): boolean {
  return policy.reader.contactless || !isContactless(policy, facts);
}
