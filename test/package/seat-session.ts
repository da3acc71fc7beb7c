// A session as a display manager, or sshd, opens it: the C program test/unit/pam/greeter.c runs as a service of the world's
// systemd and logs a user in by PAM, logind makes the session, and a shell on a terminal runs in it. It asserts nothing.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { APP, REPOSITORY } from '../kit/sandbox/namespace.ts';
import type { Pty } from '../kit/sandbox/pty.ts';
import { PASSWORD, PIN, USER, type World } from './world.ts';

/** A busy machine takes its time. */
const PATIENCE_MS = 120_000;
const GREETER = 'build/package-test-greeter';
const SHELL = 'stty -echo; PS1= exec bash --norc --noprofile --noediting';

/** What a question is known by, and its answer. */
export type Answer = readonly [question: RegExp, answer: string];

export const BY_PIN: Answer = [/\bPIN\b[^\n]*:[ \r]*$/m, PIN];
export const BY_PASSWORD: Answer = [/[Pp]assword[^\n]*:[ \r]*$/m, PASSWORD];

/** The services that log in here: logind makes a session of each. */
export async function prepareSessions(world: World): Promise<void> {
  const source = join(REPOSITORY, 'test/unit/pam/greeter.c');
  execFileSync('gcc', ['-O2', '-Wall', '-o', join(REPOSITORY, GREETER), source, '-lpam']);
  const stack =
    'auth include common-auth\\naccount include common-account\\nsession required pam_systemd.so\\n';
  await world.must(`for name in lightdm sshd; do printf '${stack}' >/etc/pam.d/$name; done`);
}

export interface Place {
  readonly seat?: string;
  readonly rhost?: string;
}

export class SeatSession {
  readonly #pty: Pty;
  #began = 0;
  /** logind's name of it. */
  readonly id: string;

  private constructor(pty: Pty, id: string) {
    this.#pty = pty;
    this.id = id;
  }

  /** @param answer to what the login asks. @throws Error with the screen */
  static async open(world: World, { seat, rhost }: Place, answer: Answer): Promise<SeatSession> {
    const service = rhost === undefined ? 'lightdm' : 'sshd';
    // prettier-ignore
    const argv = ['systemd-run', '--quiet', '--pipe', '--wait', '--collect', '--setenv=TERM=dumb', `${APP}/${GREETER}`, service,
      `user=${USER}`, ...(seat === undefined ? [] : [`seat=${seat}`]), ...(seat === undefined ? ['tty=ssh'] : []),
      ...(rhost === undefined ? [] : [`rhost=${rhost}`]), 'script', '--quiet', '--command', SHELL, '/dev/null'];
    const pty = world.pty(argv, 'root');
    await pty.expect(answer[0], PATIENCE_MS);
    pty.send(`${answer[1]}\n`);
    await pty.expect(/open-session=0/, PATIENCE_MS);
    pty.send('echo session=$XDG_SESSION_ID.\n');
    const [, id = ''] = await pty.expect(/session=(\w+)\./, PATIENCE_MS);
    return new SeatSession(pty, id);
  }

  /**
   * Types a command, and answers each of its questions in turn.
   * @returns everything that was on the screen meanwhile @throws Error with the screen
   */
  async run(command: string, ...answers: readonly Answer[]): Promise<{ code: number; screen: string }> {
    const from = this.#pty.screen.length;
    this.#pty.send(`${command}; echo "ended=$?."\n`);
    for (const [question, answer] of answers) {
      await this.#pty.expect(question, PATIENCE_MS);
      this.#pty.send(`${answer}\n`);
    }
    const [, code = ''] = await this.#pty.expect(/ended=(\d+)\./, PATIENCE_MS);
    return { code: Number(code), screen: this.#pty.screen.slice(from) };
  }

  /** Types a command and waits for `question` only. */
  async begin(command: string, question: RegExp): Promise<void> {
    this.#began = this.#pty.screen.length;
    this.#pty.send(`${command}; echo "ended=$?."\n`);
    await this.#pty.expect(question, PATIENCE_MS);
  }

  /** Goes on with what {@link begin} began. */
  async goOn(...answers: readonly (string | Answer)[]): Promise<{ code: number; screen: string }> {
    for (const answer of answers) {
      if (typeof answer !== 'string') await this.#pty.expect(answer[0], PATIENCE_MS);
      this.#pty.send(`${typeof answer === 'string' ? answer : answer[1]}\n`);
    }
    const [, code = ''] = await this.#pty.expect(/ended=(\d+)\./, PATIENCE_MS);
    return { code: Number(code), screen: this.#pty.screen.slice(this.#began) };
  }

  /** Its end, by whomever. */
  async ended(): Promise<void> {
    await this.#pty.exit;
  }

  /** Logs out. */
  async close(): Promise<void> {
    this.#pty.send('exit\n');
    await this.#pty.exit;
  }
}
