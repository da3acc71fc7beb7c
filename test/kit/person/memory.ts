// Looks for secrets in another process, from outside, as root can: every readable mapping of /proc/PID/mem.
// It stops nothing and changes nothing. proc_pid_maps(5), proc_pid_mem(5).
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

export interface Finding {
  /** The mapping's line in /proc/PID/maps. */
  readonly mapping: string;
  readonly address: bigint;
  readonly encoding: 'bytes' | 'utf16';
  /** What stands around it, with dots for what does not print. */
  readonly around: string;
}

const CHUNK_BYTES = 4 * 1024 * 1024;
const AROUND_BYTES = 48;

function needles(secret: string): readonly (readonly [Finding['encoding'], Buffer])[] {
  return [
    ['bytes', Buffer.from(secret, 'utf8')],
    ['utf16', Buffer.from(secret, 'utf16le')],
  ];
}

function printableBytes(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^ -~]/g, '.');
}

/**
 * Every place where `secret` (UTF-8 or UTF-16) is in the process. A padded PIN block and an APDU hold the PIN's bytes too.
 * @param pid as this machine counts it
 */
export function findInMemory(pid: number, secret: string): Finding[] {
  const found: Finding[] = [];
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const buffer = Buffer.alloc(CHUNK_BYTES);
  try {
    for (const mapping of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const [range = '', mode = ''] = mapping.split(' ');
      if (!mode.startsWith('r') || mapping.includes('[vvar')) continue;
      const [start = 0n, end = 0n] = range.split('-').map((hex) => BigInt(`0x${hex}`));
      // Chunks overlap, so that nothing is missed at their edges.
      for (let at = start; at < end; at += BigInt(CHUNK_BYTES - 1024)) {
        const wanted = Math.min(CHUNK_BYTES, Number(end - at));
        let length: number;
        try {
          length = readSync(memory, buffer, 0, wanted, at);
        } catch {
          break; // a mapping without pages behind it
        }
        const chunk = buffer.subarray(0, length);
        for (const [encoding, needle] of needles(secret)) {
          for (let index = chunk.indexOf(needle); index !== -1; index = chunk.indexOf(needle, index + 1)) {
            const context = chunk.subarray(Math.max(0, index - AROUND_BYTES), index + AROUND_BYTES);
            found.push({ mapping, address: at + BigInt(index), encoding, around: printableBytes(context) });
          }
        }
      }
    }
  } finally {
    closeSync(memory);
    buffer.fill(0);
  }
  return found;
}
