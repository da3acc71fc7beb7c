// Real control groups for a sandbox's programs, named as systemd names them, in a slice of their own: what scauthd reads
// in /proc/PID/cgroup is the kernel's word. cgroups(7), version 2; it works beside version 1 hierarchies too.

import { execFileSync } from 'node:child_process';
import { SHARE } from '../sandbox/etc.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

const MOUNT = `${SHARE}/cgroup`;
/** Moves itself into the group, then becomes the user, then the program. */
const ENTER = 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"';

export class Units {
  readonly #sandbox: Sandbox;
  readonly #slice: string;

  private constructor(sandbox: Sandbox, slice: string) {
    this.#sandbox = sandbox;
    this.#slice = slice;
  }

  /** @throws Error where this machine lets nobody make control groups */
  static async start(sandbox: Sandbox): Promise<Units> {
    const slice = `scauthtest${process.pid}.slice`;
    const script = 'mkdir -p "$1" && mount -t cgroup2 cgroup2 "$1" && mkdir "$1/$2"';
    const { code, stderr } = await sandbox.exec(['sh', '-c', script, 'sh', MOUNT, slice]);
    if (code !== 0) throw new Error(`no control groups: ${stderr}`);
    return new Units(sandbox, slice);
  }

  /** @returns the folder of a unit, which is made. @param unit e.g. `user.slice/user-1000.slice/session-3.scope` */
  async make(unit: string): Promise<string> {
    const folder = `${MOUNT}/${this.#slice}/${unit}`;
    const { code, stderr } = await this.#sandbox.exec(['mkdir', '-p', folder]);
    if (code !== 0) throw new Error(`no unit ${unit}: ${stderr}`);
    return folder;
  }

  /** A command that runs in a unit, as the sandbox's user or as root; root starts it. */
  async inside(unit: string, argv: readonly string[], as: 'user' | 'root' = 'user'): Promise<string[]> {
    const { user } = this.#sandbox;
    // prettier-ignore
    const become = as === 'root' ? [] : ['setpriv', '--reuid', user, '--regid', user, '--init-groups', '--'];
    return ['sh', '-c', ENTER, 'sh', await this.make(unit), ...become, ...argv];
  }

  /** When everything in the sandbox has ended. */
  remove(): void {
    removeGroup(this.#slice);
  }
}

/** A control group at the top, and all that are in it; nothing may run there. */
export function removeGroup(name: string): void {
  const script = 'mount -t cgroup2 cgroup2 /mnt && find "/mnt/$1" -depth -type d -exec rmdir {} +';
  execFileSync('unshare', ['--mount', '--', 'sh', '-c', script, 'sh', name]);
}
