// A desktop in a sandbox: Xvfb with a small window manager as the sandbox's user, real keystrokes by xdotool, and
// pictures of the screen in test/artifacts. It knows no locker and no dialog: the tests start those.

import type { ChildProcess } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { REPOSITORY } from '../../kit/sandbox/namespace.ts';
import type { ExecResult, Sandbox } from '../../kit/sandbox/sandbox.ts';
import { png, readScreen, type Screen } from './screen.ts';

const DISPLAY = ':7';
const ARTIFACTS = join(REPOSITORY, 'test/artifacts');
const FONT = ['-fa', 'DejaVu Sans Mono', '-fs', '16'] as const;
const PATIENCE_MS = 60_000;
const POLL_MS = 20;
/** As long as a program takes that makes a picture: what is drawn more slowly is not at rest. */
const STILL_MS = 100;

/** A program of the user's that goes on while the test does. */
export interface Running {
  readonly process: ChildProcess;
  /** What it wrote on both streams so far. */
  readonly output: () => string;
  /** Settles with the exit code; never rejects. */
  readonly exit: Promise<number>;
}

/** Waits until `what` is true. @throws Error with `otherwise` after a minute */
export async function until(
  what: () => boolean | Promise<boolean>,
  otherwise: () => string | Promise<string>,
): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error(await otherwise());
    await pause(POLL_MS);
  }
}

export class Desktop {
  readonly #sandbox: Sandbox;
  readonly #env: Readonly<Record<string, string>>;
  /** Where Xvfb keeps what is on the screen. */
  readonly #folder: string;

