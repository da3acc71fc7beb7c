// Whether a card may be used through the reader that it is in. Pure: what is known is the reader's name and the ATR.
// Specification: PC/SC part 3 (rev. 2.01.09), 3.1.3.2.3 (the ATR that a reader makes up for a contactless card);
// SP 800-73-4 part 1, 5.5 (what a PIV card may do without contacts).
// Why: DECISIONS.md D30.

import type { Policy } from './policy.ts';

/** What is known of where a card is. */
export interface ReaderFacts {
  /** As pcscd gives it. */
  readonly reader: string;
  readonly atr: Uint8Array;
}

/** Words by which vendors name the contactless half of a reader; `CL` stands alone or at the end of a model. */
const CONTACTLESS_NAME = /contact-?less|\bPICC\b|\bNFC\b|\bRFID\b|FeliCa|\bACR122|(\b|\d)CL\b/i;

/**
 * Contactless by the reader's word, or by the ATR's: `3B 8n 80 01`, n historical bytes, check byte. A card with
 * contacts that has the same ATR counts as contactless too.
 */
export function isContactless({ reader, atr }: ReaderFacts): boolean {
  if (CONTACTLESS_NAME.test(reader)) return true;
  const [ts, t0 = 0, td1, td2] = atr;
  const shaped = ts === 0x3b && t0 >> 4 === 8 && td1 === 0x80 && td2 === 0x01;
  return shaped && atr.length === 4 + (t0 & 0x0f) + 1;
}

/** Whether a card there may log in or be paired; `reader.contactless` decides. */
export function permitReader(policy: Policy, facts: ReaderFacts): boolean {
  return policy.reader.contactless || !isContactless(facts);
}
