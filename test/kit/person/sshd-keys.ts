// The real sshd in a sandbox, on loopback there, that takes a key of the user as well as answers to PAM; it runs until the
// sandbox ends. Sessions in scopes of their own are in sshd.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { APP } from '../sandbox/namespace.ts';
import type { Pty } from '../sandbox/pty.ts';
import type { ExecResult, Sandbox } from '../sandbox/sandbox.ts';

const PLACE = '/run/sandbox/sshd';
const PORT = 2222;
/** What sshd -V of a new and an old one call themselves does not matter: both run from the unpacked package. */
const SSHD = `${APP}/build/openssh-server/usr/sbin/sshd`;

const CONFIG = `Port ${PORT}
ListenAddress 127.0.0.1
HostKey ${PLACE}/host
PidFile ${PLACE}/pid
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication yes
PubkeyAuthentication yes
AuthorizedKeysFile ${PLACE}/authorized
StrictModes no
PermitRootLogin no
LogLevel VERBOSE
`;

/** @throws Error with what it said, if it does not start */
export async function startSshd(sandbox: Sandbox): Promise<void> {
  const passwd = sandbox.path('/etc/passwd');
  if (!/^sshd:/m.test(readFileSync(passwd, 'utf8')))
    writeFileSync(passwd, `${readFileSync(passwd, 'utf8')}sshd:x:991:65534::/run/sshd:/usr/sbin/nologin\n`);
  const script = `set -e
    mkdir -p ${PLACE} /run/sshd
    ssh-keygen -q -t ed25519 -N '' -f ${PLACE}/host
    ssh-keygen -q -t ed25519 -N '' -f ${PLACE}/key
    cp ${PLACE}/key.pub ${PLACE}/authorized
    chown ${sandbox.user} ${PLACE}/key
    cat >${PLACE}/config
    ${SSHD} -f ${PLACE}/config -E ${PLACE}/log
    for try in $(seq 500); do if [ -s ${PLACE}/pid ]; then exit 0; fi; sleep 0.02; done
    cat ${PLACE}/log >&2; exit 1`;
  const { code, stderr } = await sandbox.exec(['sh', '-c', script], { input: CONFIG });
  if (code !== 0) throw new Error(`sshd does not start: ${stderr}`);
}

function ssh(sandbox: Sandbox, method: string): string[] {
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    `PreferredAuthentications=${method}`,
    'NumberOfPasswordPrompts=1',
  ];
  const flags = options.flatMap((option) => ['-o', option]);
  return [
    'ssh',
    '-F',
    'none',
    '-p',
    String(PORT),
    ...flags,
    '-i',
    `${PLACE}/key`,
    `${sandbox.user}@127.0.0.1`,
  ];
}

/** By the key; nobody is asked anything. */
export function byKey(sandbox: Sandbox): Promise<ExecResult> {
  return sandbox.exec([...ssh(sandbox, 'publickey'), 'id -un'], { user: sandbox.user });
}

/** With PAM's questions on a terminal. */
export function byQuestions(sandbox: Sandbox): Pty {
  return sandbox.pty([...ssh(sandbox, 'keyboard-interactive'), 'id -un'], { user: sandbox.user });
}

export function sshdLog(sandbox: Sandbox): string {
  return readFileSync(sandbox.path(`${PLACE}/log`), 'utf8');
}
