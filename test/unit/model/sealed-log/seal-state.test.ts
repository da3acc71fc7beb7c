// The state of the seal off its bytes: a slot that is torn, empty or of another format is none, and the other one counts.

import { createHash } from 'node:crypto';
import test from 'ava';
import {
  decodeSealFile,
  encodeSlot,
  SLOT_BYTES,
  SLOTS,
} from '../../../../agent/model/sealed-log/seal-state.ts';
import { parseVerificationKey } from '../../../../agent/model/sealed-log/sealed-line.ts';

const state = (sequence: number) => ({
  sequence,
  key: Buffer.alloc(32, sequence),
  prev: Buffer.alloc(32, 7).toString('base64url'),
  lastMs: 1_768_000_000_000 + sequence,
});

function file(...slots: readonly (Buffer | null)[]): Buffer {
  const bytes = Buffer.alloc(SLOTS[1] + SLOT_BYTES);
  slots.forEach((slot, at) => slot?.copy(bytes, SLOTS[at]));
  return bytes;
}

/** The same content under another name, with a checksum that is right. */
function renamed(slot: Buffer): Buffer {
  const other = Buffer.from(slot);
  other.write('SCSEAL2\0', 'latin1');
  createHash('sha256')
    .update(other.subarray(0, SLOT_BYTES - 16))
    .digest()
    .copy(other, SLOT_BYTES - 16, 0, 16);
  return other;
}

test('L26: the newer slot that is whole counts', (t) => {
  const [old, young] = [encodeSlot(state(4)), encodeSlot(state(5))];
  t.deepEqual(decodeSealFile(file(old, young)), state(5));
  t.deepEqual(decodeSealFile(file(young, old)), state(5));
  t.deepEqual(decodeSealFile(file(old, null)), state(4));
  t.deepEqual(decodeSealFile(file(null, old)), state(4));
  for (let at = 0; at < SLOT_BYTES; at += 1) {
    const torn = Buffer.from(young);
    torn[at] = (torn[at] ?? 0) ^ 1;
    t.deepEqual(decodeSealFile(file(old, torn)), state(4), `byte ${at}`);
    t.is(decodeSealFile(young.subarray(0, at)), null, `cut at ${at}`);
  }
});

test('L26: a slot of another format is none, also with a good checksum', (t) => {
  t.deepEqual(decodeSealFile(file(encodeSlot(state(4)), renamed(encodeSlot(state(5))))), state(4));
  t.is(decodeSealFile(Buffer.alloc(0)), null);
});

test('a verification key has one form', (t) => {
  const text = Buffer.alloc(32, 251).toString('base64url');
  t.deepEqual(parseVerificationKey(` ${text}\n`), Buffer.alloc(32, 251));
  for (const other of [
    '',
    text.slice(1),
    `${text}=`,
    `${text.slice(0, 20)} ${text.slice(20)}`,
    Buffer.alloc(32, 251).toString('base64'),
    text.replace('-', '+'),
  ])
    t.is(parseVerificationKey(other), null, other);
});
