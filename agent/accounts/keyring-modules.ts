// Whether any PAM service of this machine opens keyrings: then it makes sense to offer that to whoever pairs a card.
// It looks for the modules' names and does not follow a stack.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const KEYRING_LINE = /^\s*-?(auth|session)\s[^#]*\bpam_(gnome_keyring|kwallet5?)\.so\b/m;
/** PAM files are short; what is longer is none. */
const MAX_BYTES = 64 * 1024;

/** As libpam looks for service files; a vendor's may not be in /etc. */
const FOLDERS = ['/etc/pam.d', '/usr/lib/pam.d', '/usr/etc/pam.d'];

export function pamOpensKeyrings(folders: readonly string[] = FOLDERS): boolean {
  return folders.some(opensKeyrings);
}

function opensKeyrings(folder: string): boolean {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return false;
  }
  return names.some((name) => {
    try {
      const text = readFileSync(join(folder, name), 'utf8');
      return text.length <= MAX_BYTES && KEYRING_LINE.test(text.replaceAll('\\\n', ' '));
    } catch {
      return false;
    }
  });
}
