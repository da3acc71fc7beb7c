// One sentence about card login by PAM, and how to see whether it is so of a program (DECISIONS.md, D262).
import type { World } from './world.ts';

export interface Behaviour {
  /** Stable, for tables and --only. */
  readonly id: string;
  readonly says: string;
  /** A failure that the public knows of: a CVE, or project#issue; or the row of our own that it is. */
  readonly of?: string;
  /** Where a card that the program takes is wanted; else every program can be looked at. */
  readonly needsCard: boolean;
  /** Resolves to whether it is so; rejects with Hangs or Crashed, or with an Error where the suite itself failed. */
  readonly holds: (world: World) => Promise<boolean>;
}

type Rest = Omit<Behaviour, 'id' | 'says' | 'holds' | 'needsCard'>;

export function withCard(id: string, says: string, holds: Behaviour['holds'], rest: Rest = {}): Behaviour {
  return { id, says, holds, needsCard: true, ...rest };
}

export function ofAny(id: string, says: string, holds: Behaviour['holds'], rest: Rest = {}): Behaviour {
  return { id, says, holds, needsCard: false, ...rest };
}
