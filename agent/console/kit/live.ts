// Whether scauthd is there, and who we are to it: one Monitor call for the page, begun anew when it ends. What has changed is
// told to the view that is shown, which asks for what it shows; Monitor's own reply says only that something did.

import type { Reply } from '../../protocol/io-scauth.ts';
import { CallFailure, follow } from './agent.ts';

const AGAIN_MS = 1000;
/** Where scauthd has no place for one more that listens, the page looks by itself. */
const LOOK_MS = 5000;

export interface Standing {
  /** `old`: it is there, and does not know Monitor. */
  readonly state: 'asking' | 'there' | 'gone' | 'old';
  /** The account that scauthd takes us for; root is an administrator. null: not known yet. */
  readonly user: string | null;
}

type Told = (standing: Standing) => void;

let standing: Standing = { state: 'asking', user: null };
const told = new Set<Told>();

export function now(): Standing {
  return standing;
}

export function isAdministrator(): boolean {
  return standing.user === 'root';
}

/** The login name of the person at the browser, for the record; null: scauthd says root. */
export async function byName(): Promise<string | null> {
  if (!isAdministrator()) return null;
  try {
    return (await cockpit.user()).name;
  } catch {
    return null;
  }
}

/** Tells of each change: of cards, of pairings, of the policy, and of scauthd itself. @returns what ends it */
export function onChange(tell: Told): () => void {
  told.add(tell);
  return () => {
    told.delete(tell);
  };
}

function become(next: Standing): void {
  standing = next;
  for (const tell of told) tell(standing);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Does not end. */
export async function live(): Promise<never> {
  for (;;) {
    let wait = AGAIN_MS;
    try {
      await follow('Monitor', {}, ({ user }: Reply<'Monitor'>) => {
        become({ state: 'there', user });
      }).ended;
    } catch (error) {
      if (error instanceof CallFailure && error.code === 'not-allowed') {
        wait = LOOK_MS;
        become({ state: 'there', user: standing.user });
      } else if (error instanceof CallFailure && error.code === 'unknown-method') {
        wait = LOOK_MS;
        become({ state: 'old', user: standing.user });
      } else become({ state: 'gone', user: standing.user });
    }
    await pause(wait);
  }
}
