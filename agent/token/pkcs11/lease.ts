// The cards that a module has are given back after each call, and it keeps what it knows of them: pcsc_lease.c stands
// between it and libpcsclite. In a process of its own, before the module is loaded.
// Why: DECISIONS.md D196.

import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import koffi from 'koffi';

const PCSCLITE = 'libpcsclite.so.1';
const LEASE = join(import.meta.dirname, '../../../build/pcsc-lease.node');
const SCARD_LEAVE_CARD = 0;
const SCARD_RESET_CARD = 1;

export class CardLease {
  readonly #only: (reader: string) => void;
  readonly #hold: () => void;
  readonly #holds: () => number;
  readonly #giveBack: (disposition: number) => void;

  private constructor(library: ReturnType<typeof koffi.load>) {
    this.#only = library.func('void scauth_only(const char *reader)') as (reader: string) => void;
    this.#hold = library.func('void scauth_hold()') as () => void;
    this.#holds = library.func('int scauth_holds()') as () => number;
    this.#giveBack = library.func('void scauth_give_back(long disposition)') as (disposition: number) => void;
  }

  /** @returns null where libpcsclite is not beside the module, or a folder above */
  static before(module: string): CardLease | null {
    const folder = dirname(existsSync(module) ? realpathSync(module) : module);
    const real = [folder, dirname(folder)].map((one) => join(one, PCSCLITE)).find((one) => existsSync(one));
    if (real === undefined) return null;
    const library = koffi.load(LEASE);
    const stands = library.func('int scauth_stand_before(const char *path)') as (path: string) => number;
    return stands(real) === 0 ? null : new CardLease(library);
  }

  /** The cards of other readers are not there for the module; null: those of all readers. */
  only(reader: string | null): void {
    this.#only(reader ?? '');
  }

  /** From the first look at a card on nobody else gets at it, until it is given back. */
  hold(): void {
    this.#hold();
  }

  /** Whether a card was got at since: a module may answer from memory where another program has the card. */
  get holds(): boolean {
    return this.#holds() !== 0;
  }

  /** @param reset whether a PIN may have gone to a card: it is reset first */
  giveBack(reset: boolean): void {
    this.#giveBack(reset ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
  }
}
