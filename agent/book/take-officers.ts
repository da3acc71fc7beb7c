// Officers from the lines of a book, and how each signed line is taken: signatures first, then what is said, then what of it this machine may take.
// A line that fails is nothing; how many may fail is counted, since each costs as much as a good one.

import { hash } from 'node:crypto';
import { AgentError } from '../base/errors.ts';
import { Slices } from '../base/slices.ts';
import { keyNames, parseOfficerBody } from '../model/book/book-body.ts';
import type { BookOfficer } from '../model/book/book-state.ts';
import { bookLineText, isSignedItem, type BookLine, type BookSignature } from '../model/book/book.ts';
import { officerLineCounts } from '../model/book/officer-line.ts';
import { parsePublicKey, type PublicKey } from '../model/key/key.ts';
import type { BookTable } from '../store/interface.ts';
import { refusesOfficer } from '../../policy/permit-book.ts';
import type { Pins } from './pins.ts';

/** Who names whom: more rounds than any fleet has generations between two looks. */
const ROUNDS = 8;

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

/** Officers, and head keys, that count now, by their keys' SHA-256. */
export function usableOfficers(
  { table, host, nowMs }: Pick<TakingParts, 'table' | 'host' | 'nowMs'>,
  role: BookOfficer['role'],
): Map<string, BookOfficer> {
  const isRevoked = (names: readonly string[]): boolean => table.isRevoked(names);
  // Who may pair here is asked of records; a further officer is named by officers of any host.
  const usable = table.officers().filter((one) => {
    const refusal = refusesOfficer(one, isRevoked, host, nowMs);
    return one.role === role && refusal === null;
  });
  return new Map(usable.map((one) => [one.sha256, one]));
}

/** Officers who may name others now: their hosts do not matter to that. */
function namingOfficers({ table, nowMs }: TakingParts): Map<string, BookOfficer> {
  const isRevoked = (names: readonly string[]): boolean => table.isRevoked(names);
  const usable = table.officers().filter((one) => {
    const refusal = refusesOfficer({ ...one, hosts: ['*'] }, isRevoked, '', nowMs);
    return one.role === 'officer' && refusal === null;
  });
  return new Map(usable.map((one) => [one.sha256, one]));
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

/** Takes what officers' lines say, as far as they are named by those who may. */
export async function takeOfficers(lines: readonly BookLine[], parts: TakingParts): Promise<void> {
  const { table, pins, nowMs, faults } = parts;
  const keys = new OfficerKeys();
  const slices = new Slices();
  const left = new Set(lines);
  for (let round = 0; round < ROUNDS && left.size > 0; round += 1) {
    const naming = namingOfficers(parts);
    let isNew = false;
    for (const line of left) {
      await slices.giveWay();
      const isRoots = pins.lines.has(bookLineText(line));
      const signers = signersOf(
        line,
        (sha256, { spki }) =>
          isRoots || naming.has(sha256) || pins.officers.has(sha256) ? keys.of(sha256, spki) : null,
        faults,
      );
      if (signers.size === 0) continue;
      const said = taken(() => parseOfficerBody(line.body));
      const names = said && taken(() => keyNames(said.key));
      if (
        said === undefined ||
        names === undefined ||
        said.realm !== pins.realm ||
        said.notAfter * 1000 <= nowMs
      ) {
        left.delete(line);
        continue;
      }
      const by = officerLineCounts({
        ...{ role: said.role, sha256: names.sha256, signers, threshold: pins.threshold },
        isRoots: isRoots || pins.officers.has(names.sha256),
        mayName: (sha256) => naming.has(sha256),
      });
      if (by === null) continue;
      left.delete(line);
      const { role, name, groups, hosts, number } = said;
      const times = { notBeforeMs: said.notBefore * 1000, notAfterMs: said.notAfter * 1000 };
      const officer = {
        ...names,
        spki: said.key,
        role,
        name,
        groups,
        hosts,
        number,
        ...times,
        pinned: by === 'own',
      };
      if (keys.of(names.sha256, said.key) === null) continue;
      isNew = table.keepOfficer(officer) || isNew;
    }
    if (!isNew) return;
  }
}
