// Where the answers to scauthd's questions come from: the terminal, standard input, or a descriptor that was
// named. A secret stays in a SecretBuffer; whoever gets one releases it.

import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { SecretBuffer } from '../../base/secret.ts';
import { usage } from '../../words/sc-auth.ts';
import type { AnswerSource, Question } from './answer-source.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { LineReader } from './line-reader.ts';
import { printableLines } from './output.ts';

/** Whether there is a person to ask: standard input is a terminal. */
export function isInteractive(context: CommandContext): boolean {
  return isatty(context.stdinFd);
}

/** Descriptors and bytes that take the place of the terminal; what is null is asked for there. */
export interface Sources {
  readonly pinFd?: number | null;
  readonly passwordFd?: number | null;
  /** Keeps a secret that scauthd shows, in the place of the terminal. @throws CommandError where it cannot */
  readonly keep?: (secret: Uint8Array) => Promise<void>;
  /** Given on the command line: answers the first question, whatever it is, and no other. */
  readonly pin?: SecretBuffer | null;
}

/** A question for the card's PIN names it, before any quoted label: `Enter PIN for '…': `. */
function asksForPin(text: string): boolean {
  return /^[^'"‘“]*\bPIN\b/.test(text);
}

class LineAnswers implements AnswerSource {
  readonly cancelled = new AbortController().signal;
  readonly #context: CommandContext;
  readonly #sources: Sources;
  readonly #readers = new Map<number, LineReader>();
  #argument: SecretBuffer | null;
  readonly #fallback: () => AnswerSource | null;
  #terminal: AnswerSource | null = null;

  constructor(context: CommandContext, sources: Sources, terminal: () => AnswerSource | null) {
    this.#context = context;
    this.#sources = sources;
    this.#argument = sources.pin ?? null;
    this.#fallback = terminal;
  }

  async ask(question: Question, abandoned: AbortSignal): Promise<SecretBuffer | null> {
    const { pinFd = null, passwordFd = null, pin = null } = this.#sources;
    const hasSources = (pinFd ?? passwordFd ?? pin) !== null;
    // What may be seen is no secret: "really use the last try?" is for the person, not for a descriptor.
    if (question.echo && hasSources) {
      this.#terminal ??= this.#fallback();
      return this.#terminal === null ? new SecretBuffer(0) : await this.#terminal.ask(question, abandoned);
    }
    if (pin !== null) {
      // The PIN of the command line is for one try: asking again would only burn the others.
      const given = this.#argument;
      this.#argument = null;
      return given;
    }
    const named = asksForPin(question.text) ? pinFd : passwordFd;
    if (named !== null) return await this.#reader(named).line(abandoned);
    this.#terminal ??= this.#fallback();
    if (this.#terminal !== null) return await this.#terminal.ask(question, abandoned);
    return await this.#reader(this.#context.stdinFd).line(abandoned);
  }

  #reader(fd: number): LineReader {
    const reader = this.#readers.get(fd) ?? new LineReader(fd);
    this.#readers.set(fd, reader);
    return reader;
  }

  tell(text: string): void {
    this.#context.output.note(text);
  }

  /** Without a terminal on standard error, where remarks go. */
  show(text: string, secret: Uint8Array): boolean {
    this.#terminal ??= this.#fallback();
    if (this.#terminal !== null) return this.#terminal.show(text, secret);
    const { writeErr, writeSecret } = this.#context;
    if (writeSecret === undefined) return false;
    writeErr(printableLines(text));
    writeSecret(secret);
    writeErr('\n');
    return true;
  }

  waiting(is: boolean): void {
    this.#terminal?.waiting(is);
  }

  close(): void {
    this.#argument?.release();
    this.#argument = null;
    this.#terminal?.close();
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
  }
}

function checkDescriptor(fd: number | null | undefined): void {
  if (fd === null || fd === undefined) return;
  try {
    fstatSync(fd);
  } catch (cause) {
    throw new CommandError('usage', usage.notOpen(fd), cause);
  }
}

/**
 * Chooses the source: named descriptors first, then the terminal when standard input is one, else lines of
 * standard input. A terminal takes the keyboard at once, so that nothing typed ahead is shown or used.
 * @throws CommandError `usage` when a named descriptor is not open
 */
export async function openAnswers(context: CommandContext, sources: Sources = {}): Promise<AnswerSource> {
  checkDescriptor(sources.pinFd);
  checkDescriptor(sources.passwordFd);
  const named = (sources.pinFd ?? sources.passwordFd ?? sources.pin ?? null) !== null;
  if (!isInteractive(context)) return new LineAnswers(context, sources, () => null);
  const { Terminal } = await import('./terminal.ts');
  if (!named) return Terminal.open();
  return new LineAnswers(context, sources, () => Terminal.open());
}
