// A sandbox whose PAM files have the account line too, and what a person does when the card is required.
import { writeFileSync } from 'node:fs';
import { ACCOUNT_LINE, ENFORCE_LINE, keepPeople } from '../sandbox/etc.ts';
import type { ExecResult, Sandbox } from '../sandbox/sandbox.ts';
import { expectCardLogin, pairCard, untilAgentSays } from './person.ts';

export { ACCOUNT_LINE };

const STACK = `auth      sufficient  pam_scauth.so
auth      required    pam_unix.so try_first_pass nodelay
${ACCOUNT_LINE}
account   required    pam_unix.so
session   required    pam_unix.so
`;

/** For programs that never come to the account phase, or do not heed it (pam_scauth(8)). */
const LOCKER_STACK = `${STACK}${ENFORCE_LINE}\n`;

export const BREAK_GLASS_PROMPT = /Or type the break-glass code: $/;
export const CARD_REQUIRED = 'This account needs its card.';

/** Takes out the people of the machine on which the test runs: root, ada and bob stay. */
export function requireNobodyElse(sandbox: Sandbox): void {
  keepPeople(sandbox.path(''), [sandbox.user, 'bob']);
}

/** Nobody but root, ada and bob; sudo, su, login and sshd ask scauthd in the account phase; `account-only` asks nothing else. */
export function requireAccountPhase(sandbox: Sandbox): void {
  const write = (service: string, text: string): void => {
    writeFileSync(sandbox.path(`/etc/pam.d/${service}`), text);
  };
  // common-auth: what xsecurelock asks on Debian.
  for (const service of ['sudo', 'sudo-i', 'login', 'sshd', 'polkit-1', 'xsecurelock', 'common-auth'])
    write(service, STACK);
  for (const service of ['xscreensaver', 'i3lock']) write(service, LOCKER_STACK);
  for (const service of ['su', 'su-l']) write(service, `auth sufficient pam_rootok.so\n${STACK}`);
  requireNobodyElse(sandbox);
  write('account-only', `auth required pam_permit.so\n${ACCOUNT_LINE}\naccount required pam_permit.so\n`);
}

/** sc_auth enforce, as root unless somebody is named. `on` has to be told what a scauthd that does not run means. */
export function enforce(
  sandbox: Sandbox,
  args: readonly string[],
  options: { readonly user?: string } = {},
): Promise<ExecResult> {
  const isTold = args[0] !== 'on' || args.includes('--agent-absent');
  const all = isTold ? args : [...args, '--agent-absent', 'open'];
  return sandbox.exec(['sc_auth', 'enforce', ...all], options);
}

/** @throws Error with what it said, if it does not end well */
export async function enforced(
  sandbox: Sandbox,
  ...args: readonly string[]
): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await enforce(sandbox, [...args, '--json']);
  if (code !== 0) throw new Error(`sc_auth enforce ${args.join(' ')}: ${code}\n${stdout}${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** The card of the sandbox's user is required, in all that {@link requireAccountPhase} names. @returns what `on` said */
export async function cardRequired(
  sandbox: Sandbox,
  ...args: readonly string[]
): Promise<Record<string, unknown>> {
  requireAccountPhase(sandbox);
  await pairCard(sandbox);
  await expectCardLogin(sandbox);
  const said = await enforced(sandbox, 'on', ...args);
  await expectCardLogin(sandbox);
  await untilAgentSays(sandbox, 'confirmed by the card login');
  return said;
}

/** pamtester's account phase, with nothing else in the stack; each item is `tty=/dev/tty1` or the like. */
export function accountPhase(
  sandbox: Sandbox,
  account: string,
  items: readonly string[] = [],
  service = 'account-only',
): Promise<ExecResult> {
  const set = items.flatMap((item) => ['-I', item]);
  return sandbox.exec(['pamtester', ...set, service, account, 'acct_mgmt']);
}
