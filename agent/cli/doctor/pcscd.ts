// pcscd as it is on the machine: does it run or start by its socket, and how old is it.

import { execFile } from 'node:child_process';
import { pcscd as say } from '../../words/doctor.ts';
import { tryConnect } from '../agent/explain-socket.ts';
import { broken, ok, warning, type Check } from './check.ts';

const PCSCD_SOCKET = '/run/pcscd/pcscd.comm';
/** Before it, a client that dies in a transaction could leave the card locked (pcsc-lite's ChangeLog, 1.8.24). */
const OLDEST_PCSCD = [1, 8, 24] as const;

/** What `pcscd --version` prints; null where there is no such program. */
function versionText(): Promise<string | null> {
  return new Promise((resolve) => {
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
    execFile('pcscd', ['--version'], { env, timeout: 5000 }, (error, stdout) => {
      resolve(error === null ? stdout : null);
    });
  });
}

function isOlder(version: string): boolean {
  const parts = version.split('.').map(Number);
  const at = OLDEST_PCSCD.findIndex((wanted, index) => (parts[index] ?? 0) !== wanted);
  return at >= 0 && (parts[at] ?? 0) < (OLDEST_PCSCD[at] ?? 0);
}

export async function checkPcscd(): Promise<Check[]> {
  const text = await versionText();
  const code = await tryConnect(PCSCD_SOCKET);
  if (text === null && code !== null) return [broken('pcscd', ...say.notInstalled)];
  const reached =
    code === null
      ? ok('pcscd', say.listens(PCSCD_SOCKET))
      : broken('pcscd', ...say.silent(PCSCD_SOCKET, code));
  const version = /version (\d+(\.\d+)+)/.exec(text ?? '')?.[1];
  if (version === undefined) return [reached];
  const age = isOlder(version)
    ? warning('pcscd version', ...say.old(version, OLDEST_PCSCD.join('.')))
    : ok('pcscd version', version);
  return [reached, age];
}
