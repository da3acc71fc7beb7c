// What a person sees on a terminal while a card works: a spinner, once the wait can be felt. It is gone without a
// trace before anything else is written. Frames are ASCII: the Linux console has no others.

import { closeSync, constants, openSync } from 'node:fs';
import { WriteStream } from 'node:tty';
import type { Spinner } from 'yocto-spinner';
import { answer } from '../../words/sc-auth.ts';
import type { Surroundings } from '../context.ts';

/** Shorter waits show nothing. */
const FELT_MS = 300;
const FRAMES = ['-', '\\', '|', '/'];

export class CardWait {
  #timer: NodeJS.Timeout | null = null;
  #stream: WriteStream | null = null;
  #spinner: Spinner | null = null;
  #closed = false;

  /** Shows the spinner after a while, unless stop() comes first. */
  start(): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = setTimeout(() => void this.#show(), FELT_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#spinner?.stop();
    this.#spinner = null;
  }

  /** Stops for good. Safe to call twice. */
  close(): void {
    this.stop();
    this.#closed = true;
    this.#stream?.destroy();
    this.#stream = null;
  }

  async #show(): Promise<void> {
    const timer = this.#timer;
    const { default: yoctoSpinner } = await import('yocto-spinner');
    // Stopped while the module was loaded.
    if (this.#timer !== timer || timer === null) return;
    const stream = (this.#stream ??= openTerminal());
    // Where the terminal cannot move its cursor the library would write a line each time.
    if (stream === null || process.env['TERM'] === 'dumb' || 'CI' in process.env) return;
    // Signals are the terminal's affair (terminal.ts): it closes this first.
    const spinner = { frames: FRAMES, interval: 100 };
    this.#spinner = yoctoSpinner({ text: answer.moment, stream, spinner, handleSignals: false });
    this.#spinner.start();
  }
}

/** Runs what may have to wait for a card; a person who looks sees that it does. */
export async function whileCardWorks<T>(context: Surroundings, act: () => Promise<T>): Promise<T> {
  if (context.errIsTerminal !== true) return act();
  const wait = new CardWait();
  wait.start();
  try {
    return await act();
  } finally {
    wait.close();
  }
}

function openTerminal(): WriteStream | null {
  let fd: number | null = null;
  try {
    fd = openSync('/dev/tty', constants.O_WRONLY | constants.O_NOCTTY);
    const stream = new WriteStream(fd);
    // The terminal is gone; its keyboard says so too.
    stream.on('error', () => undefined);
    return stream;
  } catch {
    if (fd !== null) closeSync(fd);
    return null;
  }
}
