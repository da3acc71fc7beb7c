// A desktop with scauth-session in it, for the tests of the pairing dialog: counts the dialogs that were opened, plays the
// notification service (python3-dbusmock's template), and cleans up between tests. It asserts nothing.

import { readFileSync, existsSync } from 'node:fs';
import { Sandbox, type SandboxOptions } from '../../kit/sandbox/sandbox.ts';
import { Desktop, until, type Running } from './desktop.ts';

const DIALOG = '^Smart card$';

export class DialogWorld {
  readonly sandbox: Sandbox;
  readonly desktop: Desktop;
  readonly #runtime: string;
  #sessions: Running[] = [];
  #notifications: Running | null = null;

  private constructor(sandbox: Sandbox, desktop: Desktop) {
    this.sandbox = sandbox;
    this.desktop = desktop;
    this.#runtime = `/run/user/${sandbox.uid}`;
  }

  static async start(options: SandboxOptions = {}): Promise<DialogWorld> {
    const sandbox = await Sandbox.start(options);
    try {
      // The card and scauthd came up side by side. Now the card was in before scauthd: no session has to ask about it.
      await sandbox.restartAgent();
      const world = new DialogWorld(sandbox, await Desktop.start(sandbox));
      await world.#countPinentry();
      return world;
    } catch (error) {
      await sandbox.stop();
      throw error;
    }
  }

  /** The real pinentry, which writes a line for each start of it. */
  async #countPinentry(): Promise<void> {
    const script =
      'mkdir "$1/bin" && printf "#!/bin/sh\\necho dialog >> $1/dialogs\\nexec /usr/bin/pinentry-gtk-2 \\"\\$@\\"\\n" > "$1/bin/pinentry-gtk-2" && chmod 755 "$1/bin/pinentry-gtk-2"';
    await this.mustRun(['sh', '-c', script, 'sh', this.#runtime]);
  }

  async mustRun(argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.desktop.run(argv);
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }

  /** What a session's program has in its environment here. */
  get env(): Readonly<Record<string, string>> {
    return { PATH: `${this.#runtime}/bin:${this.sandbox.environment(this.sandbox.user)['PATH'] ?? ''}` };
  }

  /** How many dialogs were opened so far. */
  get dialogs(): number {
    const file = this.sandbox.path(`${this.#runtime}/dialogs`);
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
  }

  /** Starts a session's program, and waits until it listens. */
  async startSession(env: Readonly<Record<string, string>> = {}): Promise<Running> {
    const { PATH, ...rest } = { ...this.env, ...env };
    // By env: the programs that lead into the sandbox are not looked for in a session's own folders.
    const session = this.desktop.spawn(['env', `PATH=${PATH ?? ''}`, 'scauth-session'], rest);
    this.#sessions.push(session);
    await this.says(session, /listening/);
    return session;
  }

  /** Waits until it has said something; `from` leaves out what it said before. */
  async says(session: Running, what: RegExp, from = 0): Promise<string> {
    const said = (): string => session.output().slice(from);
    await until(
      () => what.test(said()),
      () => `scauth-session did not say ${String(what)}:\n${session.output()}\n${this.sandbox.logs()}`,
    );
    return said();
  }

  async stopSessions(): Promise<void> {
    for (const session of this.#sessions) {
      const pid = this.sandbox.namespace.pidOf(session.process);
      if (session.process.exitCode === null && pid !== null) process.kill(pid, 'SIGTERM');
      await session.exit;
    }
    this.#sessions = [];
    if (this.#notifications !== null) this.stopProgram(this.#notifications);
    this.#notifications = null;
    await until(
      async () => !(await this.desktop.hasWindow(DIALOG)),
      () => 'a dialog stays open',
    );
  }

  /** A window of ours that shows something, at rest: then keys reach it. */
  async untilDialog(picture?: string): Promise<void> {
    await this.desktop.untilWindow(DIALOG);
    await this.desktop.untilStill();
    if (picture !== undefined) await this.desktop.screenshot(picture);
  }

  async untilNoDialog(): Promise<void> {
    await until(
      async () => !(await this.desktop.hasWindow(DIALOG)),
      async () => {
        await this.desktop.screenshot('dialog-stays');
        return 'the dialog stays: see test/artifacts/dialog-stays.png';
      },
    );
  }

  async pairings(): Promise<string> {
    return this.mustRun(['sc_auth', 'list', '-v']);
  }

  /** Plays org.freedesktop.Notifications. */
  async startNotifications(): Promise<Running> {
    const service = this.desktop.spawn([
      '/usr/bin/python3',
      '-m',
      'dbusmock',
      '--template',
      'notification_daemon',
    ]);
    await until(
      async () =>
        (
          await this.mustRun([
            'dbus-send',
            '--session',
            '--print-reply',
            '--dest=org.freedesktop.DBus',
            '/',
            'org.freedesktop.DBus.NameHasOwner',
            'string:org.freedesktop.Notifications',
          ])
        ).includes('true'),
      service.output,
    );
    this.#notifications = service;
    return service;
  }

  stopProgram(program: Running): void {
    const pid = this.sandbox.namespace.pidOf(program.process);
    if (pid !== null) process.kill(pid, 'SIGKILL');
  }
}
