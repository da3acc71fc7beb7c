// What scauth-fleet does all day: asks each source in turn of the poll, later after a failure, looks a key up at once when
// scauthd asks for it, and writes the book. It judges nothing. Why: DECISIONS.md D310, D311.

import type { Clock } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import { joinBooks, type Book } from './book.ts';
import type { BookFile } from './book-file.ts';
import type { Item } from './item.ts';
import type { BookSource, Prefetch } from './source.ts';

/** How long nobody is asked again for a key that no source knew. */
const UNKNOWN_MS = 60_000;
const MOST_UNKNOWN = 4096;
/** How many polls a record that was looked up stays without being in what a source says. */
const POLLS_KEPT = 3;
/** A poll comes earlier by up to this part of its time, never later: 10,000 machines that were started at once spread. */
const JITTER = 0.1;
const FIRST_RETRY_MS = 2000;
const LAST_RETRY_MS = 15 * 60_000;

/** How long to wait before the next round. @param failures in a row @param random from 0 to 1 */
export function waitMs(pollMs: number, failures: number, random: number): number {
  if (failures === 0) return pollMs * (1 - JITTER * random);
  // Full jitter: servers that come back are not met by all at once.
  const most = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 20));
  return most / 2 + (most / 2) * random;
}

export interface RoundParts {
  readonly sources: readonly BookSource[];
  readonly file: Pick<BookFile, 'atStart' | 'write'>;
  readonly prefetch: Prefetch;
  readonly pollMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: (line: string) => void;
}

interface Asked {
  readonly source: BookSource;
  book: Book | null;
  failures: number;
  /** null: it is asked at this moment. */
  timer: NodeJS.Timeout | null;
  /** Somebody wants it asked, who came while it was. */
  isWanted: boolean;
}

export class Rounds {
  readonly #parts: RoundParts;
  readonly #asked: readonly Asked[];
  readonly #atStart: Book;
  readonly #unknown = new Map<string, number>();
  readonly #lookedUp = new Map<string, { readonly items: readonly Item[]; readonly untilMs: number }>();
  readonly #underWay = new Set<string>();
  #wanted: readonly string[] = [];
  #isClosed = false;

  constructor(parts: RoundParts) {
    this.#parts = parts;
    this.#asked = parts.sources.map((source) => ({
      ...{ source, book: null, failures: 0, timer: null, isWanted: false },
    }));
    this.#atStart = parts.file.atStart();
  }

  start(): void {
    for (const one of this.#asked) void this.#round(one);
  }

  /** Each source is asked now, however long it was to wait after a failure; keys that nobody knew may be known by now. */
  askNow(): void {
    if (this.#isClosed) return;
    this.#unknown.clear();
    for (const one of this.#asked) {
      if (one.timer === null) one.isWanted = true;
      else {
        clearTimeout(one.timer);
        void this.#round(one);
      }
    }
    this.want(this.#wanted);
  }

  close(): void {
    this.#isClosed = true;
    for (const { source, timer } of this.#asked) {
      if (timer !== null) clearTimeout(timer);
      source.close();
    }
  }

  /** What scauthd asks for now. Each key that is neither in the book nor known to be in none is looked up at once. */
  want(keys: readonly string[]): void {
    this.#wanted = keys;
    for (const key of keys) if (!this.#isHeld(key) && !this.#isUnknown(key)) void this.#lookUp(key);
  }

  #books(): Book[] {
    const answered = this.#asked.map(({ book }) => book).filter((book) => book !== null);
    const waiting = answered.length < this.#asked.length ? [this.#atStart] : [];
    return [...waiting, ...answered];
  }

  #isHeld(key: string): boolean {
    return this.#lookedUp.has(key) || this.#books().some(({ records }) => records.has(key));
  }

  #isUnknown(key: string): boolean {
    const until = this.#unknown.get(key);
    return until !== undefined && this.#parts.clock.monotonicMs() < until;
  }

  async #lookUp(key: string): Promise<void> {
    if (this.#underWay.has(key)) return;
    this.#underWay.add(key);
    const { log, clock } = this.#parts;
    try {
      const answers = await Promise.allSettled(this.#parts.sources.map((source) => source.lookUp(key)));
      for (const [at, answer] of answers.entries())
        if (answer.status === 'rejected')
          log(
            `${this.#parts.sources[at]?.name ?? ''}: key ${key} cannot be looked up: ${describeError(answer.reason)}`,
          );
      const items = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
      if (items.length > 0) {
        this.#lookedUp.set(key, { items, untilMs: clock.monotonicMs() + POLLS_KEPT * this.#parts.pollMs });
        this.#write();
        log(`key ${key} is in the book now`);
      } else {
        if (this.#unknown.size >= MOST_UNKNOWN) this.#unknown.clear();
        this.#unknown.set(key, clock.monotonicMs() + UNKNOWN_MS);
      }
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #round(one: Asked): Promise<void> {
    const { prefetch, log, pollMs, random } = this.#parts;
    Object.assign(one, { timer: null, isWanted: false });
    const held = this.#books().flatMap(({ records }) => [...records.keys()]);
    const keys = new Set([...this.#wanted, ...this.#lookedUp.keys(), ...held]);
    try {
      const book = await one.source.fetch({ keys, prefetch });
      if (this.#isClosed) return;
      if (one.failures > 0 || one.book === null)
        log(
          `${one.source.name} answers: ${book.records.size} keys, ${book.officers.length} officers, ${book.heads.length} heads`,
        );
      one.book = book;
      one.failures = 0;
      const now = this.#parts.clock.monotonicMs();
      for (const [key, { untilMs }] of this.#lookedUp)
        if (book.records.has(key) || now > untilMs) this.#lookedUp.delete(key);
      this.#write();
    } catch (error) {
      if (this.#isClosed) return;
      one.failures += 1;
      log(`${one.source.name} (${one.failures} in a row): ${describeError(error)}`);
    }
    const ms = one.isWanted ? 0 : waitMs(pollMs, one.failures, random());
    one.timer = setTimeout(() => void this.#round(one), ms);
  }

  #write(): void {
    const records = new Map([...this.#lookedUp].map(([key, { items }]) => [key, items]));
    const extra: Book = { heads: [], officers: [], records };
    try {
      this.#parts.file.write(joinBooks([...this.#books(), extra]));
    } catch (error) {
      this.#parts.log(`the book cannot be written, the old one stays: ${describeError(error)}`);
    }
  }
}
