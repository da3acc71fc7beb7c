// Whether a service's auth stack reaches pam_scauth.so, before anything asks for a password, and lets its yes count.
// Pure but for the look whether the module's file is there. Specification: pam.conf(5), the meaning of controls.

import { line as say } from '../../words/pam-files.ts';
import { codeOf, type Action } from './control.ts';
import { argumentOf, at, isInstalled, MODULE, nameOf } from './modules.ts';
import type { StackLine, Stack } from './stack.ts';
import { behindEnd, behindJump } from './walk.ts';

export interface PamVerdict {
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy: string | null;
  /** socket=PATH of our line; null: the usual one. */
  readonly socket: string | null;
}

/** Modules that ask for a secret: behind them the card comes too late. */
const ASKING = [
  'pam_unix.so',
  'pam_sss.so',
  'pam_ldap.so',
  'pam_krb5.so',
  'pam_winbind.so',
  'pam_systemd_home.so',
  'pam_fprintd.so',
  'pam_u2f.so',
  'pam_pkcs11.so',
  'pam_p11.so',
];

/** What a module's success does; `optional` is an `ok` that is not meant to decide. */
function onSuccess({ control, word }: StackLine): Action | 'optional' {
  return word.toLowerCase() === 'optional' ? 'optional' : (control[codeOf('success')] ?? 'bad');
}

function broken([detail, remedy]: readonly [string, string]): PamVerdict {
  return { ok: false, detail, remedy, socket: null };
}

/** Why the stack does not come to our line; null when it does. */
function beforeOurs(lines: readonly StackLine[], ours: number): PamVerdict | null {
  for (const [index, line] of lines.slice(0, ours).entries()) {
    const name = nameOf(line);
    const success = onSuccess(line);
    if (line.kind === 'substack') continue;
    if (name === 'pam_deny.so' && success !== 'optional') return broken(say.denied(at(line)));
    if (name === 'pam_permit.so' && success === 'done') return broken(say.permitted(at(line)));
    if (ASKING.includes(name)) return broken(say.asksFirst(name, at(line), MODULE));
    // pam_succeed_if and others may jump over what follows; only a jump that always happens is certain.
    const jumps = name === 'pam_permit.so' && typeof success === 'number';
    if (jumps && (behindJump(lines, index, success) ?? lines.length) > ours)
      return broken(say.jumpedOver(at(line)));
  }
  return null;
}

/** Why our module's success would not count; null when it does. */
function afterOurs(lines: readonly StackLine[], index: number, ours: StackLine): PamVerdict | null {
  const success = onSuccess(ours);
  if (success === 'optional') return broken(say.optional(at(ours)));
  if (['ignore', 'bad', 'die', 'reset'].includes(String(success)))
    return broken(say.successIs(at(ours), String(success)));
  if (success === 'done') {
    // In a substack `done` ends the substack, and the stack around it goes on.
    const next = lines.slice(behindEnd(lines, index)).find((line) => ASKING.includes(nameOf(line)));
    if (next === undefined) return null;
    return broken(say.inSubstack(at(ours), nameOf(next), at(next)));
  }
  if (typeof success !== 'number') return null;
  const target = lines[behindJump(lines, index, success) ?? lines.length];
  if (target === undefined) return broken(say.jumpsPastEnd(at(ours)));
  if (nameOf(target) === 'pam_deny.so') return broken(say.jumpsToDeny(at(ours), at(target)));
  if (ASKING.includes(nameOf(target)))
    return broken(say.jumpsToPassword(at(ours), nameOf(target), at(target)));
  return null;
}

/** @param root where `/` is found; other than `/` in tests */
export function judgeStack(service: string, stack: Stack, root = '/'): PamVerdict {
  const { fault, lines, file } = stack;
  if (fault !== null) {
    const where = fault.line === null ? fault.file : `${fault.file}, line ${fault.line},`;
    return broken(say.unusable(where, fault.what));
  }
  if (file === null) return broken(say.noService(service));
  const index = lines.findIndex((line) => nameOf(line) === MODULE);
  const ours = lines[index];
  if (ours === undefined) return broken(say.missing(file, MODULE, service));
  const wrong = beforeOurs(lines, index) ?? afterOurs(lines, index, ours);
  if (wrong !== null) return wrong;
  if (!isInstalled(ours.module, root)) return broken(say.notInstalled(ours.module, at(ours)));
  return { ok: true, detail: `${at(ours)}: ${ours.word}`, remedy: null, socket: argumentOf(ours, 'socket') };
}
