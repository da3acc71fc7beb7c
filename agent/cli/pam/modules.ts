// What is known of the modules in a stack: which is ours, which file is there, and what the others may answer.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from './control.ts';
import type { StackLine } from './stack.ts';
import { ANY_CODE } from './walk.ts';

export const MODULE = 'pam_scauth.so';
/** Where scauthd listens; a line may name another socket. */
export const PAM_SOCKET = '/run/scauth/pam.sock';
const FOLDERS = ['/lib/security', '/lib64/security', '/usr/lib/security', '/usr/lib64/security'];

/**
 * They ask for no secret: that they let somebody in is a rule of the administrator's, and no password was good for it.
 * What is not named here may have asked for one.
 */
const ASK_FOR_NOTHING: ReadonlySet<string> = new Set(
  [
    ...['access', 'cap', 'deny', 'echo', 'env', 'faildelay', 'faillock', 'gnome_keyring', 'group', 'issue'],
    ...['keyinit', 'kwallet5', 'limits', 'listfile', 'localuser', 'loginuid', 'mail', 'motd', 'nologin'],
    ...['rootok', 'securetty', 'selinux', 'sepermit', 'shells', 'succeed_if', 'tally2', 'time', 'timestamp'],
    ...['umask', 'usertype', 'warn', 'wheel'],
  ].map((name) => `pam_${name}.so`),
);

export function nameOf({ module }: Pick<StackLine, 'module'>): string {
  return module.replace(/^.*\//, '');
}

export function at({ file, line }: Pick<StackLine, 'file' | 'line'>): string {
  return `${file}, line ${line}`;
}

/** The value of an argument `name=value`. */
export function argumentOf({ args }: StackLine, name: string): string | null {
  return args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Whether libpam would find the module's file. */
export function isInstalled(module: string, root: string): boolean {
  if (module.startsWith('/')) return isFile(join(root, module));
  let multiarch: string[] = [];
  try {
    multiarch = readdirSync(join(root, '/usr/lib')).map((name) => `/usr/lib/${name}/security`);
  } catch {
    // No such folder: the usual ones are looked at.
  }
  return [...FOLDERS, ...multiarch].some((folder) => isFile(join(root, folder, module)));
}

/** A line of ours that asks this machine's scauthd. */
export function isOurs(line: StackLine, root: string): boolean {
  if (nameOf(line) !== MODULE || line.kind !== 'module' || !isInstalled(line.module, root)) return false;
  return [null, PAM_SOCKET].includes(argumentOf(line, 'socket'));
}

export function asksForNothing(line: StackLine): boolean {
  return ASK_FOR_NOTHING.has(nameOf(line));
}

/** Modules that ask for the password of the account where none is in PAM_AUTHTOK, for a wallet or a mount. */
export function asksForPasswordOfWallet(line: StackLine): boolean {
  const name = nameOf(line);
  if (name === 'pam_exec.so') return line.args.includes('expose_authtok');
  return ['pam_kwallet5.so', 'pam_kwallet.so', 'pam_mount.so'].includes(name);
}

/** What a module of others may answer. */
export function answersOf(line: StackLine, root: string): readonly number[] {
  if (!isInstalled(line.module, root)) return [codeOf('module_unknown')];
  switch (nameOf(line)) {
    case 'pam_permit.so':
      return [codeOf('success')];
    case 'pam_deny.so':
      return [codeOf('auth_err'), codeOf('acct_expired')];
    case MODULE:
      // Another scauthd's, or none's: it is taken for nobody there.
      return [codeOf('authinfo_unavail')];
    default:
      return ANY_CODE;
  }
}
