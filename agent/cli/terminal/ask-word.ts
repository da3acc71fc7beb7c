// A question that a word answers: which card, yes or no. Until what is typed is an answer it may be anything, a password
// too; so it is not shown (terminal.ts), and said again nowhere.

import type { CommandContext } from '../context.ts';
import { openAnswers } from './answers.ts';

/**
 * @param read what an answer means; undefined: it is none, and the question comes again behind `again`
 * @returns null: cancelled, or what `read` made of it
 */
export async function askWord<T>(
  context: CommandContext,
  text: string,
  again: string,
  read: (answer: string) => T | null | undefined,
): Promise<T | null> {
  const answers = await openAnswers(context);
  try {
    for (;;) {
      const typed = await answers.ask({ text, echo: true }, new AbortController().signal);
      if (typed === null) return null;
      const meant = read(typed.bytes.toString('latin1').trim().toLowerCase());
      typed.release();
      if (meant !== undefined) return meant;
      answers.tell(again);
    }
  } finally {
    answers.close();
  }
}

/** The one that a number from 1 on names; undefined: none. */
export function numbered<T>(answer: string, choices: readonly T[]): T | undefined {
  return /^\d{1,4}$/.test(answer) ? choices[Number(answer) - 1] : undefined;
}
