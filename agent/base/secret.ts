// Memory for secrets: one block of fixed slots, locked and left out of core dumps by main, wiped at each release.
// JavaScript cannot promise that no copy was made elsewhere (THREATS.md, "Secrets in memory"); what we can do is
// never to make a string of a secret, and to keep every buffer that holds one in this block.

/** Longest secret: what a PAM conversation can carry (PAM_MAX_RESP_SIZE). */
export const MAX_SECRET_BYTES = 512;

/** A frame, an APDU or a PIN fits into one slot. */
const SLOT_BYTES = 4352;
/** For all places at both sockets and all monitors (agent/socket), and what is read and sent by those at work. */
const SLOTS = 640;

const block = new ArrayBuffer(SLOT_BYTES * SLOTS);
const free = Array.from({ length: SLOTS }, (_, slot) => slot);
const whole = Buffer.from(block);

/** The whole block, for main to lock (mlock, MADV_DONTDUMP) before the first secret arrives. */
export function secretBlock(): Buffer {
  return whole;
}

/** A buffer out of the block. Whoever takes it releases it, on each path. */
export class SecretBuffer {
  readonly bytes: Buffer;
  #slot: number | null;

  /** @throws RangeError when `length` is above a slot's size or all slots are taken (a leak or a flood) */
  constructor(length: number) {
    if (length > SLOT_BYTES) throw new RangeError('too large for a secret buffer');
    const slot = free.pop();
    if (slot === undefined) throw new RangeError('no secret buffer is free');
    this.#slot = slot;
    this.bytes = whole.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + length);
  }

  /** The first `length` bytes in a slot of their own. */
  copy(length = this.bytes.length): SecretBuffer {
    const copy = new SecretBuffer(length);
    copy.bytes.set(this.bytes.subarray(0, length));
    return copy;
  }

  /** Wipes and gives the slot back. Safe to call twice. */
  release(): void {
    if (this.#slot === null) return;
    this.bytes.fill(0);
    free.push(this.#slot);
    this.#slot = null;
  }
}

/** How many slots are free: a test holds that every path gives its slots back. */
export function freeSecretSlots(): number {
  return free.length;
}
