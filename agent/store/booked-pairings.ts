// The pairing table as all stories see it: the pairings of this machine, and beside them those of the fleet's book that
// count at this moment. What was paired here goes first and stays what it was; without a fleet, or with a stale book, this
// is the machine's own table and nothing more.
// Why: DECISIONS.md D302.

import { AgentError } from '../base/errors.ts';
import type { KeptRecord } from '../model/book/book-state.ts';
import { algorithmOfSpki, type Pkhh, type PublicKey } from '../model/key/key.ts';
import type { Lost } from '../model/lost.ts';
import type { ListedPairing, PairedCardFacts, Pairing } from '../model/pairing.ts';
import type { PromptScope } from '../model/pairing-prompt.ts';
import type { Username } from '../model/request.ts';
import { refusesRecord, type RecordRefusal } from '../../policy/permit-book.ts';
import type { BookNow, BookTable, PairingPlace, PairingTable } from './interface.ts';
import { KnownKeys } from './known-keys.ts';

export interface BookedParts {
  /** Of this machine. */
  readonly local: PairingTable;
  readonly book: BookTable;
  /** null: nothing of the book counts. */
  readonly now: () => BookNow | null;
}

/** As SQLite sorts. */
function order(one: PairingPlace, other: PairingPlace): number {
  return (
    Buffer.compare(Buffer.from(one.user), Buffer.from(other.user)) ||
    Buffer.compare(Buffer.from(one.pkhh), Buffer.from(other.pkhh))
  );
}

/** How many records are looked at for a page at once. */
const AT_ONCE = 64;

export class BookedPairings implements PairingTable {
  readonly #local: PairingTable;
  readonly #book: BookTable;
  readonly #now: () => BookNow | null;
  readonly #keys = new KnownKeys();

  constructor({ local, book, now }: BookedParts) {
    this.#local = local;
    this.#book = book;
    this.#now = now;
  }

  hostId(): Buffer {
    return this.#local.hostId();
  }

  lostBy(pkhh: Pkhh | null, serials: readonly string[]): Lost | null {
    return this.#local.lostBy(pkhh, serials);
  }

