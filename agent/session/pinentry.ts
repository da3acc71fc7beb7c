// A dialog by pinentry, the program that desktops ship for PINs: starts the one that fits, says what to show and gets
// what was answered. It knows no cards. What was typed never becomes a string.

import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { MAX_SECRET_BYTES, SecretBuffer } from '../base/secret.ts';
import { assuanLine, parseResponse, unescapeData, type AssuanEnd } from './assuan.ts';
import { openPrivatePipe, type PrivatePipe } from './private-pipe.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What one window shows. Texts are plain (assuan.ts); line feeds are ours. */
export interface Window {
  readonly title: string;
  readonly text: string;
  readonly error?: string | null;
  readonly ok: string;
  readonly cancel?: string;
  /** The third button. */
  readonly notOk?: string;
}

const MAX_RESPONSE_BYTES = 2048;
/** scauthd waits 120 s for an answer. */
const TIMEOUT_SECONDS = 110;

/** There is no pinentry, or it did not start. */
export class NoDialog extends Error {}

/** In the order of preference, for a desktop, another graphical session, and a terminal. */
function candidates(env: Environment, hasTerminal: boolean): readonly string[] {
  const desktop = (env['XDG_CURRENT_DESKTOP'] ?? '').toUpperCase();
  const graphical = (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== '';
  const onTerminal = hasTerminal ? ['pinentry-curses', 'pinentry-tty'] : [];
  if (!graphical) return [...onTerminal, ...(hasTerminal ? ['pinentry'] : [])];
  const qt = ['pinentry-qt', 'pinentry-qt6', 'pinentry-qt5', 'pinentry-qt4'];
  const gnome = ['pinentry-gnome3'];
  const others = ['pinentry-gtk-2', 'pinentry-gtk2', 'pinentry-fltk', 'pinentry-efl', 'pinentry-x11'];
  const first = /KDE|LXQT/.test(desktop) ? qt : /GNOME|UNITY|CINNAMON/.test(desktop) ? gnome : [];
  return [...new Set([...first, ...others, ...qt, ...gnome, 'pinentry', ...onTerminal])];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The absolute path of the pinentry to use; null when there is none. */
function findPinentry(env: Environment, hasTerminal: boolean): string | null {
  const folders = (env['PATH'] ?? '/usr/bin:/bin').split(':').filter((folder) => folder.startsWith('/'));
  for (const name of candidates(env, hasTerminal)) {
    const found = folders.map((folder) => join(folder, name)).find(isProgram);
    if (found !== undefined) return found;
  }
  return null;
}

export class Pinentry {
  readonly #child: ChildProcess;
  readonly #pipe: PrivatePipe;
  readonly #line = new SecretBuffer(MAX_RESPONSE_BYTES);
  #filled = 0;
  /** What is being typed, while a secret is asked for. */
  #secret: SecretBuffer | null = null;
  #secretLength = 0;
  #answer: ((end: AssuanEnd) => void) | null = null;
  #isOpen = true;
  /** How the last window ended. */
  lastEnd: AssuanEnd = 'ok';
  /** GNOME's own prompt has no third button. */
  readonly hasTwoButtons: boolean;

  private constructor(child: ChildProcess, pipe: PrivatePipe, hasTwoButtons: boolean) {
    this.#child = child;
    this.#pipe = pipe;
    this.hasTwoButtons = hasTwoButtons;
  }

  /**
   * Starts it and waits for its greeting.
   * @param terminal the terminal's name, for a session without a screen
   * @throws NoDialog
   */
  static async start(env: Environment, terminal: string | null): Promise<Pinentry> {
    const program = findPinentry(env, terminal !== null);
    if (program === null) throw new NoDialog('there is no pinentry');
    let take: (bytes: Buffer) => void = () => undefined;
    const pipe = await openPrivatePipe((bytes) => {
      take(bytes);
    }, env['XDG_RUNTIME_DIR']);
    const child = spawn(program, [], { env, stdio: [pipe.theirs, pipe.theirs, 'ignore'] });
    pipe.theirs.destroy();
    const pinentry = new Pinentry(child, pipe, program.endsWith('-gnome3'));
    take = (bytes) => {
      pinentry.#take(bytes);
    };
    child.once('error', () => {
      pinentry.close();
    });
    void pipe.closed.then(() => {
      pinentry.close();
    });
    if ((await pinentry.#ended()) !== 'ok') {
      pinentry.close();
      throw new NoDialog(`${program} does not start`);
    }
    const options: readonly (readonly [string, string | undefined])[] = [
      ['ttyname', terminal ?? undefined],
      ['ttytype', terminal === null ? undefined : env['TERM']],
      ['lc-ctype', env['LC_ALL'] ?? env['LC_CTYPE'] ?? env['LANG'] ?? 'C.UTF-8'],
    ];
    for (const [name, value] of options)
      if (value !== undefined) await pinentry.#command('OPTION', `${name}=${value}`);
    return pinentry;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** A question with two or three buttons. */
  async confirm(window: Window): Promise<AssuanEnd> {
    await this.#show(window);
    return this.#command('CONFIRM');
  }

  /** A message with one button. */
  async message(window: Window): Promise<AssuanEnd> {
    await this.#show(window);
    return this.#command('MESSAGE');
  }

  /** Asks for a secret. @returns what was typed, which the caller releases; null when it was cancelled */
  async secret(window: Window, prompt: string): Promise<SecretBuffer | null> {
    await this.#show(window);
    await this.#command('SETPROMPT', prompt);
    const whole = new SecretBuffer(MAX_SECRET_BYTES);
    this.#secret = whole;
    this.#secretLength = 0;
    try {
      const end = await this.#command('GETPIN');
      if (end !== 'ok' || this.#secretLength < 0) return null;
      const typed = new SecretBuffer(this.#secretLength);
      typed.bytes.set(whole.bytes.subarray(0, this.#secretLength));
      return typed;
    } finally {
      this.#secret = null;
      whole.release();
    }
  }

  /** Ends the dialog, whatever it shows. Safe to call twice. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#pipe.ours.destroy();
    this.#child.kill('SIGTERM');
    this.#line.release();
    this.#settle('failed');
  }

  async #show({ title, text, error = null, ok, cancel, notOk }: Window): Promise<void> {
    await this.#command('RESET');
    await this.#command('SETTIMEOUT', String(TIMEOUT_SECONDS));
    await this.#command('SETTITLE', title);
    await this.#command('SETDESC', text);
    if (error !== null) await this.#command('SETERROR', error);
    await this.#command('SETOK', ok);
    if (cancel !== undefined) await this.#command('SETCANCEL', cancel);
    if (notOk !== undefined) await this.#command('SETNOTOK', notOk);
  }

  async #command(command: string, argument = ''): Promise<AssuanEnd> {
    if (!this.#isOpen) return 'failed';
    const ended = this.#ended();
    this.#pipe.ours.write(assuanLine(command, argument));
    return ended;
  }

  #ended(): Promise<AssuanEnd> {
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  #settle(end: AssuanEnd): void {
    const answer = this.#answer;
    this.#answer = null;
    this.lastEnd = end;
    answer?.(end);
  }

  #take(bytes: Buffer): void {
    for (const byte of bytes) {
      if (!this.#isOpen) return;
      if (byte === 0x0a) this.#takeLine();
      else if (this.#filled < MAX_RESPONSE_BYTES) this.#line.bytes[this.#filled++] = byte;
      else this.close();
    }
  }

  #takeLine(): void {
    const line = this.#line.bytes.subarray(0, this.#filled);
    this.#filled = 0;
    const response = parseResponse(line);
    if (response.kind === 'data' && this.#secret !== null && this.#secretLength >= 0) {
      const written = unescapeData(response.bytes, this.#secret.bytes, this.#secretLength);
      // Too long, or nonsense: nothing was typed that can be used.
      this.#secretLength = written === null ? -1 : this.#secretLength + written;
    }
    line.fill(0);
    if (response.kind === 'end') this.#settle(response.end);
  }
}
