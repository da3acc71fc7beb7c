// Every parser of the agent that reads what others have written.

import type { Target } from '../engine.ts';
import { book } from './book.ts';
import { card } from './card.ts';
import { certificates, closePki } from './certificates.ts';
import { directory } from './directory.ts';
import { removeSettings, text } from './text.ts';
import { wire } from './wire.ts';

export const allTargets: readonly Target[] = [
  ...wire,
  ...card,
  ...certificates,
  ...text,
  ...book,
  ...directory,
];

/** Files that the targets keep. */
export async function closeTargets(): Promise<void> {
  await closePki();
  removeSettings();
}
