// What /proc says of the process that asked: its name, program and session. Descriptive only, since the process may
// end and its number be given away; who it is stands in the peer credentials. proc(5).

import { readFileSync, readlinkSync } from 'node:fs';
import type { Requester } from './ocsf-objects.ts';

/** (uid_t) -1 and (unsigned) -1: nobody logged in on this way. */
const UNSET = '4294967295';

function readOr<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null; // gone already, or hidden from us
  }
}

/** @returns null when there is no such process */
export function describeRequester(pid: number): Requester | null {
  const name = readOr(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd());
  if (name === null) return null;
  const number = (file: string): string | null => {
    const text = readOr(() => readFileSync(`/proc/${pid}/${file}`, 'utf8'));
    return text === null || text === UNSET || !/^\d+$/.test(text) ? null : text;
  };
  const loginUid = number('loginuid');
  return {
    name,
    path: readOr(() => readlinkSync(`/proc/${pid}/exe`)),
    session: number('sessionid'),
    loginUid: loginUid === null ? null : Number(loginUid),
  };
}
