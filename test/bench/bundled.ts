// scauthd as the package has it, one file of JavaScript: what the source in TypeScript holds by itself (20 MiB more, for
// taking the types off) is nothing that a machine has. Started by the launcher of the source, with its flags.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../install/package/bundle.ts';
import { APP } from '../kit/sandbox/namespace.ts';

const FOLDER = 'build/bench-bundle';

/** @returns what Sandbox.start takes as agentPrefix */
export async function bundledAgent(): Promise<string[]> {
  const root = join(import.meta.dirname, '../..');
  const folder = join(root, FOLDER);
  await bundle(root, folder);
  const launcher = readFileSync(join(root, 'install/bin/scauthd'), 'utf8');
  if (!launcher.includes('$here/agent/daemon/main.ts'))
    throw new Error('The launcher of scauthd has changed.');
  const file = join(folder, 'scauthd');
  writeFileSync(file, launcher.replace('$here/agent/daemon/main.ts', `$here/${FOLDER}/agent/daemon/main.js`));
  chmodSync(file, 0o755);
  return ['sh', '-c', `exec ${APP}/${FOLDER}/scauthd`];
}
