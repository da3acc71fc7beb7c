// What a failed call to a card means: a card that is just being pulled first shows as a fault of it (SCARD_E_NOT_TRANSACTED,
// SCARD_W_UNRESPONSIVE_CARD), in each call, until pcscd has noticed. Specification: SCardGetStatusChange in winscard.h.
// Why: DECISIONS.md D254.

import { AgentError } from '../base/errors.ts';
import * as C from './constants.ts';
import { withDeadline } from './deadline.ts';
import { pcscError } from './errors.ts';
import type { WinscardLibrary } from './library.ts';

/** How long pcscd may take to notice a card that was pulled: it asks readers every 400 ms. */
const REMOVAL_NOTICE_MS = 1000;
const GONE = C.SCARD_STATE_EMPTY | C.SCARD_STATE_UNKNOWN | C.SCARD_STATE_UNAVAILABLE;

export interface Place {
  readonly library: WinscardLibrary;
  readonly context: number;
  readonly reader: string;
  /** Whether the card that is meant has gone, as far as the watcher knows: another one may be in by now. */
  isOver(): boolean;
}

/** @returns `no-card` in the place of a fault where the card has gone, or another one is in its place */
export async function failureAt(place: Place, call: string, rv: number): Promise<AgentError> {
  const error = pcscError(call, rv);
  if (error.code !== 'card-fault' || !(await isRemoved(place))) return error;
  return new AgentError('no-card', { detail: error.detail, cause: error });
}

async function isRemoved(place: Place): Promise<boolean> {
  const { library, context, reader } = place;
  const endMs = performance.now() + REMOVAL_NOTICE_MS;
  let currentState: number = C.SCARD_STATE_PRESENT;
  // Other changes come first: a card that could not be powered up is mute before it is gone.
  for (
    let leftMs = REMOVAL_NOTICE_MS;
    leftMs > 0 && !place.isOver();
    leftMs = Math.floor(endMs - performance.now())
  ) {
    const look = library.getStatusChange(context, leftMs, [{ name: reader, currentState }]);
    const outcome = await withDeadline(
      look.catch(() => null),
      2 * REMOVAL_NOTICE_MS,
    );
    const event = outcome.late ? undefined : outcome.value?.events[0];
    if (event === undefined) break;
    if ((event.eventState & GONE) !== 0) return true;
    if ((event.eventState & C.SCARD_STATE_CHANGED) === 0) break;
    currentState = (event.eventState & ~C.SCARD_STATE_CHANGED) >>> 0;
  }
  return place.isOver();
}
