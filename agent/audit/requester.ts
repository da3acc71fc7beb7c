// What /proc says of the process that asked: its name, program and session (logind's where it is in one, else the
// kernel's audit number, which is the same where the kernel audits). Descriptive only, since the process may
// end and its number be given away; who it is stands in the peer credentials. proc(5).

import { readFileSync, readlinkSync } from 'node:fs';
import { loginUidOf } from '../base/login-uid.ts';
import { auditSessionOf, terminalOf } from '../base/process-facts.ts';
import { processUnitOf } from '../base/process-unit.ts';
import type { Requester } from './ocsf-objects.ts';

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
  const unit = processUnitOf(pid);
  return {
    name,
    path: readOr(() => readlinkSync(`/proc/${pid}/exe`)),
    session: unit?.kind === 'session' ? unit.id : auditSessionOf(pid),
    loginUid: loginUidOf(pid),
    terminal: terminalOf(pid),
  };
}
