// A real terminal (pseudo-terminal, pty(7)) with a program on it: what a person sees and types.
// It draws nothing: `screen` is the bytes as the program wrote them, control sequences included.
// Node has no openpt of its own: libc's four calls come by koffi.
import type { ChildProcess } from 'node:child_process';
import { chownSync, closeSync, constants, openSync } from 'node:fs';
import { constants as os } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import { ReadStream } from 'node:tty';
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const posixOpenpt = libc.func('int posix_openpt(int flags)') as (flags: number) => number;
const grantpt = libc.func('int grantpt(int fd)') as (fd: number) => number;
const unlockpt = libc.func('int unlockpt(int fd)') as (fd: number) => number;
const ptsnameR = libc.func('int ptsname_r(int fd, _Out_ char *buf, size_t size)') as (
  fd: number,
  buffer: Buffer,
  size: number,
) => number;
const ioctl = libc.func('int ioctl(int fd, unsigned long request, ...)') as (
  fd: number,
  request: number,
  type: string,
  argument: Buffer,
) => number;

const O_CLOEXEC = 0o2000000;
const TIOCSWINSZ = 0x5414; // asm-generic/ioctls.h

/** How long {@link Pty.expect} waits when nothing else is said: far more than any prompt takes. */
const EXPECT_MS = 60_000;

export interface PtyExit {
  /** Exit code; 128 + n after signal n, as a shell says it. */
  readonly code: number;
  /** Everything that was on the screen. */
  readonly screen: string;
}

interface Waiter {
  readonly pattern: RegExp | string;
  readonly settle: (match: RegExpExecArray | null) => void;
}

export class Pty {
  /** All output so far. */
  screen = '';
  /** The program's end; never rejects. */
  readonly exit: Promise<PtyExit>;
  /** Called with each piece of output, as bytes. */
  onOutput: ((bytes: Buffer) => void) | null = null;
  readonly #master: number;
  readonly #stream: ReadStream;
  readonly #decoder = new StringDecoder('utf8');
  #seen = 0;
  #ended = false;
  #waiter: Waiter | null = null;

  /**
   * Opens a terminal and starts a program on it.
   * @param start starts the program with the given descriptor as all three standard files, in a session of its own
   * @param owner uid that owns the terminal device, as after a login
   */
  constructor(
    start: (terminal: number) => ChildProcess,
    owner: number,
    size: { rows: number; columns: number },
  ) {
    this.#master = posixOpenpt(constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC);
    const name = Buffer.alloc(64);
    if (
      this.#master < 0 ||
      grantpt(this.#master) !== 0 ||
      unlockpt(this.#master) !== 0 ||
      ptsnameR(this.#master, name, name.length) !== 0
    ) {
      throw new Error('No pseudo-terminal could be opened: is /dev/pts mounted?');
    }
    this.resize(size);
    const device = name.toString('latin1', 0, name.indexOf(0));
    const terminal = openSync(device, constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC);
    chownSync(device, owner, -1);
    const child = start(terminal);
    closeSync(terminal);

    this.#stream = new ReadStream(this.#master);
    this.#stream.on('data', (bytes: Buffer) => {
      this.screen += this.#decoder.write(bytes);
      this.onOutput?.(bytes);
      this.#look();
    });
    // The last program that had the terminal open is gone: Linux says EIO, not end of file.
    const drained = new Promise<void>((resolve) => {
      this.#stream.on('error', () => {
        resolve();
      });
      this.#stream.on('end', resolve);
    });
    const ended = new Promise<number>((resolve) => {
      child.on('error', () => {
        resolve(127);
      });
      child.on('exit', (code, signal) => {
        resolve(exitCode(code, signal));
      });
    });
    this.exit = Promise.all([ended, drained]).then(([code]) => {
      this.#ended = true;
      this.#look();
      this.#stream.destroy();
      return { code, screen: this.screen };
    });
  }

  /**
   * Waits until the text after the last match shows `pattern`.
   * @throws Error with the whole screen, if the program ends or the time is over before that
   */
  async expect(pattern: RegExp | string, timeoutMs = EXPECT_MS): Promise<RegExpExecArray> {
    const match = await new Promise<RegExpExecArray | null>((resolve) => {
      const timer = setTimeout(() => {
        this.#waiter?.settle(null);
      }, timeoutMs);
      this.#waiter = {
        pattern,
        settle: (result) => {
          clearTimeout(timer);
          this.#waiter = null;
          resolve(result);
        },
      };
      this.#look();
    });
    if (match !== null) return match;
    const why = this.#ended ? 'the program ended' : `${timeoutMs} ms went by`;
    throw new Error(`Expected ${String(pattern)} on the terminal, but ${why}. The screen:\n${this.screen}`);
  }

  /** Types `text`; Enter is `\r` or `\n`, Ctrl-C is `\x03`. */
  send(text: string | Buffer): void {
    if (!this.#ended) this.#stream.write(text);
  }

  /** Tells the program the new size of its window. */
  resize(size: { rows: number; columns: number }): void {
    const winsize = Buffer.alloc(8);
    winsize.writeUInt16LE(size.rows, 0);
    winsize.writeUInt16LE(size.columns, 2);
    ioctl(this.#master, TIOCSWINSZ, 'void *', winsize);
  }

  #look(): void {
    if (this.#waiter === null) return;
    const { pattern, settle } = this.#waiter;
    const expression = typeof pattern === 'string' ? new RegExp(escape(pattern)) : pattern;
    const match = new RegExp(expression, expression.flags.replace(/[gy]/g, '')).exec(
      this.screen.slice(this.#seen),
    );
    if (match !== null) {
      this.#seen += match.index + match[0].length;
      settle(match);
    } else if (this.#ended) {
      settle(null);
    }
  }
}

/** The exit code as a shell says it: 128 + n for signal n. */
export function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? (signal === null ? 1 : 128 + os.signals[signal]);
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
