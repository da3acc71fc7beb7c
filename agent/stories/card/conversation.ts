// The person at the other end, as the stories see them. Frames and terminals are the socket's business.

import type { Pin } from '../../base/pin.ts';
import type { Happened, PeerCredentials } from '../../model/request.ts';

export interface Conversation {
  /**
   * Asks and returns what was typed, which the caller wipes; null when the person cancelled or is gone.
   * @param echo false for secrets
   */
  ask(text: string, echo: boolean): Promise<Pin | null>;
  /**
   * Shows a secret, once, or keeps it as the person wanted.
   * @param secret stays the caller's
   * @returns false: it has not come to them. Absent: there is no way to
   */
  show?(text: string, secret: Pin): Promise<boolean>;
  /** Shows one line; never fails. */
  tell(kind: 'information' | 'error', text: string): void;
  /**
   * Says that something is waited for, until the next thing that is asked or told.
   * @param plain the same where the person cannot say that they want to go on without it
   * @returns aborted when they do (Enter), or are gone. Absent: the relay has no such thing
   */
  hold?(text: string, plain: string): AbortSignal;
  /** The password that is being set, which the caller wipes; null where there is none. Absent: none is. */
  takeNewPassword?(): Promise<Pin | null>;
  /**
   * In the account phase: what the relay has noted of the authenticate phase. No person takes part in it. A relay that
   * breaks off or does not say counts as `no-verdict`. null, and absent: the relay is too old to note anything.
   */
  recall?(): Promise<Happened | null>;
  /** How wide the terminal is on which the program runs. null, and absent: there is none, or that is not known. */
  columns?(): Promise<number | null>;
  /** Aborted when the person is gone, so that nobody waits for them at the reader. Absent: that is never known. */
  readonly gone?: AbortSignal;
}

/** Who asks for a story, the person at the other end, and what the story needs. */
export interface Asked<Parts> {
  readonly peer: PeerCredentials;
  readonly person: Conversation;
  readonly parts: Parts;
}

/** `person`, with some of what they do done otherwise. */
export function personWith(
  person: Conversation,
  changes: Partial<Pick<Conversation, 'ask' | 'tell'>>,
): Conversation {
  const { gone } = person;
  return {
    ask: (text, echo) => person.ask(text, echo),
    tell: (kind, text) => {
      person.tell(kind, text);
    },
    ...(person.hold && { hold: person.hold.bind(person) }),
    ...(person.takeNewPassword && { takeNewPassword: person.takeNewPassword.bind(person) }),
    ...(person.recall && { recall: person.recall.bind(person) }),
    ...(person.columns && { columns: person.columns.bind(person) }),
    ...(gone && { gone }),
    ...changes,
  };
}
