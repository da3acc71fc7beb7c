// Lines of a pairing book as a carrier sees them. Nobody signed them: carriers do not look.

import { createHash } from 'node:crypto';

/** Lower-case, as records are named. */
export function keyHash(of: string | number): string {
  return createHash('sha1').update(String(of)).digest('hex');
}

export function record(key: string, rest = 'signed'): string {
  return `scauth-book 1 record ${key} ${rest}`;
}

export function head(epoch: number, rest = 'signed'): string {
  return `scauth-book 1 head ${epoch} ${rest}`;
}

export function officer(name: string, rest = 'signed'): string {
  return `scauth-book 1 officer ${keyHash(`officer ${name}`)} ${rest}`;
}
