// A terminal on which the demo shows what a person sees and types. It checks what it shows: a demo that does not
// work ends with an error, not with a pretty picture.

import type { Sandbox } from '../../test/kit/sandbox/sandbox.ts';
import type { Cast } from './cast.ts';

/** What somebody does at one prompt: waits for a text, then types. */
export interface Move {
  readonly when: string | RegExp;
  /** What is typed, without Enter; null: the person at the real keyboard types it. */
  readonly type: string | null;
}

export interface Scene {
  /** A sentence in front, for the person who watches. */
  readonly about: string;
  readonly command: readonly string[];
  readonly moves: readonly Move[];
  /** What the screen must show at the end. */
  readonly shows: readonly (string | RegExp)[];
  /** What it must not show. */
  readonly hides?: readonly (string | RegExp)[];
  readonly exitCode: number;
}

const THINKING_MS = 90_000;

function matches(screen: string, pattern: string | RegExp): boolean {
  return typeof pattern === 'string' ? screen.includes(pattern) : pattern.test(screen);
}

/** Bytes from the real keyboard go to the terminal of the scene while a person's turn lasts. */
async function letPersonType(send: (bytes: Buffer) => void, until: Promise<unknown>): Promise<void> {
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.on('data', send).resume();
  try {
    await until;
  } finally {
    stdin.off('data', send).pause();
    stdin.setRawMode(false);
  }
}

/**
 * Plays one scene on a pty as the sandbox's user.
 * @param cast gets what is shown as well; null: nothing is recorded
 * @throws Error when the screen or the exit code is not what it should be
 */
export async function play(sandbox: Sandbox, scene: Scene, cast: Cast | null): Promise<void> {
  const show = (text: string | Buffer): void => {
    process.stdout.write(text);
    cast?.write(text.toString());
  };
  show(`\n# ${scene.about}\n${sandbox.user}$ ${scene.command.join(' ')}\n`);
  // What goes into a file or a log gets no spinner and no colour.
  const env = process.stdout.isTTY && cast === null ? {} : { TERM: 'dumb', NO_COLOR: '1' };
  const terminal = sandbox.pty(scene.command, { user: sandbox.user, env });
  terminal.onOutput = show;
  const person = scene.moves.some((move) => move.type === null);
  const plot = (async () => {
    for (const { when, type } of scene.moves) {
      await terminal.expect(when, THINKING_MS);
      if (type !== null) terminal.send(`${type}\n`);
    }
    return terminal.exit;
  })();
  if (person && process.stdin.isTTY) {
    await letPersonType((bytes) => {
      terminal.send(bytes);
    }, plot);
  }
  const { code, screen } = await plot;
  cast?.pause();
  const missing = scene.shows.find((pattern) => !matches(screen, pattern));
  if (missing !== undefined) throw new Error(`the screen does not show ${String(missing)}`);
  const leaked = scene.hides?.find((pattern) => matches(screen, pattern));
  if (leaked !== undefined) throw new Error(`the screen shows ${String(leaked)}`);
  if (code !== scene.exitCode) throw new Error(`exit code ${code}, expected ${scene.exitCode}`);
}
