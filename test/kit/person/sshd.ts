// The real sshd in a sandbox, on loopback, with keyboard-interactive logins only; and ssh to it. What pam_systemd does
// for a session, moving it into its scope, a pam_exec line does.

import { writeFileSync } from 'node:fs';
import type { Units } from '../logind/units.ts';
import { APP } from '../sandbox/namespace.ts';
import type { Pty } from '../sandbox/pty.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { until } from '../../system/session/desktop.ts';

const PORT = 2222;
const CONFIG = `Port ${PORT}
ListenAddress 127.0.0.1
HostKey /run/sandbox/ssh_host_key
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication no
PubkeyAuthentication no
PidFile none
`;

const MAKE = `mkdir -p /run/sshd && { id sshd >/dev/null 2>&1 || useradd --system --home-dir /run/sshd --shell /usr/sbin/nologin sshd; } &&
ssh-keygen -q -t ed25519 -N "" -f /run/sandbox/ssh_host_key &&
cp /etc/pam.d/login /etc/pam.d/sshd`;

/** @param scope the unit in which sessions of it are */
export async function startSshd(sandbox: Sandbox, units: Units | null = null, scope = ''): Promise<void> {
  const made = await sandbox.exec(['sh', '-c', MAKE]);
  if (made.code !== 0) throw new Error(`no sshd: ${made.stderr}`);
  writeFileSync(sandbox.path('/run/sandbox/sshd_config'), CONFIG);
  const program = [`${APP}/build/openssh-server/usr/sbin/sshd`, '-D', '-e', '-f', '/run/sandbox/sshd_config'];
  let argv = program;
  if (units !== null) {
    const move = `#!/bin/sh\n[ "$PAM_TYPE" = open_session ] || exit 0\necho "$PPID" >${await units.make(scope)}/cgroup.procs\n`;
    writeFileSync(sandbox.path('/run/sandbox/new-session'), move, { mode: 0o755 });
    const line = 'session required pam_exec.so /run/sandbox/new-session';
    await sandbox.exec(['sh', '-c', 'echo "$1" >>/etc/pam.d/sshd', 'sh', line]);
    argv = await units.inside('system.slice/ssh.service', program, 'root');
  }
  const sshd = sandbox.namespace.spawn(argv, { env: sandbox.environment() });
  let said = '';
  sshd.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  await until(
    () => said.includes('Server listening'),
    () => `sshd: ${said}`,
  );
}

/** ssh from the machine to itself, as root, to the sandbox's user; the command has a terminal. */
export function ssh(sandbox: Sandbox, command: readonly string[]): Pty {
  // prettier-ignore
  return sandbox.pty(['ssh', '-tt', '-q', '-p', String(PORT), '-o', 'StrictHostKeyChecking=no',
    '-o', 'UserKnownHostsFile=/dev/null', '-o', 'PreferredAuthentications=keyboard-interactive',
    `${sandbox.user}@127.0.0.1`, ...command]);
}
