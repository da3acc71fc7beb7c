// The login uid of a process: who logged in where it comes from, kept by the kernel across su and sudo. proc(5),
// /proc/PID/loginuid; pam_loginuid sets it once for a session.

import { readProcFile } from './proc-file.ts';

/** (uid_t) -1: not set, as in a daemon that starts logins. */
const UNSET = 0xffff_ffff;

/** @returns null where it is not set, the process is gone, or the kernel does not keep it */
export function loginUidOf(pid: number): number | null {
  const text = readProcFile(pid, 'loginuid')?.trim() ?? '';
  const uid = /^\d{1,10}$/.test(text) ? Number(text) : UNSET;
  return uid === UNSET ? null : uid;
}
