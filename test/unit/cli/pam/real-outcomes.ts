// What the real libpam says of services, in a mount namespace in which PAM's folders are those below a root of a test.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { PamOutcome } from '../../../../agent/accounts/libpam.ts';

export interface AskedService {
  readonly service: string;
  readonly user: string;
}

export function outcomesOf(root: string, asked: readonly AskedService[]): PamOutcome[] {
  const mounts =
    'mount --bind "$1/etc/pam.d" /etc/pam.d && mount --bind "$1/usr/lib/pam.d" /usr/lib/pam.d && shift && exec "$@"';
  const program = join(import.meta.dirname, 'real-stacks.ts');
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', program];
  const argv = ['--mount', '--propagation', 'private', 'sh', '-ec', mounts, 'sh', root, ...node];
  const { stdout } = spawnSync('unshare', argv, { input: JSON.stringify(asked), encoding: 'utf8' });
  return JSON.parse(stdout) as PamOutcome[];
}
