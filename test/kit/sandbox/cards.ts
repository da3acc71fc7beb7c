// The cards of a sandbox: what each is called in it, where its control socket is and in which reader it sits. Used
// from outside (sandbox.ts) and from inside (card-command.ts); it starts nothing.
import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { SHARE, VPCD_PORT } from './etc.ts';

/** Everybody may put cards in: one file for each number, `N.sock` for its control calls. */
export const CARDS = `${SHARE}/cards`;

/** From the root of the repository; bundled where `npm test` says so (bundle.ts). */
const BUNDLE = process.env['SCAUTH_TEST_BUNDLE'];
export const CARD_PROGRAM = BUNDLE === undefined ? 'test/kit/card/main.ts' : `${BUNDLE}/card.js`;

/** Where a card listens for control calls. */
export function cardSocket(number: number): string {
  return `${CARDS}/${number}.sock`;
}

/** The port of a reader, counted from 0 as pcscd lists them. */
export function portOf(reader: number): number {
  return VPCD_PORT + reader;
}

/**
 * Takes the next number.
 * @param folder {@link CARDS}, as the caller sees it
 */
export function claimNumber(folder: string): number {
  for (let number = 1; ; number++) {
    try {
      closeSync(openSync(join(folder, String(number)), 'wx', 0o666));
      return number;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** What makes a card another one than the first, as arguments of test/kit/card/main.ts; later arguments win. */
export function identityOf(number: number, key: string): string[] {
  if (number === 1 || key.includes(':') || /[/.]/.test(key)) return ['--key', key, ...namesOf(number)];
  return ['--key', `${key}:${number}`, ...namesOf(number)];
}

function namesOf(number: number): string[] {
  if (number === 1) return [];
  const guid = createHash('sha256').update(`scauth test card ${number}`).digest('hex').slice(0, 32);
  return ['--guid', guid, '--serial', String(12345677 + number), '--cn', `Ada Lovelace ${number}`];
}
