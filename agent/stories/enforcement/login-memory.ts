// Which process was asked for a card, and which gave one: the account phase is another conversation of the same login
// and must know. Kept in memory, by process id and start time; nothing of it is a grant by itself, and what is forgotten
// opens nothing: then the relay is asked what it has noted (account-phase.ts).

import { processFacts, type ProcessFacts } from '../../base/process-identity.ts';
import type { Clock } from '../../base/clock.ts';
import type { AuthRequest, Username } from '../../model/request.ts';
import type { Asked } from '../../../policy/permit-without-card.ts';

/** How long a card counts for the account phase of the login that it was used in. */
const CARD_COUNTS_MS = 300_000;
/** More are not remembered; the oldest go first. So many processes that wait at a prompt are somebody's flood. */
const MAX_ENTRIES = 8192;
/** Fewer are not worth tidying. */
const TIDY_FROM = 256;
/** How many old entries are looked at when a new one comes: twice as many as come, so that none piles up. */
const TIDIED_EACH_TIME = 2;

interface ProcessName {
  readonly pid: number;
  readonly startedAt: number;
}

interface Entry {
  /** Whose end makes it useless: the process itself, or the parent that it was a child of. */
  readonly of: ProcessName;
  readonly answer: Answer;
}

/** Who used a card, or the break-glass code; null: nobody, yet. Shared by the process and its parent. */
interface Answer {
  letIn: { readonly user: Username; readonly atMs: number } | null;
}

type Asking = Pick<AuthRequest, 'peer' | 'service'>;

function keyOf({ pid, startedAt }: ProcessName, service: string): string {
  return `${pid} ${startedAt} ${service}`;
}

export class LoginMemory {
  readonly #clock: Clock;
  readonly #factsOf: (pid: number) => ProcessFacts | null;
  /** When this scauthd began: of what was before it knows nothing. */
  readonly #bornAt: number;
  readonly #own = new Map<string, Entry>();
  /** By the parent: what its last child for a service came to. */
  readonly #children = new Map<string, Entry>();

  constructor(clock: Clock, factsOf: (pid: number) => ProcessFacts | null = processFacts) {
    this.#clock = clock;
    this.#factsOf = factsOf;
    this.#bornAt = factsOf(process.pid)?.startedAt ?? 0;
  }

  /** How much is remembered. */
  get size(): number {
    return this.#own.size + this.#children.size;
  }

  /** The process begins to authenticate: what it had before counts no longer. */
  begin(asking: Asking): void {
    this.#begin(asking);
  }

  /** `user` used their card (or the break-glass code) in this process. */
  letIn(asking: Asking, user: Username): void {
    const facts = this.#factsOf(asking.peer.pid);
    if (facts === null) return;
    const answer = this.#own.get(keyOf(facts, asking.service))?.answer ?? this.#begin(asking);
    if (answer !== null) answer.letIn = { user, atMs: this.#clock.monotonicMs() };
  }

  /**
   * How `user` (null: an account that nobody knows) got as far as the account phase of this process. Some programs
   * authenticate in a child: what root's process has not been asked for itself, its children may have been.
   */
  asked({ peer, service }: Asking, user: Username | null): Asked {
    const facts = this.#factsOf(peer.pid);
    if (facts === null) return 'other';
    const key = keyOf(facts, service);
    const answer = (this.#own.get(key) ?? (peer.uid === 0 ? this.#children.get(key) : undefined))?.answer;
    if (answer === undefined) return facts.startedAt < this.#bornAt ? 'other' : 'nothing';
    const { letIn } = answer;
    const counts = letIn?.user === user && this.#clock.monotonicMs() - letIn.atMs <= CARD_COUNTS_MS;
    return counts ? 'card' : 'other';
  }

  #begin({ peer, service }: Asking): Answer | null {
    const facts = this.#factsOf(peer.pid);
    // Gone already: it will not ask again.
    if (facts === null) return null;
    const answer: Answer = { letIn: null };
    this.#remember(this.#own, keyOf(facts, service), { of: facts, answer });
    const parent = this.#factsOf(facts.parentPid);
    if (parent !== null) this.#remember(this.#children, keyOf(parent, service), { of: parent, answer });
    return answer;
  }

  /** The newest stands last. */
  #remember(entries: Map<string, Entry>, key: string, { of: { pid, startedAt }, answer }: Entry): void {
    entries.delete(key);
    let looked = entries.size < TIDY_FROM ? TIDIED_EACH_TIME : 0;
    for (const [old, entry] of entries) {
      if (looked === TIDIED_EACH_TIME) break;
      looked += 1;
      entries.delete(old);
      // What lives goes to the end, so that the next ones have their turn.
      if (this.#factsOf(entry.of.pid)?.startedAt === entry.of.startedAt) entries.set(old, entry);
    }
    const [oldest] = entries.keys();
    if (entries.size >= MAX_ENTRIES && oldest !== undefined) entries.delete(oldest);
    entries.set(key, { of: { pid, startedAt }, answer });
  }
}
