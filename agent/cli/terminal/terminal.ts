// The person's terminal, /dev/tty: questions are shown there and answers typed there, with echo off from the
// first moment until close(), also between two questions: nothing typed too early is shown, and nothing typed
// before its question is used. Put back on each path: answer, Ctrl-C, SIGTERM, exit. termios(3), tty(4).

import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { SecretBuffer } from '../../base/secret.ts';
import type { AnswerSource, Question } from './answer-source.ts';
import { CardWait } from '../card/card-wait.ts';
import { answer as say } from '../../words/sc-auth.ts';
import { CommandError } from '../exit-codes.ts';
import { LineEditor } from './line-editor.ts';
import { printableLines } from './output.ts';

/**
 * What the answer to a question that asks for no secret can be. Anything else may be a password or PIN that was meant for
 * another question, so it is not shown.
 */
const SHOWN = /^(y|yes|n|no|all|open|closed|\d{1,2})$/i;

const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

interface Asking {
  readonly echo: boolean;
  readonly editor: LineEditor;
  readonly settle: (outcome: SecretBuffer | CommandError | null) => void;
}

/** Reads away what waits in the terminal's queue: tcflush(3), which Node has not. */
function dropTypedAhead(): void {
  const dropped = Buffer.alloc(256);
  let fd: number | null = null;
  try {
    fd = openSync('/dev/tty', constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
    while (readSync(fd, dropped) > 0) dropped.fill(0);
  } catch {
    // EAGAIN: the queue is empty. EIO: the terminal is gone.
  } finally {
    dropped.fill(0);
    if (fd !== null) closeSync(fd);
  }
}

export class Terminal implements AnswerSource {
  readonly #cancel = new AbortController();
  readonly cancelled = this.#cancel.signal;
  readonly #fd: number;
  readonly #keyboard: ReadStream;
  readonly #wait = new CardWait();
  #asking: Asking | null = null;
  #closed = false;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#keyboard = new ReadStream(openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY));
    process.once('exit', this.#restore);
    process.on('SIGINT', this.#interrupt);
    for (const signal of SIGNALS) process.once(signal, this.#end);
    this.#keyboard.on('data', (typed) => {
      this.#take(typed);
    });
    const gone = () => {
      this.#interrupt();
    };
    this.#keyboard.on('error', gone).on('end', gone);
    this.#keyboard.setRawMode(true);
  }

  /** @throws CommandError `usage` when this process has no terminal */
  static open(): Terminal {
    let fd: number;
    try {
      fd = openSync('/dev/tty', constants.O_WRONLY | constants.O_NOCTTY);
    } catch (cause) {
      throw new CommandError('usage', say.noTerminal, cause);
    }
    return new Terminal(fd);
  }

  async ask(question: Question, abandoned: AbortSignal): Promise<SecretBuffer | null> {
    if (this.#closed || abandoned.aborted || this.cancelled.aborted) return null;
    dropTypedAhead();
    this.#write(question.text);
    const editor = new LineEditor();
    const abandon = () => {
      this.#asking?.settle(null);
    };
    try {
      const outcome = await new Promise<SecretBuffer | CommandError | null>((settle) => {
        this.#asking = { echo: question.echo, editor, settle };
        abandoned.addEventListener('abort', abandon, { once: true });
      });
      if (outcome instanceof CommandError) throw outcome;
      return outcome;
    } finally {
      this.#asking = null;
      abandoned.removeEventListener('abort', abandon);
      editor.release();
      this.#write('\n');
    }
  }

  tell(text: string): void {
    this.#write(`${printableLines(text)}\n`);
  }

  show(text: string, secret: Uint8Array): boolean {
    if (this.#closed) return false;
    this.#write(printableLines(text));
    this.#write(secret);
    this.#write('\n');
    return true;
  }

  waiting(is: boolean): void {
    if (is && !this.#closed) this.#wait.start();
    else this.#wait.stop();
  }

  #take(typed: Buffer): void {
    // Bytes behind the Enter of this question were typed before the next one: dropped, not used for it.
    for (const byte of typed) this.#key(byte);
    typed.fill(0);
  }

  #key(byte: number): void {
    const asking = this.#asking;
    if (asking === null) {
      if (byte === 0x03 || byte === 0x1c) this.#interrupt();
      return;
    }
    const key = asking.editor.feed(byte);
    switch (key) {
      case 'none':
        return;
      case 'enter': {
        const line = asking.editor.take();
        if (asking.echo && SHOWN.test(line.bytes.toString('latin1'))) this.#write(line.bytes);
        this.#answer(line);
        return;
      }
      case 'cancel':
        this.#answer(null);
        return;
      case 'too-long':
        this.#answer(new CommandError('usage', say.tooLong));
    }
  }

  #answer(outcome: SecretBuffer | CommandError | null): void {
    const asking = this.#asking;
    this.#asking = null;
    asking?.settle(outcome);
  }

  #write(text: string | Uint8Array): void {
    if (this.#closed) return;
    try {
      writeSync(this.#fd, typeof text === 'string' ? Buffer.from(text) : text);
    } catch {
      // The terminal is gone; its keyboard says so too.
    }
  }

  readonly #interrupt = (): void => {
    if (this.#asking === null) this.#cancel.abort();
    else this.#answer(null);
  };

  readonly #restore = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#wait.close();
    this.#asking?.editor.release();
    dropTypedAhead();
    this.#keyboard.setRawMode(false);
  };

  /** Puts the terminal back and lets the signal do what it does. */
  readonly #end = (signal: NodeJS.Signals): void => {
    this.close();
    process.kill(process.pid, signal);
  };

  close(): void {
    if (this.#closed) return;
    this.#restore();
    process.off('exit', this.#restore);
    process.off('SIGINT', this.#interrupt);
    for (const signal of SIGNALS) process.off(signal, this.#end);
    this.#keyboard.destroy();
    closeSync(this.#fd);
  }
}
