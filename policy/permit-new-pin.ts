// Whether a PIN is one of those that are tried first. For a card that is set up, where nobody is used to a PIN yet. Pure.

import { FACTORY_PIN, FACTORY_PUK, type WeakPin } from '../agent/model/card/issuing.ts';

const FACTORY: readonly string[] = [FACTORY_PIN, FACTORY_PUK];
const MIN_LENGTH = 6;
const MIN_DIFFERENT = 3;

/** @param pin its bytes; nothing of them is kept @returns why it will not do; null: it will */
export function weakPin(pin: Uint8Array): WeakPin | null {
  if (pin.length < MIN_LENGTH) return 'too-short';
  if (FACTORY.some((one) => Buffer.from(one).equals(pin))) return 'factory';
  if (new Set(pin).size < MIN_DIFFERENT) return 'few-characters';
  return [1, -1].some((step) => isLadder(pin, step)) ? 'ladder' : null;
}

/** Each character follows the one before it; 0 follows 9. */
function isLadder(pin: Uint8Array, step: number): boolean {
  const place = (byte: number): number => (byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : byte);
  const isNumber = pin.every((byte) => byte >= 0x30 && byte <= 0x39);
  return pin.every((byte, at) => {
    const before = pin[at - 1];
    if (before === undefined) return true;
    return isNumber ? (place(before) + step + 10) % 10 === place(byte) : before + step === byte;
  });
}
