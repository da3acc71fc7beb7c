// Whether a service's auth stack reaches pam_scauth.so, before anything asks for a password, and lets its yes count.
// Pure but for the look whether the module's file is there. Specification: pam.conf(5), the meaning of controls.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { StackLine, Stack } from './pam-stack.ts';

export interface PamVerdict {
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy: string | null;
  /** socket=PATH of our line; null: the usual one. */
  readonly socket: string | null;
}

const MODULE = 'pam_scauth.so';
const ENABLE = 'sudo scauth-pam enable';
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
const FOLDERS = ['/lib/security', '/lib64/security', '/usr/lib/security', '/usr/lib64/security'];

function nameOf(line: StackLine): string {
  return line.module.replace(/^.*\//, '');
}

function at({ file, line }: StackLine): string {
  return `${file}, line ${line}`;
}

/** The four words of pam.conf(5), by what they do with a success. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['sufficient', 'done'],
  ['required', 'ok'],
  ['requisite', 'ok'],
  ['optional', 'optional'],
]);

/** What a module's success does: an action of pam.conf(5), or how many modules are jumped over. */
function onSuccess(control: string): string {
  const named = WORDS.get(control);
  if (named !== undefined) return named;
  const actions = new Map(
    [...control.matchAll(/([a-z_]+)\s*=\s*([a-z]+|\d+)/g)].map(([, value = '', action = '']) => [
      value,
      action,
    ]),
  );
  return actions.get('success') ?? actions.get('default') ?? 'bad';
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Whether libpam would find the module's file. */
function isInstalled(module: string, root: string): boolean {
  if (module.startsWith('/')) return isFile(join(root, module));
  let multiarch: string[] = [];
  try {
    multiarch = readdirSync(join(root, '/usr/lib')).map((name) => `/usr/lib/${name}/security`);
  } catch {
    // No such folder: the usual ones are looked at.
  }
  return [...FOLDERS, ...multiarch].some((folder) => isFile(join(root, folder, module)));
}

function broken(detail: string, remedy: string): PamVerdict {
  return { ok: false, detail, remedy, socket: null };
}

/** Why the stack does not come to our line; null when it does. */
function beforeOurs(lines: readonly StackLine[]): PamVerdict | null {
  for (const [index, line] of lines.entries()) {
    const name = nameOf(line);
    const success = onSuccess(line.control);
    if (name === 'pam_deny.so' && success !== 'optional')
      return broken(`pam_deny.so stands before it (${at(line)}): nobody gets in`, ENABLE);
    if (name === 'pam_permit.so' && success === 'done')
      return broken(`pam_permit.so stands before it (${at(line)}): everybody gets in`, `Remove that line.`);
    if (ASKING.includes(name))
      return broken(
        `${name} stands before it (${at(line)}) and asks first`,
        `Put ${MODULE} in front of it: ${ENABLE}`,
      );
    // pam_succeed_if and others may jump over what follows; only a jump that always happens is certain.
    if (name === 'pam_permit.so' && Number(success) > lines.length - index - 1)
      return broken(`${at(line)} jumps over it`, ENABLE);
  }
  return null;
}

/** Why our module's success would not count; null when it does. */
function afterOurs(ours: StackLine, following: readonly StackLine[]): PamVerdict | null {
  const success = onSuccess(ours.control);
  if (success === 'optional')
    return broken(
      `'optional' (${at(ours)}): its yes does not count`,
      "Say 'sufficient' instead of 'optional'.",
    );
  if (['ignore', 'bad', 'die', 'reset'].includes(success))
    return broken(
      `${at(ours)}: success=${success}, so its yes does not count`,
      `Say 'sufficient'; ${ENABLE}`,
    );
  if (success === 'done') {
    // In a substack `done` ends the substack, and the stack around it goes on. Outer frames have lower numbers.
    const next = following.find((line) => line.frame < ours.frame && ASKING.includes(nameOf(line)));
    if (next === undefined) return null;
    return broken(
      `it is in a substack (${at(ours)}), and ${nameOf(next)} (${at(next)}) asks for the password too`,
      "Say 'include' instead of 'substack', or put the line into the service's own file.",
    );
  }
  if (!/^\d+$/.test(success)) return null;
  const jump = Number(success);
  const target = following.filter(({ frame }) => frame === ours.frame)[jump];
  if (target === undefined) return broken(`${at(ours)} jumps behind the end of the stack`, ENABLE);
  if (nameOf(target) === 'pam_deny.so')
    return broken(`${at(ours)} jumps to pam_deny.so (${at(target)})`, ENABLE);
  if (ASKING.includes(nameOf(target)))
    return broken(
      `${at(ours)} jumps to ${nameOf(target)} (${at(target)}), which asks for the password too`,
      ENABLE,
    );
  return null;
}

/** @param root where `/` is found; other than `/` in tests */
export function judgeStack(service: string, stack: Stack, root = '/'): PamVerdict {
  const { fault, lines, file } = stack;
  if (fault !== null) {
    const where = fault.line === null ? fault.file : `${fault.file}, line ${fault.line},`;
    return broken(
      `${where} ${fault.what}: PAM refuses everybody`,
      'Correct the file, or: sudo scauth-pam disable',
    );
  }
  if (file === null)
    return broken(
      `There is no PAM service ${service}`,
      'Which there are: ls /etc/pam.d. Then: sc_auth explain -s NAME',
    );
  const index = lines.findIndex((line) => nameOf(line) === MODULE);
  const ours = lines[index];
  if (ours === undefined) {
    const other = file.endsWith('/other') ? ` (there is no ${service}, so PAM takes ${file})` : '';
    return broken(`${file} does not lead to ${MODULE}${other}`, ENABLE);
  }
  const fault2 = beforeOurs(lines.slice(0, index)) ?? afterOurs(ours, lines.slice(index + 1));
  if (fault2 !== null) return fault2;
  if (!isInstalled(ours.module, root))
    return broken(
      `${ours.module} (${at(ours)}) is not installed`,
      'Install the package again: sudo apt install --reinstall scauth',
    );
  const socket = ours.args.find((arg) => arg.startsWith('socket='))?.slice('socket='.length) ?? null;
  return { ok: true, detail: `${at(ours)}: ${ours.control}`, remedy: null, socket };
}
