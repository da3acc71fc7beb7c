// The state of the seal as bytes (`audit.jsonl.seal`) and the names of the files beside a log. scauthd writes it;
// `sc_auth audit verify` holds the end of the log against it. Pure; when it is written is agent/audit/seal-file.ts.

import { createHash } from 'node:crypto';
import type { ChainPosition } from './sealed-line.ts';

/** The chain and the time of its last record (milliseconds since the epoch, 0 before the first). */
export interface SealState extends ChainPosition {
  readonly lastMs: number;
}

const MAGIC = Buffer.from('SCSEAL1\0');
/** magic 8, sequence 8, key 32, previous seal 32, last time 8, checksum 16 */
export const SLOT_BYTES = 104;
/** Two sectors that are never written together. */
export const SLOTS = [0, 4096] as const;
function checksum(slot: Buffer): Buffer {
  return createHash('sha256')
    .update(slot.subarray(0, SLOT_BYTES - 16))
    .digest()
    .subarray(0, 16);
}

export function encodeSlot(state: SealState): Buffer {
  const slot = Buffer.alloc(SLOT_BYTES);
  MAGIC.copy(slot);
  slot.writeBigUInt64BE(BigInt(state.sequence), 8);
  state.key.copy(slot, 16);
  Buffer.from(state.prev, 'base64url').copy(slot, 48);
  slot.writeBigUInt64BE(BigInt(state.lastMs), 80);
  checksum(slot).copy(slot, 88);
  return slot;
}

function decodeSlot(slot: Buffer): SealState | null {
  if (slot.length !== SLOT_BYTES || !slot.subarray(0, 8).equals(MAGIC)) return null;
  if (!checksum(slot).equals(slot.subarray(88))) return null;
  return {
    sequence: Number(slot.readBigUInt64BE(8)),
    key: Buffer.from(slot.subarray(16, 48)),
    prev: slot.subarray(48, 80).toString('base64url'),
    lastMs: Number(slot.readBigUInt64BE(80)),
  };
}

/** The newer of the slots that are whole; null when none is. `bytes` is the content of the file. */
export function decodeSealFile(bytes: Buffer): SealState | null {
  const states = SLOTS.map((at) => decodeSlot(bytes.subarray(at, at + SLOT_BYTES)));
  const [first = null, second = null] = states;
  if (first === null || second === null) return first ?? second;
  return first.sequence >= second.sequence ? first : second;
}

export function sealPath(logPath: string): string {
  return `${logPath}.seal`;
}

export function keyPath(logPath: string): string {
  return `${logPath}.key`;
}
