// The fleet as scauthd knows it: reads the book when it changes, keeps what its officers have signed, and says at each look
// what of it counts. It asks nobody over a network, and waits for nobody but for a card that is unknown.
// Why: DECISIONS.md D304, D305.

import type { Clock } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { AccountDirectory } from '../model/account.ts';
import type { BookFreshness, BookHead, BookOfficer, FleetStanding } from '../model/book/book-state.ts';
import { parseBookLine, type BookLine } from '../model/book/book.ts';
import type { Pkhh } from '../model/key/key.ts';
import type { Username } from '../model/request.ts';
import type { BookNow, BookTable } from '../store/interface.ts';
import { freshnessOf, hasFleet } from '../../policy/permit-book.ts';
import type { Policy } from '../../policy/policy.ts';
import { BookFile } from './book-file.ts';
import { FileWatch } from './file-watch.ts';
import { readPins } from './pins.ts';
import { FaultBudget } from './signed-lines.ts';
import { takeHeads } from './take-heads.ts';
import { takeOfficers, usableOfficers } from './take-officers.ts';
import { renewScope, takeRecords } from './take-records.ts';
import { Wanted } from './wanted.ts';

const LOOK_EACH_MS = 30_000;
/** An officer's time begins, a host gets another name, an account leaves a group: then other lines count than before. */
const WHOLE_EACH_MS = 3_600_000;
/** How often the time is written down, so that a clock that is set back is seen after a start too. */
const NOTE_TIME_EACH_MS = 600_000;
/** How long a login waits for what is said of its card or account. */
export const ANSWER_MS = 1000;
/** Who counts is looked up again after this, and after each change. */
const OFFICERS_KEPT_MS = 1000;
/** Officers and heads of one book; what is beyond is not looked at. */
const MAX_FEW = 512;

export interface FleetParts {
  readonly policy: () => Policy;
  readonly table: BookTable;
  readonly directory: Pick<AccountDirectory, 'isMember' | 'isRoot'>;
  readonly clock: Clock;
  readonly host: () => string;
  /** Whether a card is required on this machine. */
  readonly isRequired: () => boolean;
  readonly bookPath: string;
  readonly wantedPath: string;
  /** ANSWER_MS, or less where nobody is there who could answer. */
  readonly answerMs: () => number;
  readonly log: (line: string) => void;
}

