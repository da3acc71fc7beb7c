// Puts drivers into a sandbox, and takes the example out of DRIVERS.md as it stands there. Starts nothing.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from '../../kit/sandbox/sandbox.ts';

const DOCUMENT = join(import.meta.dirname, '../../../DRIVERS.md');

/** The first block of this language in DRIVERS.md. */
export function documented(language: string): string {
  const block = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(
    readFileSync(DOCUMENT, 'utf8'),
  )?.[1];
  if (block === undefined) throw new Error(`DRIVERS.md has no ${language}`);
  return block;
}

export function manifest(changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ ...(JSON.parse(documented('json')) as object), ...changes });
}

/** A folder with manifest and program; scauthd sees it at its next start. */
export function installDriver(sandbox: Sandbox, name: string, manifestText: string, program: string): void {
  const folder = sandbox.path(`/etc/scauth/drivers/${name}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'manifest.json'), manifestText);
  writeFileSync(join(folder, 'driver.py'), program);
  chmodSync(join(folder, 'driver.py'), 0o755);
}
