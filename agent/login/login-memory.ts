// Which process was asked for a card, and which gave one: the account phase is another conversation of the same login
// and must know. Kept in memory, by process id and start time; nothing of it is a grant by itself.

import { isConsoleDevice, processFacts, type ProcessFacts } from '../base/process-identity.ts';
import type { Clock } from '../base/clock.ts';
import type { AuthRequest, Username } from '../model/request.ts';
import type { Asked } from '../../policy/permit-without-card.ts';

/** How long a card counts for the account phase of the login that it was used in. */
const CARD_COUNTS_MS = 300_000;
/** Fewer than this are not worth tidying. A live process is never forgotten, however long it waits. */
const TIDY_FROM = 256;

interface Entry {
  readonly pid: number;
  readonly startedAt: number;
  readonly parent: { readonly pid: number; readonly startedAt: number } | null;
  readonly service: string;
  /** Who used a card, or the break-glass code; null: nobody, yet. */
  letIn: { readonly user: Username; readonly atMs: number } | null;
}

type Asking = Pick<AuthRequest, 'peer' | 'service'>;

export class LoginMemory {
  readonly #clock: Clock;
  readonly #factsOf: (pid: number) => ProcessFacts | null;
  /** When this scauthd began: of what was before it knows nothing. */
  readonly #bornAt: number;
  #entries: Entry[] = [];
  #tidyAt = TIDY_FROM;

  constructor(clock: Clock, factsOf: (pid: number) => ProcessFacts | null = processFacts) {
    this.#clock = clock;
    this.#factsOf = factsOf;
    this.#bornAt = factsOf(process.pid)?.startedAt ?? 0;
  }

  /** How many processes are remembered. */
  get size(): number {
    return this.#entries.length;
  }

  /** The process begins to authenticate: what it had before counts no longer. */
  begin({ peer, service }: Asking): void {
    const facts = this.#factsOf(peer.pid);
    // Gone already: it will not ask again.
    if (facts === null) return;
    const { pid, startedAt, parentPid } = facts;
    if (this.#entries.length >= this.#tidyAt) this.#tidy();
    this.#entries = this.#entries.filter((one) => !isOf(one, facts, service));
    const parent = this.#factsOf(parentPid);
    this.#entries.push({ pid, startedAt, parent, service, letIn: null });
  }

  /** `user` used their card (or the break-glass code) in this process. */
  letIn({ peer, service }: Asking, user: Username): void {
    const facts = this.#factsOf(peer.pid);
    if (facts === null) return;
    let entry = this.#entries.find((one) => isOf(one, facts, service));
    if (entry === undefined) {
      this.begin({ peer, service });
      entry = this.#entries.find((one) => isOf(one, facts, service));
    }
    if (entry !== undefined) entry.letIn = { user, atMs: this.#clock.monotonicMs() };
  }

  /**
   * How `user` got as far as the account phase of this process. Some programs authenticate in a child: what root's
   * process has not been asked for itself, its children may have been.
   */
  asked({ peer, service }: Asking, user: Username): Asked {
    const facts = this.#factsOf(peer.pid);
    if (facts === null) return 'other';
    const own = this.#entries.find((one) => isOf(one, facts, service));
    const entry = own ?? (peer.uid === 0 ? this.#ofChild(facts, service) : undefined);
    if (entry === undefined) return facts.startedAt < this.#bornAt ? 'other' : 'nothing';
    const { letIn } = entry;
    const counts = letIn?.user === user && this.#clock.monotonicMs() - letIn.atMs <= CARD_COUNTS_MS;
    return counts ? 'card' : 'other';
  }

  #ofChild({ pid, startedAt }: ProcessFacts, service: string): Entry | undefined {
    return this.#entries.findLast(
      ({ parent, service: its }) => its === service && parent?.pid === pid && parent.startedAt === startedAt,
    );
  }

  /** Forgets processes that have ended, but for the last that a living parent had for a service. */
  #tidy(): void {
    const lives = (one: { readonly pid: number; readonly startedAt: number }): boolean =>
      this.#factsOf(one.pid)?.startedAt === one.startedAt;
    const parents = new Set<string>();
    this.#entries = this.#entries
      .toReversed()
      .filter((one) => {
        if (lives(one)) return true;
        if (one.parent === null || !lives(one.parent)) return false;
        const name = `${one.parent.pid} ${one.service}`;
        const isLast = !parents.has(name);
        parents.add(name);
        return isLast;
      })
      .toReversed();
    this.#tidyAt = Math.max(TIDY_FROM, 2 * this.#entries.length);
  }
}

function isOf(one: Entry, { pid, startedAt }: ProcessFacts, service: string): boolean {
  return one.pid === pid && one.startedAt === startedAt && one.service === service;
}

const CONSOLE_NAME = /^(\/dev\/)?(tty[0-9]+|ttyS[0-9]+|ttyAMA[0-9]+|hvc[0-9]+|console)$/;

/**
 * Whether a request of root's comes from a console of this machine: PAM_TTY says so, and the kernel does not say
 * otherwise (a login screen's process has no terminal).
 */
export function isOnConsole(
  { peer, tty }: Pick<AuthRequest, 'peer' | 'tty'>,
  factsOf = processFacts,
): boolean {
  if (peer.uid !== 0 || tty === null || !CONSOLE_NAME.test(tty)) return false;
  const facts = factsOf(peer.pid);
  return facts !== null && (facts.terminal === 0 || isConsoleDevice(facts.terminal));
}
