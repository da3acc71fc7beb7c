// What a behaviour is played in: one person, one card, one reader, and PAM services with the program under test in them.
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { freshCard } from '../kit/person/person.ts';
import type { CardControl } from '../kit/card/client.ts';
import { Sandbox, type SandboxOptions } from '../kit/sandbox/sandbox.ts';
import { compileClient, Login, type End, type LoginOptions, type Reply } from './client.ts';
import type { Program } from './programs.ts';
import { serviceOf, STACKS, type Stack } from './stacks.ts';

export type { Stack };

const TOLD = '/run/sandbox/told';
const TOLD_ON = `#!/bin/sh\ncat >${TOLD}\n`;

/** A login is over within that, or it hangs. */
const WITHIN_MS = 30_000;
const FULL_TRIES = 3;
const QUIET_MS = 80;

/** What is answered: to a question that names a PIN, each of `pins` in turn; to one for the password, the password. */
export interface Person {
  readonly pins?: readonly Reply[];
  /** Absent: no password is known, and the client gives up. */
  readonly password?: string;
}

export class World {
  readonly program: Program;
  readonly sandbox: Sandbox;
  /** Type of the key in the card's login slot: one that every program can use. */
  readonly key = 'rsa2048';

  private constructor(program: Program, sandbox: Sandbox) {
    this.program = program;
    this.sandbox = sandbox;
  }

  /**
   * The card has one key: Debian 12's pam_p11 was built against an older libp11 and crashes where there are more.
   * @param options of a machine that is not the usual one
   */
  static async #unpaired(program: Program, options: SandboxOptions): Promise<World> {
    const { cardArgs = [], ...rest } = options;
    const sandbox = await Sandbox.start({
      card: 'rsa2048',
      ...rest,
      cardArgs: ['--slots', '9A', ...cardArgs],
    });
    const world = new World(program, sandbox);
    for (const [name, stack] of Object.entries(STACKS) as [Stack, (typeof STACKS)[Stack]][])
      writeFileSync(
        sandbox.path(`/etc/pam.d/${serviceOf(name)}`),
        `${stack(program.module)}account required pam_permit.so\n`,
      );
    writeFileSync(
      sandbox.path('/etc/pam.d/sudo'),
      `${STACKS['or-password'](program.module)}account required pam_permit.so\nsession required pam_permit.so\n`,
    );
    writeFileSync(sandbox.path('/run/sandbox/told-on'), TOLD_ON, { mode: 0o755 });
    await program.prepare(sandbox);
    return world;
  }

  static async start(program: Program): Promise<World> {
    compileClient();
    const world = await World.#unpaired(program, {});
    await program.pair(world.sandbox);
    return world;
  }

  /** Another machine, with a card in it that was given to nobody yet, for as long as `act` takes. */
  async elsewhere<T>(options: SandboxOptions, act: (world: World) => Promise<T>): Promise<T> {
    const world = await World.#unpaired(this.program, options);
    try {
      return await act(world);
    } finally {
      await world.stop();
    }
  }

  /** Whether the program gave the card that is in to the person: it may refuse. */
  pairs(): Promise<boolean> {
    return this.program.pair(this.sandbox).then(
      () => true,
      () => false,
    );
  }

  stop(): Promise<void> {
    return this.sandbox.stop();
  }

  get card(): CardControl {
    return this.sandbox.card;
  }

  /** As it was at first, whatever the behaviour before did. */
  async reset(): Promise<void> {
    await freshCard(this.sandbox);
    if (!(await this.card.state()).inserted) await this.program.insert(this.sandbox);
    await this.idle();
    await this.card.setTries(FULL_TRIES);
    await this.card.clearLog();
  }

  /** Waits until nobody uses the card. */
  async idle(): Promise<void> {
    for (let before = -1; ;) {
      const { apdus } = await this.card.state();
      if (apdus === before) return;
      before = apdus;
      await pause(QUIET_MS);
    }
  }

  start(stack: Stack, options: Partial<LoginOptions> = {}): Login {
    return new Login(this.sandbox, serviceOf(stack), { withinMs: WITHIN_MS, ...options });
  }

  /** Answers each question of a login that goes on, and waits for its end. */
  async answer(login: Login, { pins = [], password }: Person): Promise<End> {
    const left = [...pins];
    for (;;) {
      const question = await login.question();
      if (question === null) return login.end();
      const isPassword = /password/i.test(question) && !/\bPIN\b/i.test(question);
      if (isPassword) login.answer(password === undefined ? 'error' : { text: password });
      else login.answer(left.shift() ?? 'error');
    }
  }

  login(stack: Stack, person: Person, options: Partial<LoginOptions> = {}): Promise<End> {
    return this.answer(this.start(stack, options), person);
  }

  get pin(): Reply {
    return { text: this.sandbox.pin };
  }

  /** With the right PIN, by the card or not at all. */
  rightPin(options: Partial<LoginOptions> = {}): Promise<End> {
    return this.login('only', { pins: [this.pin] }, options);
  }

  /** The right password gets in where the card does not lead in; a PIN is typed where one is asked for. */
  async passwordWorks(pins: readonly Reply[] = [{ text: '' }]): Promise<boolean> {
    return (await this.login('or-password', { pins, password: this.sandbox.password })).letIn;
  }

  /** Tries that were spent since the reset, once nobody uses the card any more. */
  async spent(): Promise<number> {
    await this.idle();
    return FULL_TRIES - (await this.card.getTries());
  }

  async shell(text: string): Promise<string> {
    const { code, stdout, stderr } = await this.sandbox.exec(['bash', '-euc', text]);
    if (code !== 0) throw new Error(`${text}: ${stdout}${stderr}`);
    return stdout;
  }

  /** What the module left in PAM_AUTHTOK at the last login by the stack `told-on`. */
  async told(): Promise<string> {
    return (await this.shell(`cat ${TOLD} 2>/dev/null || true; rm -f ${TOLD}`)).replaceAll('\0', '');
  }
}
