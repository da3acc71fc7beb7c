// The head from the lines of a book: the one that counts, and whom any of them revokes. An epoch never goes back.

import { hash } from 'node:crypto';
import { Slices } from '../base/slices.ts';
import { parseHeadBody, type HeadBody } from '../model/book/book-body.ts';
import type { BookHead } from '../model/book/book-state.ts';
import type { BookLine, BookSignature } from '../model/book/book.ts';
import type { PublicKey } from '../model/key/key.ts';
import { CLOCK_SKEW_MS } from '../../policy/permit-book.ts';
import { OfficerKeys, signersOf, taken, type TakingParts } from './signed-lines.ts';
import { usableOfficers } from './take-officers.ts';

interface SignedHead {
  readonly said: HeadBody;
  readonly body: string;
}

/** Which head counts, of those that are whole: the one with the highest epoch. What any of them revokes is revoked. */
export async function takeHeads(lines: readonly BookLine[], parts: TakingParts): Promise<void> {
  const { table, pins, nowMs, faults, problem } = parts;
  const keys = new OfficerKeys();
  const slices = new Slices();
  const usable = usableOfficers(parts, 'head');
  const epochs = new Map<string, SignedHead[]>();
  for (const line of lines) {
    await slices.giveWay();
    const mayRevoke = (sha256: string, { spki }: BookSignature): PublicKey | null => {
      if (!usable.has(sha256) && !(pins.headKeys.has(sha256) && !table.isRevoked([sha256]))) return null;
      return keys.of(sha256, spki);
    };
    const [signer] = signersOf(line, mayRevoke, faults);
    const said = signer === undefined ? undefined : taken(() => parseHeadBody(line.body));
    if (said?.realm !== pins.realm) continue;
    // An old head cannot be believed in what it leaves out, and in what it says no to it can.
    table.revoke([...said.revoked, ...said.revokedNumbers.map((number) => `#${number}`)]);
    const name = [said.epoch, said.issued, said.until, said.parts].join(' ');
    const all = epochs.get(name) ?? [];
    if (!all.some(({ body }) => body === line.body)) all.push({ said, body: line.body });
    epochs.set(name, all);
  }
  const sayTwo = (epoch: number): void => {
    problem(`there are two heads of epoch ${epoch}, and neither is taken`);
  };
  for (const all of epochs.values()) {
    const [first] = all;
    if (first !== undefined && new Set(all.map(({ said }) => said.part)).size < all.length)
      sayTwo(first.said.epoch);
  }
  const before = table.head();
  const whole = [...epochs.values()].flatMap((all) => headOf(all) ?? []);
  const saidOf = (epoch: number): Set<string> =>
    new Set(
      [...whole, ...(before === null ? [] : [before])]
        .filter((one) => one.epoch === epoch)
        .map((one) => one.hash),
    );
  for (const epoch of new Set(whole.map((head) => head.epoch))) if (saidOf(epoch).size > 1) sayTwo(epoch);
  const [newest] = whole
    .filter(({ epoch, issuedMs, untilMs }) => {
      const isTimely = issuedMs <= nowMs + CLOCK_SKEW_MS && nowMs < untilMs;
      return isTimely && saidOf(epoch).size === 1 && epoch > (before?.epoch ?? 0);
    })
    .sort((one, other) => other.epoch - one.epoch);
  if (newest !== undefined) table.setHead(newest);
}

/** @returns null unless each part is there, once */
function headOf(all: readonly SignedHead[]): BookHead | null {
  const [first] = all;
  if (first === undefined) return null;
  const { epoch, issued, until, parts } = first.said;
  const sorted = [...all].sort((one, other) => one.said.part - other.said.part);
  if (sorted.length !== parts || sorted.some(({ said }, index) => said.part !== index + 1)) return null;
  const said = sorted.map(({ body }) => body).join('\n');
  return { epoch, issuedMs: issued * 1000, untilMs: until * 1000, hash: hash('sha256', said) };
}
