// The processes of drivers in a sandbox, as the machine counts them.
import { readFileSync } from 'node:fs';
import { childrenOf } from '../../kit/sandbox/namespace.ts';
import type { Sandbox } from '../../kit/sandbox/sandbox.ts';

function descendants(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}

/** The driver programs below scauthd whose command line has `text`; not the programs that confine them. */
export function driverPids(sandbox: Sandbox, text: string): number[] {
  const agent = sandbox.agentHostPid;
  if (agent === null) return [];
  return descendants(agent).filter((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      return (
        line.includes(text) && !line.startsWith('/usr/bin/unshare') && !line.startsWith('/usr/bin/setpriv')
      );
    } catch {
      return false;
    }
  });
}

/** @throws Error unless there is exactly one */
export function driverPid(sandbox: Sandbox, text: string): number {
  const [pid, ...others] = driverPids(sandbox, text);
  if (pid === undefined || others.length > 0)
    throw new Error(
      `${others.length + (pid === undefined ? 0 : 1)} drivers with ${text}:\n${sandbox.agentLog()}`,
    );
  return pid;
}
