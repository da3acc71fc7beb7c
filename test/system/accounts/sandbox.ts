// A folder with PAM service files of a test's own. The machine's /etc/pam.d, users and passwords stay as they are.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface PamFolder {
  readonly path: string;
  /** Writes a service file: auth lines, and account lines (pam_permit if left out). */
  service(name: string, auth: readonly string[], account?: readonly string[]): void;
  remove(): void;
}

export function makePamFolder(): PamFolder {
  const path = mkdtempSync(join(tmpdir(), 'scauth-pam-'));
  return {
    path,
    service: (name, auth, account = ['required pam_permit.so']) => {
      const lines = [...auth.map((line) => `auth ${line}`), ...account.map((line) => `account ${line}`)];
      writeFileSync(join(path, name), `${lines.join('\n')}\n`);
    },
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Asks for a password and takes any: pam_ftp(8) for a user that it is told is anonymous. */
export const TAKES_ANY = 'required pam_ftp.so users=alice';
