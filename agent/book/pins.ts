// Whom root has told this machine to believe, from [fleet]: keys by their hashes, and files of officers' lines.

import { createHash } from 'node:crypto';
import { describeError } from '../base/errors.ts';
import { readTrustedFile } from '../base/trusted-file.ts';
import { keyNames } from '../model/book/book-body.ts';
import { parseBookLine } from '../model/book/book.ts';
import { hasFleet } from '../../policy/permit-book.ts';
import type { Policy } from '../../policy/policy.ts';

const MAX_FILE_BYTES = 1024 * 1024;

export interface Pins {
  readonly realm: string;
  /** SHA-256 of the officers' keys. */
  readonly officers: ReadonlySet<string>;
  readonly headKeys: ReadonlySet<string>;
  readonly threshold: number;
  /** Lines of the files, to be judged as those of the book. */
  readonly lines: readonly string[];
  /** Stands for all of it. */
  readonly name: string;
}

/** @returns null: this machine takes no book. A file that cannot be read names nobody, and is said in the log. */
export function readPins(policy: Policy, log: (line: string) => void): Pins | null {
  if (!hasFleet(policy)) return null;
  const { realm, officers, headKeys, threshold } = policy.fleet;
  const keys = new Set<string>();
  const lines: string[] = [];
  for (const one of officers) {
    if (!one.startsWith('/')) {
      keys.add(one);
      continue;
    }
    try {
      const content = readTrustedFile(one, MAX_FILE_BYTES);
      if (content === null) throw new Error(`${one} is not there`);
      for (const text of content.toString('latin1').split('\n')) {
        const line = parseBookLine(text);
        const [first] = line?.signatures ?? [];
        if (line?.kind !== 'officer' || first === undefined) continue;
        lines.push(text);
        // Who signs their own line alone: that it is their own is seen when it is judged.
        if (line.signatures.length === 1) keys.add(keyNames(first.spki).sha256);
      }
    } catch (error) {
      log(`fleet: ${one} names no officer: ${describeError(error)}`);
    }
  }
  const said = JSON.stringify([realm, [...keys].sort(), headKeys, threshold]);
  const name = createHash('sha256').update(said).digest('hex');
  return { realm, officers: keys, headKeys: new Set(headKeys), threshold, lines, name };
}
