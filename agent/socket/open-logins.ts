// The logins that are under way when scauthd stops, in an upgrade above all. One whose card is at work comes to its
// verdict; one that waits for its person is let go, since the relay begins anew with the next scauthd (PROTOCOL.md 1.4).

export class OpenLogins {
  readonly #stopping = new AbortController();
  readonly #open = new Set<Promise<void>>();

  /** Aborted when no person is waited for any more. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** @param ended settles when the login is over and its verdict is sent; it never rejects */
  add(ended: Promise<void>): void {
    this.#open.add(ended);
    void ended.then(() => this.#open.delete(ended));
  }

  /** Lets go those that wait for a person, and waits for the others, but not longer than that. */
  async finish(withinMs: number): Promise<void> {
    this.#stopping.abort();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([Promise.all(this.#open), late]);
    clearTimeout(timer);
  }
}
