// What scauthd.service keeps from scauthd, read from the unit and done without systemd: its capabilities, its system
// calls, its namespaces, its /proc. Specification: systemd.exec(5).

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const UNIT = join(import.meta.dirname, '../../../install/systemd/scauthd.service');
const UNDER_UNIT = '/run/sandbox/app/test/system/install/under-unit.py';

/** What SystemCallFilter= comes to, as systemd reads it: lists in order, ~ takes away. */
export function systemCalls(unit: string): Set<string> {
  const calls = new Set<string>();
  const expand = (name: string): string[] =>
    name.startsWith('@')
      ? execFileSync('systemd-analyze', ['--no-pager', 'syscall-filter', name], { encoding: 'utf8' })
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '' && !line.startsWith('#') && line !== name)
          .flatMap(expand)
      : [name];
  for (const [, not = '', names = ''] of unit.matchAll(/^SystemCallFilter=(~?)(.*)$/gm)) {
    for (const call of names.split(/\s+/).flatMap(expand)) {
      if (not === '') calls.add(call);
      else calls.delete(call);
    }
  }
  return calls;
}

function setting(unit: string, name: string): string {
  return new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
}

/** A program before scauthd in a sandbox that takes from it what the unit takes. */
export function underUnit(): string[] {
  const unit = readFileSync(UNIT, 'utf8');
  const capabilities = setting(unit, 'CapabilityBoundingSet')
    .split(' ')
    .map((name) => `+${name.replace('CAP_', '').toLowerCase()}`);
  const proc = `subset=${setting(unit, 'ProcSubset')},hidepid=${setting(unit, 'ProtectProc').replace('default', 'off')}`;
  const namespaces = setting(unit, 'RestrictNamespaces');
  // prettier-ignore
  return ['unshare', '--mount', '--',
    'sh', '-euc', 'mount -t proc -o "$1" proc /proc; shift; exec "$@"', 'sh', proc,
    'setpriv', `--bounding-set=-all,${capabilities.join(',')}`, '--inh-caps=-all', '--no-new-privs', '--',
    'python3', UNDER_UNIT, namespaces, [...systemCalls(unit)].join(','), '--'];
}
