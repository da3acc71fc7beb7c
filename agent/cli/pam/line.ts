// Whether a service's auth stack reaches pam_scauth.so, before anything asks for a password, and lets its yes count.
// Pure but for the look whether the module's file is there. Specification: pam.conf(5), the meaning of controls.

import { isService } from '../../../policy/services.ts';
import { line as say, lineRepair } from '../../words/pam-files.ts';
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

/** Modules that let libpam ask for the user's name where the program gives none. */
const WANT_NAME = [
  'pam_nologin.so',
  'pam_succeed_if.so',
  'pam_faillock.so',
  'pam_listfile.so',
  'pam_access.so',
];

/** What a module's success does; `optional` is an `ok` that is not meant to decide. */
function onSuccess({ control, word }: StackLine): Action | 'optional' {
  return word.toLowerCase() === 'optional' ? 'optional' : (control[codeOf('success')] ?? 'bad');
}

type Finding = readonly [detail: string, repair: string | null];

function broken([detail, remedy]: Finding): PamVerdict {
  return { ok: false, detail, remedy, socket: null };
}

/** Why the stack does not come to our line, and which one is in its way; null when it does. */
function beforeOurs(lines: readonly StackLine[], ours: number): { finding: Finding; line: StackLine } | null {
  for (const [index, line] of lines.slice(0, ours).entries()) {
    const finding = inTheWay(lines, ours, index, line);
    if (finding !== null) return { finding, line };
  }
  return null;
}

function inTheWay(lines: readonly StackLine[], ours: number, index: number, line: StackLine): Finding | null {
  const name = nameOf(line);
  const success = onSuccess(line);
  if (line.kind === 'substack') return null;
  if (name === 'pam_deny.so' && success !== 'optional') return say.denied(at(line));
  if (name === 'pam_permit.so' && success === 'done') return say.permitted(at(line));
  if (ASKING.includes(name)) return say.asksFirst(name, at(line));
  // pam_succeed_if and others may jump over what follows; only a jump that always happens is certain.
  const jumps = name === 'pam_permit.so' && typeof success === 'number';
  const isOver = jumps && (behindJump(lines, index, success) ?? lines.length) > ours;
  return isOver ? say.jumpedOver(at(line)) : null;
}

/** Why our module's success would not count; null when it does. */
function afterOurs(lines: readonly StackLine[], index: number, ours: StackLine): Finding | null {
  const success = onSuccess(ours);
  if (success === 'optional') return say.optional(at(ours));
  if (['ignore', 'bad', 'die', 'reset'].includes(String(success)))
    return say.successIs(at(ours), String(success));
  if (success === 'done') {
    // In a substack `done` ends the substack, and the stack around it goes on.
    const next = lines.slice(behindEnd(lines, index)).find((line) => ASKING.includes(nameOf(line)));
    if (next === undefined) return null;
    return say.inSubstack(at(ours), nameOf(next), at(next));
  }
  if (typeof success !== 'number') return null;
  const target = lines[behindJump(lines, index, success) ?? lines.length];
  if (target === undefined) return say.jumpsPastEnd(at(ours));
  if (nameOf(target) === 'pam_deny.so') return say.jumpsToDeny(at(ours), at(target));
  if (ASKING.includes(nameOf(target))) return say.jumpsToPassword(at(ours), nameOf(target), at(target));
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
  const before = beforeOurs(lines, index);
  const wrong = before?.finding ?? afterOurs(lines, index, ours);
  if (wrong !== null) {
    const [detail, repair] = wrong;
    const inCommon = [ours, before?.line ?? ours].every(({ file: own }) => own === '/etc/pam.d/common-auth');
    return broken([detail, repair ?? lineRepair(inCommon, at(ours))]);
  }
  if (!isInstalled(ours.module, root)) return broken(say.notInstalled(ours.module, at(ours)));
  const detail = `${at(ours)}: ${ours.word}`;
  const named = isService(service, 'startsSession')
    ? lines.slice(0, index).find((line) => WANT_NAME.includes(nameOf(line)))
    : undefined;
  const told = named === undefined ? detail : say.nameFirst(detail, nameOf(named), at(named));
  return { ok: true, detail: told, remedy: null, socket: argumentOf(ours, 'socket') };
}
