// The officer's part of a card that a help desk can give a new PIN: written by sc_auth setup --escrow, read by answer-challenge.
// What is secret in it is sealed to the officer's card.

import { openSync } from 'node:fs';
import { hostname } from 'node:os';
import { answerChallenge as say } from '../../words/help-desk.ts';
import { CommandError } from '../exit-codes.ts';
import { closing, readAtMost } from '../../base/open-file.ts';

const VERSION = 1;
const MAX_BYTES = 8192;

export interface DeskFile {
  readonly host: string;
  readonly user: string;
  readonly hash: string;
  readonly recipient: string;
  readonly sealed: string;
  /** What the machine was called, for the person at the desk. */
  readonly machine: string;
}

/** @param part as scauthd gives it */
export function deskFileText(part: unknown): string {
  return `${JSON.stringify({ version: VERSION, machine: hostname(), ...(part as object) }, null, 2)}\n`;
}

const NAMES = ['host', 'user', 'hash', 'recipient', 'sealed', 'machine'] as const;

/** @throws CommandError `usage` */
export function readDeskFile(path: string): DeskFile {
  try {
    const text = closing(openSync(path, 'r'), (fd) => readAtMost(fd, MAX_BYTES)?.toString() ?? '');
    const parsed = JSON.parse(text) as Record<string, unknown>;
    const fits = parsed['version'] === VERSION && NAMES.every((name) => typeof parsed[name] === 'string');
    if (!fits) throw new Error('a member is missing, or none of ours');
    return parsed as unknown as DeskFile;
  } catch (cause) {
    throw new CommandError('usage', say.unreadable(path), cause);
  }
}
