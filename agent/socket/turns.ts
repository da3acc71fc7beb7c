// One call a turn of the event loop, so that sockets, cards and timers are looked at between two of them; in turn by
// owner, and each owner has a share of the processor's time. Root is not held back; a login waits behind no queue of calls.

/** After a call of so many milliseconds its owner waits that many times as long, and everybody but root this. */
const OWNER_REST = 3;
const ALL_REST = 1;
/** What a call costs beside what is measured: its connection, what is read and sent. */
const OVERHEAD_MS = 0.3;
/** Calls of one owner that are under way: what follows a call's first wait is not measured. */
const MAX_UNDER_WAY = 2;

interface Owner {
  /** Calls that wait, by what lets each begin. */
  readonly waiting: (() => void)[];
  underWay: number;
  /** Not before; where several wait, the earliest is next. */
  readyAtMs: number;
  readonly isRoot: boolean;
}

export class Turns {
  readonly #owners = new Map<string, Owner>();
  #allReadyAtMs = 0;
  #isScheduled = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * Resolves in the turn in which the call may begin.
   * @returns says that the call is over; safe to call twice
   */
  async take(name: string, isRoot: boolean): Promise<() => void> {
    const owner = this.#ownerOf(name, isRoot);
    await new Promise<void>((resolve) => {
      owner.waiting.push(resolve);
      this.#schedule();
    });
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      owner.underWay -= 1;
      this.#schedule();
    };
  }

  #ownerOf(name: string, isRoot: boolean): Owner {
    const key = isRoot ? 'root' : name;
    const known = this.#owners.get(key);
    const nowMs = performance.now();
    const owner = known ?? { waiting: [], underWay: 0, readyAtMs: nowMs, isRoot };
    if (owner.waiting.length === 0) owner.readyAtMs = Math.max(owner.readyAtMs, nowMs);
    this.#owners.set(key, owner);
    return owner;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    clearTimeout(this.#timer);
    let took: { readonly owner: Owner; readonly fromMs: number } | null = null;
    setImmediate(() => {
      const owner = this.#next();
      if (owner === null) return;
      took = { owner, fromMs: performance.now() };
      owner.underWay += 1;
      owner.waiting.shift()?.();
    });
    // The call has gone as far as it can without waiting when this runs, in the same turn.
    setImmediate(() => {
      if (took !== null) this.#charge(took.owner, OVERHEAD_MS + performance.now() - took.fromMs);
      this.#isScheduled = false;
      this.#goOn();
    });
  }

  /** Whose call is next; null: nobody's may begin yet. */
  #next(): Owner | null {
    const nowMs = performance.now();
    const ready = [...this.#owners.values()].filter((owner) => this.#readyAt(owner) <= nowMs);
    const root = ready.find(({ isRoot }) => isRoot);
    return (
      root ?? ready.reduce<Owner | null>((a, b) => (a === null || b.readyAtMs < a.readyAtMs ? b : a), null)
    );
  }

  #readyAt({ isRoot, waiting, underWay, readyAtMs }: Owner): number {
    if (waiting.length === 0) return Infinity;
    if (isRoot) return 0;
    return underWay >= MAX_UNDER_WAY ? Infinity : Math.max(readyAtMs, this.#allReadyAtMs);
  }

  #charge(owner: Owner, tookMs: number): void {
    if (owner.isRoot) return;
    const nowMs = performance.now();
    owner.readyAtMs = nowMs + OWNER_REST * tookMs;
    this.#allReadyAtMs = nowMs + ALL_REST * tookMs;
  }

  #goOn(): void {
    const nowMs = performance.now();
    let earliest = Infinity;
    for (const [key, owner] of this.#owners) {
      if (owner.waiting.length === 0 && owner.underWay === 0 && owner.readyAtMs <= nowMs)
        this.#owners.delete(key);
      else earliest = Math.min(earliest, this.#readyAt(owner));
    }
    if (earliest <= nowMs) this.#schedule();
    else if (earliest !== Infinity) {
      this.#timer = setTimeout(() => {
        this.#schedule();
      }, earliest - nowMs);
    }
  }
}
