// polkitd in a sandbox, on the bus that is there: pkexec of ada asks for ada. The helper that talks to PAM is the setuid
// one of Debian 12, or the same under the restrictions of polkit 127's unit.

import type { Units } from '../logind/units.ts';
import { APP } from '../sandbox/namespace.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { until } from '../../system/session/desktop.ts';

const HELPER = '/usr/lib/polkit-1/polkit-agent-helper-1';
const SOCKET = '/run/polkit/agent-helper.socket';

/** Starts a program of root's and waits until it says `ready`. */
async function start(sandbox: Sandbox, argv: readonly string[], ready: RegExp): Promise<void> {
  const child = sandbox.namespace.spawn(argv, { env: sandbox.environment() });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
  await until(
    () => ready.test(said),
    () => `${argv.join(' ')}: ${said}`,
  );
}

export async function startPolkit(sandbox: Sandbox, units: Units): Promise<void> {
  // Whoever is in the group sudo may become root by their own word (Debian's rule).
  const made = await sandbox.exec([
    'sh',
    '-c',
    'usermod -aG sudo "$1" && cp /etc/pam.d/login /etc/pam.d/polkit-1 && mkdir -p /run/polkit',
    'sh',
    sandbox.user,
  ]);
  if (made.code !== 0) throw new Error(made.stderr);
  const argv = await units.inside('system.slice/polkit.service', ['/usr/lib/polkit-1/polkitd'], 'root');
  await start(sandbox, argv, /Finished loading|Acquired the name/u);
}

/** From now on the helper is started by a socket, and is confined. */
export async function confineHelper(sandbox: Sandbox, units: Units): Promise<void> {
  const caller = `#!/bin/sh\\nexec /usr/bin/python3 ${APP}/test/kit/person/polkit-caller.py "$@"\\n`;
  const script = `cp ${HELPER} /run/sandbox/polkit-helper && chmod 755 /run/sandbox/polkit-helper &&
printf "$1" >/run/sandbox/polkit-caller && chmod 755 /run/sandbox/polkit-caller &&
mount --bind /run/sandbox/polkit-caller ${HELPER}`;
  const made = await sandbox.exec(['sh', '-c', script, 'sh', caller]);
  if (made.code !== 0) throw new Error(made.stderr);
  const slice = await units.make('');
  // prettier-ignore
  await start(sandbox, ['/usr/bin/python3', `${APP}/test/kit/person/polkit-activator.py`, SOCKET, slice, '/run/sandbox/polkit-helper'],
    /listening/u);
}
