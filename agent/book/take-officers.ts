// Officers from the lines of a book: signatures first, then what is said, then what of it this machine may take.

import { Slices } from '../base/slices.ts';
import { keyNames, parseOfficerBody } from '../model/book/book-body.ts';
import type { BookOfficer } from '../model/book/book-state.ts';
import { bookLineText, type BookLine } from '../model/book/book.ts';
import { officerLineCounts } from '../model/book/officer-line.ts';
import { refusesOfficer } from '../../policy/permit-book.ts';
import { OfficerKeys, signersOf, taken, type TakingParts } from './signed-lines.ts';

/** Who names whom: more rounds than any fleet has generations between two looks. */
const ROUNDS = 8;

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
