// scauthd as the package has it: what the source in TypeScript holds by itself (20 MiB more, for taking the types off) is
// nothing that a machine has.
import { BUNDLE, bundlePrograms } from '../kit/sandbox/bundle.ts';
import { APP } from '../kit/sandbox/namespace.ts';

/** @returns what Sandbox.start takes as agentPrefix */
export async function bundledAgent(): Promise<string[]> {
  await bundlePrograms();
  return ['sh', '-c', `exec ${APP}/${BUNDLE}/bin/scauthd`];
}
