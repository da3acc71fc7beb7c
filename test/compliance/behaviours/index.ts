// All behaviours, in the order of the table.
import { hostile } from './hostile.ts';
import { login } from './login.ts';
import { nobody } from './nobody.ts';
import { pin } from './pin.ts';
import { proof } from './proof.ts';
import { terminal } from './terminal.ts';
import type { Behaviour } from '../behaviour.ts';

export const CHAPTERS: readonly (readonly [title: string, behaviours: readonly Behaviour[]])[] = [
  ['With the card', login],
  ['The PIN', pin],
  ['What the card must prove', proof],
  ['sudo, and what lies around', terminal],
  ['Cards that answer wrong', hostile],
  ['Nothing to log in with', nobody],
];
