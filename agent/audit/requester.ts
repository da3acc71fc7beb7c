// What /proc says of the process that asked: its name, program and session (logind's where it is in one, else the
// kernel's audit number, which is the same where the kernel audits). Descriptive only, since the process may
// end and its number be given away; who it is stands in the peer credentials. proc(5).

import { basename } from 'node:path';
import { readProcFile, readProcLink } from '../base/proc-file.ts';
import { loginUidOf } from '../base/login-uid.ts';
import { auditSessionOf, terminalOf } from '../base/process-facts.ts';
import { processUnitOf } from '../base/process-unit.ts';
import type { PeerCredentials } from '../model/request.ts';
import type { Requester } from './ocsf/objects.ts';

/** One look for each connection: by the time of the record the process may have ended. */
const known = new WeakMap<PeerCredentials, Requester | null>();

/** @returns null when there was no such process when it was first looked at */
export function requesterOf(peer: PeerCredentials): Requester | null {
  let requester = known.get(peer);
  if (requester === undefined) known.set(peer, (requester = describeProcess(peer.pid)));
  return requester;
}

function describeProcess(pid: number): Requester | null {
  const thread = readProcFile(pid, 'comm', 'utf8')?.trimEnd() ?? null;
  if (thread === null) return null;
  const unit = processUnitOf(pid);
  const path = readProcLink(pid, 'exe');
  return {
    // A process gives itself any thread name; only scauth's own programs, which are all Node, are told apart by it.
    name: path === null || path === process.execPath ? thread : basename(path.replace(/ \(deleted\)$/, '')),
    path,
    session: unit?.kind === 'session' ? unit.id : auditSessionOf(pid),
    loginUid: loginUidOf(pid),
    terminal: terminalOf(pid),
  };
}
