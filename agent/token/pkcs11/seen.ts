// Where each token was that scauthd was told of, and what was on it. Serial numbers are claims, and cards of one batch
// share theirs; slots get new numbers when a reader comes or goes. So a PIN goes only where the same token is still in
// the same place, with the same keys: any other card there has been put in since.

import { createHash, randomBytes } from 'node:crypto';
import { AgentError } from '../../base/errors.ts';
import * as C from './constants.ts';
import type { SlotPlace, TokenSlot } from './module.ts';
import type { ObjectReader } from './objects.ts';

/** Public keys of one slot by CKA_ID, as hashes. */
export type SeenKeys = ReadonlyMap<string, string>;

export interface SeenPin {
  readonly slot: TokenSlot;
  readonly keys: SeenKeys;
}

export interface SeenToken {
  /** null: it is in no reader. */
  readonly reader: string | null;
  /** By the number that scauthd names a PIN with. */
  readonly pins: readonly SeenPin[];
}

const PLACE_BYTES = 8;

function changed(detail: string): AgentError {
  return new AgentError('card-changed', { detail });
}

export class SeenTokens {
  readonly #seen = new Map<string, SeenToken>();

  /** Some of them are part of the machine, or in a file: nobody else waits for those. */
  get someStand(): boolean {
    return [...this.#seen.values()].some(({ reader }) => reader === null);
  }

  /** What was seen in this reader (null: in none) is seen anew. */
  forget(reader: string | null): void {
    for (const [place, token] of this.#seen) if (token.reader === reader) this.#seen.delete(place);
  }

  /** @returns the name by which scauthd asks for it: of this look, and no other */
  add(token: SeenToken): string {
    const place = randomBytes(PLACE_BYTES).toString('hex');
    this.#seen.set(place, token);
    return place;
  }

  /** @throws AgentError `card-changed` */
  pin(place: string, pin: string): SeenPin {
    const found = this.#seen.get(place)?.pins[Number(pin)];
    if (found === undefined) throw changed('this token was seen by an earlier look');
    return found;
  }

  /** Whether a slot is where this PIN's was. @throws AgentError `card-changed` */
  placeOf(place: string, pin: string): (slot: SlotPlace) => boolean {
    const { slot: then } = this.pin(place, pin);
    return ({ description }) => description === then.description;
  }

  /**
   * The slot of a PIN as it is now. Several slots of one card may say the same of themselves: they keep their order.
   * @throws AgentError `no-card`, `card-changed`
   */
  slotOf(place: string, pin: string, slots: readonly TokenSlot[]): TokenSlot {
    const { slot: then } = this.pin(place, pin);
    const here = slots.filter(this.placeOf(place, pin));
    if (here.length === 0) throw new AgentError('no-card', { detail: 'the token is gone' });
    const alike = (this.#seen.get(place)?.pins ?? [])
      .map(({ slot }) => slot)
      .filter((one) => isAlike(one, then));
    const now = here.filter((one) => isAlike(one, then));
    const slot = now[alike.indexOf(then)];
    if (slot === undefined || now.length !== alike.length) throw changed('another token is in its place');
    return slot;
  }
}

/** All that a token says of itself. */
function isAlike(a: TokenSlot, b: TokenSlot): boolean {
  const { description, label, manufacturer, model, serial } = a;
  return (
    description === b.description &&
    label === b.label &&
    manufacturer === b.manufacturer &&
    model === b.model &&
    serial === b.serial
  );
}

/** The keys in a session, as they are seen without a PIN. */
export function keysIn(reader: ObjectReader): SeenKeys {
  const keys = new Map<string, string>();
  const add = (objectClass: number, read: (handle: Buffer) => Buffer | null): void => {
    for (const { id, handle } of reader.find(objectClass)) {
      const bytes = keys.has(id) ? null : read(handle);
      if (bytes !== null) keys.set(id, createHash('sha256').update(bytes).digest('hex'));
    }
  };
  add(C.CKO_PUBLIC_KEY, (handle) => reader.spki(handle));
  add(C.CKO_CERTIFICATE, (handle) => reader.bytes(handle, C.CKA_VALUE));
  return keys;
}

/** @throws AgentError `card-changed` unless the keys in the session are those that were seen; why one cannot be read */
export function requireKeys(seen: SeenKeys, reader: ObjectReader): void {
  const now = keysIn(reader);
  for (const [id, hash] of seen)
    if (now.get(id) !== hash) throw reader.failure ?? changed(`the key ${id} is not the one that was seen`);
}
