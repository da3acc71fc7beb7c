// A place that answers come from, as a conversation sees it. The terminal is one (terminal.ts), lines are another
// (answers.ts). A secret stays in a SecretBuffer; whoever gets one releases it.

import type { SecretBuffer } from '../../base/secret.ts';

export interface Question {
  /** Safe to print. */
  readonly text: string;
  /** Whether the answer is no secret. It is shown once it is one that such questions have, never as it is typed. */
  readonly echo: boolean;
}

export interface AnswerSource {
  /** Aborts when the person cancels while nothing is being asked. */
  readonly cancelled: AbortSignal;
  /**
   * One answer, at most 512 bytes, without its line end.
   * @param abandoned ends the wait: nobody wants the answer any more
   * @returns null when the person cancelled, the input ended, or the question was abandoned
   * @throws CommandError `usage` for a longer answer
   */
  ask(question: Question, abandoned: AbortSignal): Promise<SecretBuffer | null>;
  /** Shows a remark of scauthd without disturbing what is being typed. */
  tell(text: string): void;
  /** Shows a secret behind `text`, once; it stays the caller's. @returns whether it was shown */
  show(text: string, secret: Uint8Array): boolean;
  /** Whether the person waits for the card now: a terminal may show it. */
  waiting(is: boolean): void;
  /** Puts the terminal back. Safe to call twice. */
  close(): void;
}
