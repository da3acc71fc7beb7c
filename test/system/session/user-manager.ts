// systemd's user manager as logind would start it for the sandbox's user: the real `systemd --user`, in a control group
// that is the user's own, with the units of install/systemd. Specification: user@.service(5), org.freedesktop.systemd1(5).

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { Units } from '../../kit/logind/units.ts';
import { APP, REPOSITORY } from '../../kit/sandbox/namespace.ts';
import { until, type Desktop } from './desktop.ts';
import type { Sandbox } from '../../kit/sandbox/sandbox.ts';

const UNITS = ['scauth-session.path', 'scauth-session.service'] as const;

export class UserManager {
  readonly #sandbox: Sandbox;
  readonly #desktop: Desktop;
  readonly #units: Units;
  readonly #process: ChildProcess;

  private constructor(sandbox: Sandbox, desktop: Desktop, units: Units, process: ChildProcess) {
    this.#sandbox = sandbox;
    this.#desktop = desktop;
    this.#units = units;
    this.#process = process;
  }

  /** @param path for the programs that it starts @throws Error with what systemd said when it does not come up */
  static async start(sandbox: Sandbox, desktop: Desktop, path: string): Promise<UserManager> {
    const units = await Units.start(sandbox);
    const { uid, user } = sandbox;
    const unit = `user.slice/user-${uid}.slice/user@${uid}.service`;
    const group = await units.make(unit);
    const folder = '/etc/systemd/user';
    // One hierarchy, where systemd looks for it; the machine counts as booted with systemd; the group is the user's.
    const script = `mount -t cgroup2 cgroup2 /sys/fs/cgroup && mkdir -p /run/systemd/system "$2" "$3" &&
      chown -R "$4:$4" "$1"`;
    const dropIn = `${folder}/scauth-session.service.d`;
    const made = await sandbox.exec(['sh', '-c', script, 'sh', group, folder, dropIn, String(uid)]);
    if (made.code !== 0) throw new Error(`no place for a user manager: ${made.stderr}`);
    for (const name of UNITS)
      writeFileSync(
        sandbox.path(`${folder}/${name}`),
        readFileSync(join(REPOSITORY, 'install/systemd', name)),
      );
    // The units as they are, but for where the program is before it is installed.
    writeFileSync(
      sandbox.path(`${dropIn}/sandbox.conf`),
      `[Service]\nExecStart=\nExecStart=${APP}/install/bin/scauth-session --on-demand\nEnvironment=PATH=${path}\n`,
    );
    const child = sandbox.namespace.spawn(
      await units.inside(unit, [
        '/lib/systemd/systemd',
        '--user',
        '--unit=basic.target',
        '--log-target=console',
      ]),
      { env: { ...sandbox.environment(user), XDG_RUNTIME_DIR: `/run/user/${uid}` } },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
    const manager = new UserManager(sandbox, desktop, units, child);
    try {
      await until(
        async () => (await manager.systemctl('is-active', 'basic.target')).trim() === 'active',
        () => `systemd --user does not come up:\n${said}`,
      );
    } catch (error) {
      manager.stop();
      throw error;
    }
    return manager;
  }

  /** @returns what it printed, whatever its exit code is */
  async systemctl(...args: readonly string[]): Promise<string> {
    const { stdout, stderr } = await this.#desktop.run(['systemctl', '--user', ...args]);
    return stdout + stderr;
  }

  stop(): void {
    const pid = this.#sandbox.namespace.pidOf(this.#process);
    if (pid !== null) process.kill(pid, 'SIGKILL');
  }

  /** When everything in the sandbox has ended. */
  remove(): void {
    this.#units.remove();
  }
}
