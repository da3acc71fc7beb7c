// The pairing table, and what was said to be lost, in memory.

import { AgentError } from '../../../agent/base/errors.ts';
import { sameKey, type Pkhh, type PublicKey } from '../../../agent/model/key/key.ts';
import type { Lost } from '../../../agent/model/lost.ts';
import {
  listed,
  type ListedPairing,
  type PairedCardFacts,
  type Pairing,
} from '../../../agent/model/pairing.ts';
import type { PromptScope } from '../../../agent/model/pairing-prompt.ts';
import type { Username } from '../../../agent/model/request.ts';
import type { LostPlace, LostTable, PairingPlace, PairingTable } from '../../../agent/store/interface.ts';
import { lostKey } from '../../../agent/stories/card/gates/said-lost.ts';

export class FakeLost implements LostTable {
  rows: Lost[] = [];

  lostBy(pkhh: Pkhh | null, serials: readonly string[]): Lost | null {
    return (
      this.rows.find(({ kind, name }) => (kind === 'key' ? name === pkhh : serials.includes(name))) ?? null
    );
  }

  lostPage(after: LostPlace | null, count: number): Lost[] {
    const place = ({ kind, name }: LostPlace): string => `${kind} ${name}`;
    const rows = this.rows.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
    return rows.filter((row) => after === null || place(row) > place(after)).slice(0, count);
  }

  sayLost(all: readonly Lost[]): Lost[] {
    const isNew = (one: Lost): boolean =>
      !this.rows.some(({ kind, name }) => kind === one.kind && name === one.name);
    const added = all.filter(isNew);
    this.rows.push(...added);
    return added;
  }

  sayFound(pkhh: Pkhh | null, serial: string | null): Lost[] {
    const going = this.rows.filter(
      (row) => (row.kind === 'key' && row.name === pkhh) || (serial !== null && row.serial === serial),
    );
    this.rows = this.rows.filter((row) => !going.includes(row));
    return going;
  }
}

export class FakePairings implements PairingTable {
  rows: Pairing[] = [];
  broken = false;

  #readable(): Pairing[] {
    if (this.broken) throw new AgentError('store-unreadable', { detail: 'EIO' });
    return this.rows;
  }

  hostId(): Buffer {
    this.#readable();
    return Buffer.alloc(16, 9);
  }

  forUser(user: Username): Pairing[] {
    return this.#readable().filter((row) => row.user === user);
  }

  forKey(pkhh: Pkhh): Pairing[] {
    return this.#readable().filter((row) => row.pkhh === pkhh);
  }

  isEmpty(): boolean {
    return this.#readable().length === 0;
  }

  page(after: PairingPlace | null, count: number, user?: Username): ListedPairing[] {
    return this.#behind(after, count, user).map((row) => listed(row, this.#isLost(row)));
  }

  cardPage(after: PairingPlace | null, count: number): PairedCardFacts[] {
    return this.#behind(after, count).map((row) => ({ ...row, lost: this.#isLost(row) }));
  }

  cardsOf(user: Username): PairedCardFacts[] {
    return this.forUser(user).map((row) => ({ ...row, lost: this.#isLost(row) }));
  }

  #isLost({ pkhh, tokenId }: Pairing): boolean {
    return lostKey(pkhh, [tokenId], this) !== null;
  }

  readonly lost = new FakeLost();

  lostBy(pkhh: Pkhh | null, serials: readonly string[]): Lost | null {
    this.#readable();
    return this.lost.lostBy(pkhh, serials);
  }

  userPage(after: Username | null, count: number): Username[] {
    const users = [...new Set(this.#readable().map((row) => row.user))].sort();
    return users.filter((user) => after === null || user > after).slice(0, count);
  }

  #behind(after: PairingPlace | null, count: number, user?: Username): Pairing[] {
    const place = (one: PairingPlace): string => `${one.user} ${one.pkhh}`;
    return this.#readable()
      .filter((row) => user === undefined || row.user === user)
      .toSorted((one, other) => (place(one) < place(other) ? -1 : 1))
      .filter((row) => after === null || place(row) > place(after))
      .slice(0, count);
  }

  isBound(user: Username): boolean {
    return this.forUser(user).length > 0;
  }

  add(pairing: Pairing): void {
    for (const row of this.forKey(pairing.pkhh)) {
      if (row.publicKey && pairing.publicKey && !sameKey(row.publicKey, pairing.publicKey)) {
        throw new AgentError('key-conflict');
      }
      if (row.user === pairing.user) throw new AgentError('already-paired');
    }
    this.rows.push(pairing);
  }

  fixKey(user: Username, pkhh: Pkhh, publicKey: PublicKey): void {
    if (!this.#readable().some((row) => row.user === user && row.pkhh === pkhh))
      throw new AgentError('not-paired');
    this.rows = this.rows.map((row) =>
      row.user === user && row.pkhh === pkhh ? { ...row, publicKey } : row,
    );
  }

  remove(user: Username, pkhh: Pkhh | null): Pairing[] {
    const going = this.forUser(user).filter((row) => pkhh === null || row.pkhh === pkhh);
    this.rows = this.rows.filter((row) => !going.includes(row));
    return going;
  }

  readonly uses = new Map<string, number>();

  lastUses(user: Username): ReadonlyMap<Pkhh, number> {
    const own = this.forUser(user).map(({ pkhh }) => [pkhh, this.uses.get(`${user} ${pkhh}`) ?? 0] as const);
    return new Map(own.filter(([, at]) => at > 0));
  }

  noteUse(user: Username, pkhh: Pkhh, atMs: number): void {
    this.#readable();
    this.uses.set(`${user} ${pkhh}`, atMs);
  }

  readonly prompts = new Map<string, boolean>();

  promptSetting(scope: PromptScope): boolean | null {
    this.#readable();
    return this.prompts.get(Object.values(scope).join(' ')) ?? null;
  }

  setPrompt(scope: PromptScope, enabled: boolean): void {
    this.prompts.set(Object.values(scope).join(' '), enabled);
  }
}

/** A pairing of `user` with this key; null for a hash alone. */
export function pairing(user: Username, key: PublicKey, publicKey: PublicKey | null = key): Pairing {
  return {
    user,
    pkhh: key.pkhh,
    publicKey,
    tokenId: null,
    driver: null,
    label: 'paired',
    certificate: null,
    cardKey: null,
    pairedBy: 'root',
    pairedAtMs: 1,
  };
}
