// Whom root has told this machine to believe, from [fleet]: keys by their hashes, and files of officers' lines.

import { createHash } from 'node:crypto';
import { describeError } from '../base/errors.ts';
import { readTrustedFile } from '../base/trusted-file.ts';
import { parseBookLine } from '../model/book/book.ts';
import { hasFleet } from '../../policy/permit-book.ts';
import type { Policy } from '../../policy/policy.ts';

const MAX_FILE_BYTES = 1024 * 1024;

export interface Pins {
  readonly realm: string;
  /** SHA-256 of the keys of officers who say themselves for whom, where and how long they sign. */
  readonly officers: ReadonlySet<string>;
  readonly headKeys: ReadonlySet<string>;
  readonly threshold: number;
  /** Of the files of officers' lines: each counts as it stands there, or as others sign it anew. */
  readonly lines: ReadonlySet<string>;
  /** Stands for all of it. */
  readonly name: string;
}

/** @returns null: this machine takes no book. A file that cannot be read names nobody, and is said in the log. */
export function readPins(policy: Policy, log: (line: string) => void): Pins | null {
  if (!hasFleet(policy)) return null;
  const { realm, officers, headKeys, threshold } = policy.fleet;
  const keys = new Set<string>();
  const lines = new Set<string>();
  for (const one of officers) {
    if (!one.startsWith('/')) {
      keys.add(one);
      continue;
    }
    try {
      const content = readTrustedFile(one, MAX_FILE_BYTES);
      if (content === null) throw new Error(`${one} is not there`);
      for (const text of content.toString('latin1').split('\n')) {
        if (parseBookLine(text)?.kind === 'officer') lines.add(text);
      }
    } catch (error) {
      log(`fleet: ${one} names no officer: ${describeError(error)}`);
    }
  }
  const said = JSON.stringify([realm, [...keys].sort(), headKeys, threshold, [...lines].sort()]);
  const name = createHash('sha256').update(said).digest('hex');
  return { realm, officers: keys, headKeys: new Set(headKeys), threshold, lines, name };
}
