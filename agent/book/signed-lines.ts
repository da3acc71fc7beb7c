// How each line of a book is taken: whose signatures on it are right, of those who may sign it.
// A line that fails is nothing; how many may fail is counted, since each costs as much as a good one.

import { hash } from 'node:crypto';
import { AgentError } from '../base/errors.ts';
import { isSignedItem, type BookLine, type BookSignature } from '../model/book/book.ts';
import { parsePublicKey, type PublicKey } from '../model/key/key.ts';
import type { BookTable } from '../store/interface.ts';
import type { Pins } from './pins.ts';

/** Signatures that may be wrong in one book; then the rest of it is not read. */
export class FaultBudget {
  #left = 1000;

  /** @throws AgentError `malformed` */
  fault(): void {
    this.#left -= 1;
    if (this.#left < 0)
      throw new AgentError('malformed', { detail: 'too many lines of the book are signed wrongly' });
  }
}

export interface TakingParts {
  readonly table: BookTable;
  readonly pins: Pins;
  readonly host: string;
  readonly nowMs: number;
  readonly faults: FaultBudget;
  /** What somebody should look at. */
  readonly problem: (text: string) => void;
}

/** @returns undefined where `parse` refused */
export function taken<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof AgentError && error.code !== 'store-unreadable') return undefined;
    throw error;
  }
}

/** Keys of officers, parsed once. */
export class OfficerKeys {
  readonly #keys = new Map<string, PublicKey | null>();

  /** @returns null for a key that cannot sign */
  of(sha256: string, spki: Buffer): PublicKey | null {
    let key = this.#keys.get(sha256);
    if (key === undefined) {
      key = taken(() => parsePublicKey(spki)) ?? null;
      // Another encoding of a key is another key.
      if (key?.sha256 !== sha256) key = null;
      this.#keys.set(sha256, key);
    }
    return key;
  }
}

export function nameOfKey(spki: Buffer): string {
  return hash('sha256', spki).toUpperCase();
}

/** Who signed the line of those that may; each key once. */
export function signersOf(
  line: BookLine,
  mayName: (sha256: string, signature: BookSignature) => PublicKey | null,
  faults: FaultBudget,
): Set<string> {
  const signers = new Set<string>();
  for (const signature of line.signatures) {
    const sha256 = nameOfKey(signature.spki);
    const key = signers.has(sha256) ? null : mayName(sha256, signature);
    if (key === null) continue;
    if (isSignedItem(line, signature, key)) signers.add(sha256);
    else faults.fault();
  }
  return signers;
}