  private constructor(sandbox: Sandbox, display = DISPLAY, folder = '/tmp') {
    this.#sandbox = sandbox;
    this.#folder = folder;
    this.#env = {
      DISPLAY: display,
      XDG_RUNTIME_DIR: `/run/user/${sandbox.uid}`,
      XDG_SESSION_ID: '7',
      DBUS_SESSION_BUS_ADDRESS: `unix:path=/run/user/${sandbox.uid}/bus`,
      NO_AT_BRIDGE: '1',
      GTK_A11Y: 'none',
      XDG_CURRENT_DESKTOP: 'scauth-test',
    };
  }

  /** A screen of somebody else's, a display manager's. @param folder Xvfb's `-fbdir` */
  static at(sandbox: Sandbox, display: string, folder: string): Desktop {
    return new Desktop(sandbox, display, folder);
  }

  /** Starts the X server, the session's D-Bus and the window manager. They end with the sandbox. */
  static async start(sandbox: Sandbox): Promise<Desktop> {
    const desktop = new Desktop(sandbox);
    const uid = String(sandbox.uid);
    // X servers meet in /tmp: this sandbox has its own.
    const script =
      'mount -t tmpfs -o mode=1777 sandbox /tmp && mkdir -m 1777 /tmp/.X11-unix && ' +
      'install -d -m 0700 -o "$1" -g "$1" "/run/user/$1"';
    const made = await sandbox.exec(['sh', '-c', script, 'sh', uid]);
    if (made.code !== 0) throw new Error(`no folders for a desktop: ${made.stderr}`);
    // prettier-ignore
    const server = desktop.spawn(['Xvfb', DISPLAY, '-screen', '0', '1280x800x24', '-nolisten', 'tcp', '-noreset', '-displayfd', '1', '-fbdir', '/tmp']);
    await until(
      () => /^\d+$/m.test(server.output()),
      () => `Xvfb: ${server.output()}`,
    );
    // prettier-ignore
    const bus = desktop.spawn(['dbus-daemon', '--session', '--nofork', '--nopidfile', '--print-address',
      `--address=unix:path=/run/user/${uid}/bus`]);
    await until(
      () => bus.output().includes('unix:path='),
      () => `dbus-daemon: ${bus.output()}`,
    );
    desktop.spawn(['openbox', '--sm-disable']);
    await until(
      async () => (await desktop.run(['xdotool', 'getactivewindow', 'get_desktop'])).stdout !== '',
      () => 'openbox does not run',
    ).catch(() => undefined);
    return desktop;
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#env;
  }

  /** Starts a program as the session's user. */
  spawn(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const { user } = this.#sandbox;
    const child = this.#sandbox.namespace.spawn(argv, {
      user,
      cwd: `/run/sandbox/home/${user}`,
      env: { ...this.#sandbox.environment(user), ...this.#env, ...env },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    const exit = new Promise<number>((resolve) => {
      child.on('error', () => {
        resolve(127);
      });
      child.on('exit', (code) => {
        resolve(code ?? 128);
      });
    });
    return { process: child, output: () => output, exit };
  }

  /** Runs a program as the session's user to its end. */
  run(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ExecResult> {
    return this.#sandbox.exec(argv, { user: this.#sandbox.user, env: { ...this.#env, ...env } });
  }

  /** Types text by real key events, then Enter. */
  async type(text: string): Promise<void> {
    const keys = text === '' ? [] : ['type', '--clearmodifiers', '--delay', '15', text];
    if (keys.length > 0) await this.#xdotool(keys);
    await this.key('Return');
  }

  /** Presses one key, e.g. `Return`, `Escape`, `alt+p`. */
  key(name: string): Promise<ExecResult> {
    return this.#xdotool(['key', '--clearmodifiers', name]);
  }

  #xdotool(args: readonly string[]): Promise<ExecResult> {
    return this.run(['xdotool', ...args]);
  }

  /** Waits until a visible window has a title, class or name that fits. @returns its id */
  async untilWindow(pattern: string): Promise<string> {
    let found = '';
    await until(
      async () => {
        found = (await this.#xdotool(['search', '--onlyvisible', '--name', pattern])).stdout.trim();
        return found !== '';
      },
      async () => {
        await this.screenshot('window-missing');
        return `no window is called ${pattern}: see test/artifacts/window-missing.png`;
      },
    );
    return found.split('\n')[0] ?? '';
  }

  /** Whether such a window is on the screen now. */
  async hasWindow(pattern: string): Promise<boolean> {
    return (await this.#xdotool(['search', '--onlyvisible', '--name', pattern])).stdout.trim() !== '';
  }

  /** What is on the screen, without a program that asks for it: Xvfb keeps it in a file. */
  #screen(): Screen {
    return readScreen(this.#sandbox.path(`${this.#folder}/Xvfb_screen0`));
  }

  /** A picture of the whole screen, as test/artifacts/NAME.png. @returns how many colours it has: one is nothing to see */
  screenshot(name: string): Promise<number> {
    const screen = this.#screen();
    mkdirSync(ARTIFACTS, { recursive: true });
    writeFileSync(join(ARTIFACTS, `${name}.png`), png(screen));
    return Promise.resolve(new Set(screen.pixels).size);
  }

  /** A terminal window of root's, as a console is: `login` wants that. */
  async startTerminal(title: string, argv: readonly string[]): Promise<void> {
    const { namespace } = this.#sandbox;
    const window = ['xterm', '-T', title, '-geometry', '90x12+60+60', ...FONT, '-e', ...argv];
    namespace.spawn(window, { env: { ...this.#sandbox.environment(), DISPLAY } });
    await this.untilWindow(`^${title}$`);
  }

  /** The colour of a point of the screen that no window covers. */
  background(): Promise<string> {
    const { width, pixels } = this.#screen();
    return Promise.resolve(`#${(pixels[780 * width + 1260] ?? 0).toString(16).padStart(6, '0')}`);
  }

  /** Something to lock: a window that says whose desktop it is, before a background. @returns the background's colour */
  async furnish(): Promise<string> {
    const { user } = this.#sandbox;
    const empty = await this.background();
    await this.run(['display', '-window', 'root', '-size', '1280x800', 'xc:#3a6ea5']);
    const text = `printf '\\n  The desktop of ${user}.\\n\\n  It is open.\\n'; exec sleep infinity`;
    this.spawn([
      'xterm',
      '-T',
      `Desktop of ${user}`,
      '-geometry',
      '40x8+200+150',
      ...FONT,
      '-e',
      'sh',
      '-c',
      text,
    ]);
    await this.untilWindow(`^Desktop of ${user}$`);
    await this.untilStill();
    const furnished = await this.background();
    if (furnished === empty) throw new Error(`the background stays ${empty}`);
    return furnished;
  }

  /** Waits until two pictures, with the time of one between them, are the same. */
  async untilStill(): Promise<void> {
    let last = '';
    await until(
      async () => {
        await pause(STILL_MS);
        const { pixels } = this.#screen();
        const now = hash('sha1', Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength));
        const still = now === last;
        last = now;
        return still;
      },
      () => 'the screen does not come to rest',
    );
  }
}
