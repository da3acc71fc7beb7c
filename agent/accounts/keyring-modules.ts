// Whether any PAM service of this machine opens keyrings: then it makes sense to offer that to whoever pairs a card; and
// whether a module would ask for the password behind the card's PIN, so that yes is what most people want.
// It looks for the modules' names and does not follow a stack.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const KEYRING_LINE = /^\s*-?(auth|session)\s[^#\n]*\bpam_(gnome_keyring|kwallet5?|mount)\.so\b/m;
const ASKING_LINE = /^\s*-?auth\s[^#\n]*\bpam_(kwallet5?\.so|mount\.so|exec\.so[^#\n]*\bexpose_authtok)\b/m;
/** PAM files are short; what is longer is none. */
const MAX_BYTES = 64 * 1024;

/** As libpam looks for service files; a vendor's may not be in /etc. */
const FOLDERS = ['/etc/pam.d', '/usr/lib/pam.d', '/usr/etc/pam.d'];

export function pamOpensKeyrings(folders: readonly string[] = FOLDERS): boolean {
  return folders.some((folder) => hasLine(folder, KEYRING_LINE) || hasLine(folder, ASKING_LINE));
}

export function pamAsksForPassword(folders: readonly string[] = FOLDERS): boolean {
  return folders.some((folder) => hasLine(folder, ASKING_LINE));
}

function hasLine(folder: string, pattern: RegExp): boolean {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return false;
  }
  return names.some((name) => {
    try {
      const text = readFileSync(join(folder, name), 'utf8');
      return text.length <= MAX_BYTES && pattern.test(text.replaceAll('\\\n', ' '));
    } catch {
      return false;
    }
  });
}
