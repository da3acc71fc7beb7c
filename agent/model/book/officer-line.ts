// The one rule by which a line makes somebody an officer, or a key one for heads: on a machine, and for `sc_auth book verify`.
// Why: DECISIONS.md D341, D360.

import type { BookOfficer } from './book-state.ts';

export interface OfficerLineFacts {
  readonly role: BookOfficer['role'];
  /** Of the key that the line names. */
  readonly sha256: string;
  /** Whose signatures on it are good. */
  readonly signers: ReadonlySet<string>;
  /** The line stands in root's file as it is, or root has pinned the key. */
  readonly isRoots: boolean;
  readonly mayName: (sha256: string) => boolean;
  readonly threshold: number;
}

/** By whose word an officer, or a head key, is one: their own where root has pinned it, or that of enough others. */
export function officerLineCounts(facts: OfficerLineFacts): 'own' | 'others' | null {
  const { role, sha256, signers, isRoots, mayName, threshold } = facts;
  // A card that says more of itself than root has written down is in the wrong hands.
  if (role === 'officer' && isRoots && signers.has(sha256)) return 'own';
  const others = [...signers].filter((signer) => signer !== sha256 && mayName(signer));
  return others.length >= threshold ? 'others' : null;
}
