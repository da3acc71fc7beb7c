// A display manager's login in a sandbox, by the C program test/unit/pam/greeter.c, and a user's session with the keyring that
// PAM has opened. The modules of keyrings are unpacked into build/ and not installed. It asserts nothing.

import { globSync } from 'node:fs';
import { join } from 'node:path';
import { APP } from '../sandbox/namespace.ts';
import type { ExecResult, Sandbox } from '../sandbox/sandbox.ts';

const GREETER = `${APP}/build/test-pam/plain/greeter`;
const NODE = `${APP}/node_modules/node/bin/node`;
const ITEM = `${APP}/test/system/session/keyring-item.ts`;

/** Programs for a session: the item in its keyring, read and stored. */
export const READ_ITEM = `${NODE} ${ITEM} get`;
export const storeItem = (text: string): string => `${NODE} ${ITEM} set '${text}'`;

/** Where the sandbox finds a PAM module of a package that install/packages.json has unpacked. */
export function unpackedModule(packageName: string, file: string): string {
  const root = join(import.meta.dirname, '../../..');
  const [path] = globSync(`build/${packageName}/**/${file}`, { cwd: root });
  if (path === undefined) throw new Error(`${file} was not unpacked: node install/bootstrap.mjs test/run.ts`);
  return `${APP}/${path}`;
}

/** A session: D-Bus, the daemon that PAM has started, then `script`; at its end the daemon is ended as by a logout. */
export function sessionOf(script: string): string[] {
  const whole = [
    'gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1',
    script,
    'code=$?',
    'pkill -u "$(id -u)" gnome-keyring-d',
    'while pgrep -u "$(id -u)" gnome-keyring-d >/dev/null; do :; done',
    'exit $code',
  ];
  return ['dbus-run-session', '--', 'sh', '-c', whole.join('\n')];
}

/**
 * A login as lightdm's: one answer for each prompt, in order. Without a name the card says who it is.
 * @param service whose PAM file it is
 * @param env of the display manager's own process
 */
export function greet(
  sandbox: Sandbox,
  program: readonly string[],
  answers: readonly string[],
  user: string | null = null,
  service = 'lightdm',
  env: Readonly<Record<string, string>> = {},
): Promise<ExecResult> {
  const argv = [GREETER, service, ...(user === null ? [] : [`user=${user}`]), ...program];
  return sandbox.exec(argv, { env, input: answers.map((answer) => `${answer}\n`).join('') });
}

/** The folder of a user's session, which systemd makes. */
export async function makeRuntimeFolder(sandbox: Sandbox): Promise<void> {
  const uid = String(sandbox.uid);
  await sandbox.exec(['install', '-d', '-m', '0700', '-o', uid, '-g', uid, `/run/user/${uid}`]);
}
