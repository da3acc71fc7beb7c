// Accounts by name and uid through the C library's name service (passwd(5), LDAP, SSSD, … as nsswitch.conf says).
// Calls run off the main thread: a directory server may take its time.

import { constants } from 'node:os';
import koffi from 'koffi';
import { nativeBuffer } from '../base/bytes.ts';
import { AgentError } from '../base/errors.ts';
import type { Account, Accounts } from '../model/account.ts';
import { parseUsername } from '../model/request.ts';

// <pwd.h>, Linux
export const passwd = koffi.struct('scauth_passwd', {
  pw_name: 'char *',
  pw_passwd: 'char *',
  pw_uid: 'uint32_t',
  pw_gid: 'uint32_t',
  pw_gecos: 'char *',
  pw_dir: 'char *',
  pw_shell: 'char *',
});
export const PASSWD_BYTES = koffi.sizeof(passwd);
/** Room for the strings of one entry; LDAP entries can be long. */
export const STRINGS_BYTES = 64 * 1024;
const USUAL_STRINGS_BYTES = 2048;

const libc = koffi.load('libc.so.6');
const getpwnam = libc.func(
  'int getpwnam_r(const char *name, void *entry, void *strings, size_t length, _Out_ void **result)',
);
const getpwuid = libc.func(
  'int getpwuid_r(uint32_t uid, void *entry, void *strings, size_t length, _Out_ void **result)',
);

const { ENOENT, ERANGE, ESRCH } = constants.errno;

/** Runs one lookup in buffers of its own; a long entry is read again with as much room as there may be. */
function lookUp(
  call: ReturnType<typeof libc.func>,
  key: string | number,
  bytes = USUAL_STRINGS_BYTES,
): Promise<Account | null> {
  const entry = nativeBuffer(PASSWD_BYTES);
  const strings = nativeBuffer(bytes);
  const result: unknown[] = [null];
  return new Promise((resolve, reject) => {
    call.async(key, entry, strings, bytes, result, (error: Error | null, status: number) => {
      // getpwnam(3): 0 or ENOENT or ESRCH when no source has it; ENOENT also where sss is configured and not running.
      if (error === null && status === ERANGE && bytes < STRINGS_BYTES) {
        resolve(lookUp(call, key, STRINGS_BYTES));
        return;
      }
      const failed = status !== 0 && status !== ENOENT && status !== ESRCH;
      if (error !== null || failed) {
        reject(new AgentError('internal', { detail: `the name service failed (${status})`, cause: error }));
      } else if (status !== 0 || result[0] === null) {
        resolve(null);
      } else {
        resolve(accountOf(entry));
      }
    });
  });
}

/** null for an account whose name cannot be used safely. */
export function accountOf(entry: Buffer): Account | null {
  const { pw_name, pw_uid, pw_gecos } = koffi.decode(entry, passwd) as {
    pw_name: string;
    pw_uid: number;
    pw_gecos: string | null;
  };
  // passwd(5): full name, room, telephones, separated by commas.
  const [fullName = ''] = (pw_gecos ?? '').split(',');
  try {
    return { name: parseUsername(pw_name), uid: pw_uid, ...(fullName !== '' && { fullName }) };
  } catch {
    return null;
  }
}

export const systemAccounts: Accounts = {
  byName: (name) => lookUp(getpwnam, name),
  byUid: (uid) => lookUp(getpwuid, uid),
};