export class Fleet {
  readonly #parts: FleetParts;
  readonly #wanted: Wanted;
  readonly #watch: FileWatch;
  #head: BookHead | null | undefined;
  #newestMs = 0;
  #notedMs = 0;
  #officers: { readonly untilMs: number; readonly usable: ReadonlyMap<string, BookOfficer> } | null = null;
  /** The settings that are taken up, and whether those that were asked for last are the same. */
  #pinnedBy = '';
  #compared: { readonly fleet: Policy['fleet']; readonly isSame: boolean } | null = null;
  /** The file as it was read last. */
  #read = '';
  #problem: string | null = null;
  #import: Promise<void> = Promise.resolve();
  #wholeMs = 0;
  #timer: NodeJS.Timeout | null = null;
  readonly #listeners = new Set<() => void>();

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#watch = new FileWatch(parts.bookPath, () => void this.#look());
    this.#wanted = new Wanted(parts.wantedPath, () => parts.clock.monotonicMs(), parts.log);
  }

  get isOn(): boolean {
    return hasFleet(this.#parts.policy());
  }

  /** Reads the book, and again when it changes. */
  start(): void {
    void this.#look();
    this.#timer = setInterval(() => {
      void this.#look();
    }, LOOK_EACH_MS).unref();
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#watch.close();
  }

  /** What counts now; null: nothing does. @throws AgentError `store-unreadable` */
  now(): BookNow | null {
    // By the settings of now, and no others: until new ones are taken up nobody is believed by the old ones.
    if (!this.isOn || !this.#isTakenUp()) return null;
    if (this.freshness() !== 'fresh') return null;
    const { table, clock, host } = this.#parts;
    const nowMs = clock.nowMs();
    const at = clock.monotonicMs();
    if (this.#officers === null || at >= this.#officers.untilMs) {
      const usable = usableOfficers({ table, host: host(), nowMs }, 'officer');
      this.#officers = { untilMs: at + OFFICERS_KEPT_MS, usable };
    }
    return { nowMs, officers: this.#officers.usable };
  }

  /** @throws AgentError `store-unreadable` */
  freshness(): BookFreshness {
    const { policy, clock } = this.#parts;
    if (!this.isOn) return 'off';
    this.#load();
    const nowMs = clock.nowMs();
    const freshness = freshnessOf(
      policy(),
      this.#head ?? null,
      { nowMs, newestMs: this.#newestMs },
      this.#isRequired(),
    );
    if (freshness !== 'clock-set-back' && nowMs > this.#newestMs) this.#newestMs = nowMs;
    return freshness;
  }

  /** @throws AgentError `store-unreadable` */
  standing(): FleetStanding {
    const freshness = this.freshness();
    const head = freshness === 'off' ? null : (this.#head ?? null);
    return {
      ...{ freshness, head, problem: freshness === 'off' ? null : this.#problem },
      ageMs: head === null ? null : this.#parts.clock.nowMs() - head.issuedMs,
      records: freshness === 'off' ? 0 : this.#parts.table.records(),
    };
  }

  /** The settings, or the file, may be others by now. @returns when that was looked at */
  refresh(): Promise<void> {
    this.#officers = null;
    this.#read = '';
    return this.#look();
  }

  /** A card was put in. Never throws. @param keys of it that nobody is paired with */
  cardIn(keys: () => readonly Pkhh[]): void {
    if (!this.isOn) return;
    try {
      this.#wanted.want(this.#unknown(keys()));
    } catch (error) {
      this.#parts.log(`fleet: ${describeError(error)}`);
    }
  }

  /** Waits a moment for the book to say something of these keys. @returns whether it has; never throws */
  async ask(keys: readonly Pkhh[]): Promise<boolean> {
    try {
      const unknown = this.#unknown(keys).filter((key) => !this.#wanted.isRefused(key));
      if (unknown.length === 0) return false;
      this.#wanted.want(unknown);
      const isThere = (): boolean => this.#unknown(unknown).length < unknown.length;
      const answered = await this.#until(isThere, this.#parts.answerMs());
      if (!answered) this.#wanted.refuse(unknown);
      return answered;
    } catch (error) {
      this.#parts.log(`fleet: ${describeError(error)}`);
      return false;
    }
  }

  /** Who may pair this account is asked again, before it logs in; never throws, and waits for no name service. */
  async ready(user: Username): Promise<void> {
    if (!this.isOn) return;
    const { table, directory, answerMs, log } = this.#parts;
    try {
      const rows = table.recordsOf(user);
      if (rows.length === 0) return;
      const time = new Promise<'late'>((resolve) => setTimeout(resolve, answerMs(), 'late').unref());
      const renewed = renewScope(user, { table, directory }, 'by-uid');
      if ((await Promise.race([renewed, time])) !== 'late') return;
      renewed.catch((error: unknown) => {
        log(`fleet: ${describeError(error)}`);
      });
      // Groups stay as they were; that it is not root by another name has to be known.
      const officers = this.now()?.officers;
      const isEverybodys = (key: string): boolean => officers?.get(key)?.groups.includes('*') ?? true;
      const doubtful = rows.filter(({ officer, inScope }) => inScope && isEverybodys(officer));
      for (const row of doubtful) table.markScope(row, false);
    } catch (error) {
      log(`fleet: ${describeError(error)}`);
    }
  }

  #unknown(keys: readonly Pkhh[]): Pkhh[] {
    if (!this.isOn) return [];
    return keys.filter((key) => !this.#parts.table.recordsByKey(key).some(({ present }) => present));
  }

  #until(holds: () => boolean, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(holds());
      };
      const look = (): void => {
        if (holds()) done();
      };
      const timer = setTimeout(done, ms);
      this.#listeners.add(look);
      look();
    });
  }

  /** Settings are read once, and asked for at each look. */
  #isTakenUp(): boolean {
    const policy = this.#parts.policy();
    if (this.#compared?.fleet !== policy.fleet)
      this.#compared = { fleet: policy.fleet, isSame: pinning(policy) === this.#pinnedBy };
    return this.#compared.isSame;
  }

  #isRequired(): boolean {
    try {
      return this.#parts.isRequired();
    } catch {
      return true;
    }
  }

  /** What the store has of it, once. */
  #load(): void {
    if (this.#head !== undefined) return;
    this.#newestMs = Math.max(this.#newestMs, this.#parts.table.newestMs());
    this.#head = this.#parts.table.head();
  }

  #look(): Promise<void> {
    this.#import = this.#import
      .then(() => this.#take())
      .catch((error: unknown) => {
        this.#fault(describeError(error));
      });
    return this.#import;
  }

  #fault(problem: string): void {
    if (this.#problem !== problem) this.#parts.log(`fleet: ${problem}`);
    this.#problem = problem;
  }

  async #take(): Promise<void> {
    const { policy, table, clock, host, directory, log, bookPath } = this.#parts;
    const settings = policy();
    const pins = readPins(settings, log);
    if (pins === null) {
      // Root has taken it back: what was pinned before is nobody's word any more.
      if (table.newestMs() > 0) table.setPins('', '');
      this.#forget();
      return;
    }
    this.#watch.renew();
    if (table.setPins(pins.name, pins.realm)) this.#forget();
    this.#pinnedBy = pinning(settings);
    this.#compared = null;
    this.#noteTime();
    const nowMs = clock.nowMs();
    const problems = new Set<string>();
    const parts = {
      ...{ table, pins, host: host(), nowMs, faults: new FaultBudget(), directory },
      problem: (text: string) => problems.add(text),
    };
    const file = BookFile.open(bookPath);
    try {
      const identity = `${pins.name} ${file?.identity ?? 'none'}`;
      const isDue = Math.abs(nowMs - this.#wholeMs) > WHOLE_EACH_MS;
      if (identity !== this.#read || isDue) {
        const few = file === null ? [] : await fewOf(file);
        const own = [...pins.lines].flatMap((text) => parseBookLine(text) ?? []);
        await takeOfficers([...own, ...few.filter(({ kind }) => kind === 'officer')], parts);
        await takeHeads(
          few.filter(({ kind }) => kind === 'head'),
          parts,
        );
        this.#changed();
        if (file !== null) {
          const { added, gone } = await takeRecords(file.lines(), parts);
          const epoch = table.head()?.epoch ?? 0;
          log(`fleet: head ${epoch}; ${added} records are new, ${gone} have gone from the book`);
        }
        if (isDue) await renewScope(null, { table, directory });
        this.#read = identity;
        this.#wholeMs = nowMs;
      }
      if (file === null) problems.add('there is no book yet');
      if (problems.size === 0) this.#problem = null;
      else this.#fault([...problems].join('; '));
    } finally {
      file?.close();
      this.#changed();
    }
  }

  #noteTime(): void {
    const nowMs = this.#parts.clock.nowMs();
    if (this.freshness() === 'clock-set-back' || nowMs - this.#notedMs < NOTE_TIME_EACH_MS) return;
    this.#parts.table.noteNewest(nowMs);
    this.#notedMs = nowMs;
  }

  #forget(): void {
    this.#newestMs = 0;
    this.#notedMs = 0;
    this.#read = '';
    this.#changed();
  }

  #changed(): void {
    this.#head = undefined;
    this.#officers = null;
    for (const listener of this.#listeners) listener();
  }
}

/** Of the settings, what says whom this machine believes. */
function pinning({ fleet: { realm, officers, threshold, headKeys } }: Policy): string {
  return JSON.stringify([realm, officers, threshold, headKeys]);
}

/** Lines of officers and heads. */
async function fewOf(file: BookFile): Promise<BookLine[]> {
  const few: BookLine[] = [];
  for await (const lines of file.lines())
    for (const text of lines) {
      if (few.length >= 2 * MAX_FEW) return few;
      if (!/^scauth-book 1 (officer|head) /.test(text)) continue;
      const line = parseBookLine(text);
      if (line !== null && few.filter(({ kind }) => kind === line.kind).length < MAX_FEW) few.push(line);
    }
  return few;
}
