// What the tests of S12 share: whether `enforce on` refuses, and what a right password opens once it is on.

import { rmSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { CARD_REQUIRED, enforce, enforced, requireNobodyElse } from '../../kit/person/enforcement.ts';
import * as person from '../../kit/person/person.ts';
import { answer, PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';

/** Debian's, and our line in front of them by hand. */
export const COMMON_AUTH = `auth [success=2 default=ignore] pam_scauth.so
auth [success=1 default=ignore] pam_unix.so nullok
auth requisite pam_deny.so
auth required pam_permit.so
`;
export const COMMON_ACCOUNT = `account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so
account requisite pam_deny.so
account required pam_permit.so
`;
export const COMMON = '@include common-auth\n@include common-account\nsession required pam_unix.so\n';
export const SERVICES = ['sudo', 'sudo-i', 'login', 'su', 'su-l', 'polkit-1'];
const LOCKERS = ['i3lock', 'xscreensaver', 'swaylock', 'vlock', 'xsecurelock'];

/** A sandbox in which nobody would be shut out: Ada has used her card, Bob is exempt. */
export async function startCovered(): Promise<Sandbox> {
  const sandbox = await Sandbox.start({ config: '' });
  requireNobodyElse(sandbox);
  await person.addUser(sandbox, 'bob');
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
  await enforced(sandbox, 'exempt', 'bob', '--until', '8h');
  for (const name of LOCKERS) rmSync(sandbox.path(`/etc/pam.d/${name}`), { force: true });
  return sandbox;
}

/** Writes each service, and takes the others of that kind away. */
export function install(sandbox: Sandbox, files: Readonly<Record<string, string>>): void {
  const path = (name: string): string => sandbox.path(`/etc/pam.d/${name}`);
  for (const name of [...SERVICES, 'system-auth', 'common-auth', 'common-account'])
    rmSync(path(name), { force: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(path(name), text);
}

export function everywhere(text: string): Record<string, string> {
  return Object.fromEntries(SERVICES.map((name) => [name, text]));
}

export interface Cover {
  readonly service: string;
  readonly state: string;
  readonly why: string;
  readonly repair: string | null;
}

/** It refuses because of the PAM files. @returns what is not covered */
export async function refused(t: ExecutionContext, sandbox: Sandbox): Promise<Cover[]> {
  const on = await enforce(sandbox, ['on', '--json']);
  t.is(on.code, 3, on.stderr);
  const said = JSON.parse(on.stdout) as { error: string; message: string; services: Cover[] };
  t.is(said.error, 'not-covered', said.message);
  t.false(on.stdout.includes('breakGlass'));
  t.like(await enforced(sandbox, 'status'), { state: 'off' });
  return said.services.filter(({ state }) => state === 'uncovered');
}

async function login(sandbox: Sandbox): Promise<string> {
  const pty = sandbox.pty(['login', sandbox.user]);
  await pty.expect(PIN_PROMPT);
  pty.send('\n');
  await pty.expect(PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  await pty.expect(/break-glass code: $|\$ $/);
  pty.send(pty.screen.endsWith('$ ') ? 'exit\n' : '\n');
  return (await person.untilEnd(pty)).screen;
}

/** It says on, and the right password opens neither sudo nor login. */
export async function holds(t: ExecutionContext, sandbox: Sandbox, title: string): Promise<void> {
  const on = await enforced(sandbox, 'on');
  const { state, rehearsed } = on as { state: string; rehearsed: string[] };
  t.is(state, 'trial', title);
  for (const service of ['login', 'sudo']) t.true(rehearsed.includes(service), `${title}: ${service}`);
  const sudo = await answer(person.startSudo(sandbox), [
    [PIN_PROMPT, ''],
    [PASSWORD_PROMPT, sandbox.password],
    [/break-glass code: $/, ''],
  ]);
  t.not(sudo.code, 0, title);
  t.false(ROOT.test(sudo.screen), title);
  t.true(sudo.screen.includes(CARD_REQUIRED), sudo.screen);
  const screen = await login(sandbox);
  t.true(screen.includes(CARD_REQUIRED), `${title}: ${screen}`);
  t.is((await enforce(sandbox, ['status'])).code, 0, title);
}
