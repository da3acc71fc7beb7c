// Lines in the agent's log that a peer can cause: so many a minute of one owner and in all, and then how many were left
// out. A flood must not push what matters out of the journal.

const WINDOW_MS = 60_000;
const MOST_OF_ONE = 10;
const MOST = 60;

export class RatedLog {
  readonly #log: (line: string) => void;
  readonly #counts = new Map<string, number>();
  #written = 0;
  #leftOut = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  say(owner: string, line: string): void {
    this.#timer ??= setTimeout(() => {
      this.#renew();
    }, WINDOW_MS).unref();
    const own = this.#counts.get(owner) ?? 0;
    if (this.#written >= MOST || own >= MOST_OF_ONE) {
      this.#leftOut += 1;
      return;
    }
    this.#counts.set(owner, own + 1);
    this.#written += 1;
    this.#log(line);
  }

  #renew(): void {
    if (this.#leftOut > 0)
      this.#log(`${this.#leftOut} more lines about what was asked of the sockets are left out`);
    this.#timer = null;
    this.#counts.clear();
    this.#written = 0;
    this.#leftOut = 0;
  }
}
