// What happens at the readers, as the watcher tells it. Tests put fakes in its place.

import type { AgentError } from '../base/errors.ts';
import type { CardSlot } from './channel.ts';

export type CardEvent =
  | { readonly kind: 'card-in'; readonly slot: CardSlot }
  /** The reader holds something that does not answer to a reset: no card, put in the wrong way, or broken. */
  | { readonly kind: 'card-mute'; readonly reader: string }
  /** `removed` false: pcscd is gone, and the card may be in still. */
  | { readonly kind: 'card-out'; readonly reader: string; readonly removed: boolean }
  | { readonly kind: 'service'; readonly up: true }
  /** `error` is `no-service` or `not-authorised`. */
  | { readonly kind: 'service'; readonly up: false; readonly error: AgentError };

export interface CardEventSource {
  /** @returns the end of the subscription */
  subscribe(listener: (event: CardEvent) => void): () => void;
  /**
   * Tries at once where pcscd could not be reached; settles, and never rejects, when the state of all readers (or
   * that there is no service) has been told to the listeners.
   */
  poke(): Promise<void>;
}
