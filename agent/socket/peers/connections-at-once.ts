// Who may be connected at a time. Places are shared out by owner: where all are taken, a newcomer takes the place of the
// one that has waited longest among those of the owner who has most. So a flood, of however many uids, costs the flood.
// Why: DECISIONS.md D140.

/** Something that holds a place. */
export interface Guest {
  readonly owner: string;
  /** Since when it has waited for its peer (monotonic); null: it is at work and keeps its place. */
  readonly waitsSinceMs: number | null;
  /** Whether its peer has said anything whole. */
  readonly hasSpoken: boolean;
  /** Its place is taken. */
  displace(): void;
}

export class Places<G extends Guest> {
  readonly #most: number;
  readonly #mostOfOne: number;
  readonly #guests = new Set<G>();
  readonly #counts = new Map<string, number>();

  /** @param mostOfOne of one owner, also while others are free; without it, who has all makes room for the next of theirs */
  constructor(most: number, mostOfOne = Infinity) {
    this.#most = most;
    this.#mostOfOne = mostOfOne;
  }

  get taken(): number {
    return this.#guests.size;
  }

  /**
   * Makes sure that there is a place for one more of `owner`, and displaces another where it must.
   * @returns false: there is none
   */
  hasRoomFor(owner: string): boolean {
    const own = this.#count(owner);
    if (own >= this.#mostOfOne) return false;
    if (this.#guests.size < this.#most) return true;
    const victim = this.#leastEntitled(owner, own);
    if (victim === null) return false;
    this.leave(victim);
    victim.displace();
    return true;
  }

  enter(guest: G): void {
    if (this.#guests.has(guest)) return;
    this.#guests.add(guest);
    this.#counts.set(guest.owner, this.#count(guest.owner) + 1);
  }

  /** Safe to call twice. */
  leave(guest: G): void {
    if (!this.#guests.delete(guest)) return;
    const left = this.#count(guest.owner) - 1;
    if (left === 0) this.#counts.delete(guest.owner);
    else this.#counts.set(guest.owner, left);
  }

  #count(owner: string): number {
    return this.#counts.get(owner) ?? 0;
  }

  /** Only where it evens out, or the newcomer has none: a flood would displace itself without end. */
  #leastEntitled(owner: string, own: number): G | null {
    const enough = own === 0 ? 1 : own + 2;
    let least: G | null = null;
    for (const guest of this.#guests) {
      const isOwn = guest.owner === owner && this.#mostOfOne === Infinity;
      if (guest.waitsSinceMs === null || (!isOwn && this.#count(guest.owner) < enough)) continue;
      if (least === null || this.#isLess(guest, least)) least = guest;
    }
    return least;
  }

  /** More of its owner's; then who has said nothing; then who has waited longer. */
  #isLess(a: G, b: G): boolean {
    const more = this.#count(a.owner) - this.#count(b.owner);
    if (more !== 0) return more > 0;
    if (a.hasSpoken !== b.hasSpoken) return !a.hasSpoken;
    return (a.waitsSinceMs ?? Infinity) < (b.waitsSinceMs ?? Infinity);
  }
}