  forUser(user: Username): Pairing[] {
    const own = this.#local.forUser(user);
    const now = this.#now();
    if (now === null) return own;
    return [...own, ...this.#pairings(this.#book.recordsOf(user), own, now)];
  }

  forKey(pkhh: Pkhh): Pairing[] {
    const own = this.#local.forKey(pkhh);
    const now = this.#now();
    if (now === null) return own;
    return [...own, ...this.#pairings(this.#book.recordsByKey(pkhh), own, now)];
  }

  isBound(user: Username): boolean {
    const signed = this.#book.recordsOf(user);
    return this.#local.isBound(user) || signed.some(({ binds, denied }) => binds && !denied);
  }

  isEmpty(): boolean {
    return this.#local.isEmpty() && (this.#now() === null || this.#book.records() === 0);
  }

  page(after: PairingPlace | null, count: number, user?: Username): ListedPairing[] {
    const own = this.#local.page(after, count, user);
    const lists = this.#bookPage(after, count, own, user).map((one) => this.#listed(one));
    return [...own, ...lists].sort(order).slice(0, count);
  }

  cardPage(after: PairingPlace | null, count: number): PairedCardFacts[] {
    const own = this.#local.cardPage(after, count);
    const facts = this.#bookPage(after, count, own).map((one) => this.#facts(one));
    return [...own, ...facts].sort(order).slice(0, count);
  }

  cardsOf(user: Username): PairedCardFacts[] {
    const own = this.#local.cardsOf(user);
    const now = this.#now();
    if (now === null) return own;
    return [...own, ...this.#counting(this.#book.recordsOf(user), own, now).map((one) => this.#facts(one))];
  }

  userPage(after: Username | null, count: number): Username[] {
    const own = this.#local.userPage(after, count);
    if (this.#now() === null) return own;
    const named = new Set(own);
    let last = after;
    while (named.size < own.length + count) {
      // By user alone: the others of the last one's records are passed over.
      const place = last === null ? null : { user: last, pkhh: '\u{10FFFF}' as Pkhh };
      const [next] = this.#bookPage(place, 1, []);
      if (next === undefined) break;
      named.add(next.user);
      last = next.user;
    }
    return [...named]
      .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
      .slice(0, count);
  }

  /** A pairing of this machine goes before the book's; one that was denied here is paired again by it. */
  add(pairing: Pairing): void {
    this.#local.add(pairing);
    this.#book.undeny(pairing.user, pairing.pkhh);
  }

  fixKey(user: Username, pkhh: Pkhh, key: PublicKey): void {
    this.#local.fixKey(user, pkhh, key);
  }

  /** What the book says of them is denied from now on, whether it counts at this moment or not. */
  remove(user: Username, pkhh: Pkhh | null): Pairing[] {
    const mine = ({ pkhh: one }: { readonly pkhh: Pkhh }): boolean => pkhh === null || one === pkhh;
    const going = this.forUser(user).filter((one) => one.book !== undefined && mine(one));
    for (const one of this.#book.recordsOf(user).filter(mine)) this.#book.deny(user, one.pkhh);
    return [...this.#local.remove(user, pkhh), ...going];
  }

  lastUses(user: Username): ReadonlyMap<Pkhh, number> {
    return new Map([...this.#book.usesOf(user), ...this.#local.lastUses(user)]);
  }

  noteUse(user: Username, pkhh: Pkhh, atMs: number): void {
    this.#local.noteUse(user, pkhh, atMs);
    if (this.#book.recordsOf(user).some((one) => one.pkhh === pkhh)) this.#book.noteBookUse(user, pkhh, atMs);
  }

  promptSetting(scope: PromptScope): boolean | null {
    return this.#local.promptSetting(scope);
  }

  setPrompt(scope: PromptScope, enabled: boolean): void {
    this.#local.setPrompt(scope, enabled);
  }

  /** Why the account's records do not count; for explanations. Empty where there is none, or all do. */
  refusals(user: Username, now: BookNow): (readonly [KeptRecord, RecordRefusal])[] {
    return this.#book.recordsOf(user).flatMap((record) => {
      const refusal = this.#refusal(record, now);
      return refusal === null ? [] : [[record, refusal] as const];
    });
  }

  #refusal(record: KeptRecord, { nowMs, officers }: BookNow): RecordRefusal | null {
    return refusesRecord(record, {
      nowMs,
      hasOfficer: officers.get(record.officer)?.role === 'officer',
    });
  }

  /** @param own pairings of this machine that stand in their place */
  #counting(records: readonly KeptRecord[], own: readonly PairingPlace[], now: BookNow): KeptRecord[] {
    const taken = new Set(own.map(({ user, pkhh }) => `${user} ${pkhh}`));
    return records.filter((record) => {
      const name = `${record.user} ${record.pkhh}`;
      if (taken.has(name) || this.#refusal(record, now) !== null) return false;
      taken.add(name);
      return true;
    });
  }

  #pairings(records: readonly KeptRecord[], own: readonly Pairing[], now: BookNow): Pairing[] {
    return this.#counting(records, own, now).flatMap((record) => {
      let publicKey: PublicKey;
      try {
        publicKey = this.#keys.parse(record.spki);
      } catch (error) {
        // An officer may sign what is no key, or a weak one; the others are good all the same.
        if (error instanceof AgentError) return [];
        throw error;
      }
      if (publicKey.pkhh !== record.pkhh || !publicKey.spki.equals(record.spki)) return [];
      const { user, pkhh, cardKey, label } = record;
      const signed = this.#source(record, now);
      return [
        {
          ...{ user, pkhh, publicKey, cardKey, label, tokenId: null, driver: null, certificate: null },
          ...{ pairedBy: signed.pairedBy, pairedAtMs: record.notBeforeMs, book: signed.book },
        },
      ];
    });
  }

  #source(record: KeptRecord, { officers }: Pick<BookNow, 'officers'>) {
    const { officer: officerKey, number, notAfterMs } = record;
    const officer = officers.get(officerKey)?.name ?? officerKey.slice(0, 16);
    return { pairedBy: `officer ${officer}`, book: { officer, officerKey, number, notAfterMs } };
  }

  /** Those that count, one a user and key, in order. */
  #bookPage(
    after: PairingPlace | null,
    count: number,
    own: readonly PairingPlace[],
    user?: Username,
  ): KeptRecord[] {
    const now = this.#now();
    if (now === null) return [];
    const found: KeptRecord[] = [];
    if (user !== undefined) {
      const records = this.#book.recordsOf(user).filter(({ pkhh }) => after === null || pkhh > after.pkhh);
      return this.#counting(records, this.#local.forUser(user), now).slice(0, count);
    }
    for (let place = after === null ? null : { ...after, officer: '\u{10FFFF}' }; found.length < count;) {
      const rows = this.#book.recordPage(place, AT_ONCE);
      for (const row of rows) {
        place = row;
        const last = found.at(-1);
        const isAgain = last?.user === row.user && last.pkhh === row.pkhh;
        // A pairing of this machine may lie behind the page of them that was read.
        const isOwn = (): boolean => this.#local.forUser(row.user).some(({ pkhh }) => pkhh === row.pkhh);
        if (!isAgain && this.#counting([row], own, now).length > 0 && !isOwn()) found.push(row);
        if (found.length === count) break;
      }
      if (rows.length < AT_ONCE) break;
    }
    return found;
  }

  #isLost({ pkhh }: KeptRecord): boolean {
    return this.#local.lostBy(pkhh, []) !== null;
  }

  #listed(record: KeptRecord): ListedPairing {
    const { user, pkhh, label, spki, sha256, notBeforeMs } = record;
    const signed = this.#source(record, this.#now() ?? { officers: new Map() });
    return {
      ...{ user, pkhh, label, tokenId: null, driver: null, ...signed, pairedAtMs: notBeforeMs },
      key: { algorithm: algorithmOfSpki(spki), sha256 },
      lost: this.#isLost(record),
    };
  }

  #facts(record: KeptRecord): PairedCardFacts {
    const { user, pkhh, label, cardKey } = record;
    const { book } = this.#source(record, this.#now() ?? { officers: new Map() });
    return {
      ...{ user, pkhh, label, cardKey, book, tokenId: null, driver: null, certificate: null },
      lost: this.#isLost(record),
    };
  }
}
