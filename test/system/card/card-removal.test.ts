// Lock on removal with the real login, a display manager's PAM client and scauthd under its unit's restrictions: what
// logind (python3-dbusmock) is told when a card goes, and when nothing is. The rules one by one: test/unit/stories/removal/lock-on-removal.test.ts.

import { writeFileSync } from 'node:fs';
import test from 'ava';
import { underUnit } from '../install/unit.ts';
import { LogindMock } from '../../kit/logind/logind-mock.ts';
import { Units } from '../../kit/logind/units.ts';
import { buildPam } from '../../unit/pam/build.ts';
import { APP } from '../../kit/sandbox/namespace.ts';
import type { Pty } from '../../kit/sandbox/pty.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PIN_PROMPT } from '../../kit/person/person.ts';

let sandbox: Sandbox;
let units: Units;
let logind: LogindMock;
const GREETER = `${APP}/build/test-pam/plain/greeter`;
const ENTER = '/run/sandbox/enter-session';
const sessionUnit = (id: string): string => `user.slice/session-${id}.scope`;

/** What pam_systemd does: the process that opens a session is moved into its unit. */
async function playPamSystemd(service: string, session: string): Promise<void> {
  const script = `#!/bin/sh\necho $PPID >"${await units.make(sessionUnit(session))}/cgroup.procs"\n`;
  writeFileSync(sandbox.path(`${ENTER}-${session}`), script, { mode: 0o755 });
  const line = `session required pam_exec.so ${ENTER}-${session}\n`;
  writeFileSync(sandbox.path(`/etc/pam.d/${service}`), line, { flag: 'a' });
}

/** A program of root's on a terminal, in a unit of the system: it has no session yet. */
async function startInSystem(unit: string, argv: readonly string[]): Promise<Pty> {
  return sandbox.pty(await units.inside(`system.slice/${unit}`, argv, 'root'));
}

/** An unlock as a locker does it, in a session: the program ends at once. */
async function unlock(session: string, secret: string): Promise<void> {
  const argv = await units.inside(sessionUnit(session), [
    'pamtester',
    'i3lock',
    sandbox.user,
    'authenticate',
  ]);
  const { code, stdout, stderr } = await sandbox.exec(argv, { input: `${secret}\n` });
  if (code !== 0) throw new Error(`no unlock: ${stdout}${stderr}`);
}

async function configure(session: string): Promise<void> {
  writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), `[session]\n${session}\n`);
  const from = sandbox.agentLog().length;
  process.kill(sandbox.agentHostPid ?? 0, 'SIGHUP');
  await person.untilAgentSays(sandbox, 'new configuration', from);
}

/** Takes the card out, and waits until what follows has been done. @returns what scauthd said of it */
async function pullAndAct(): Promise<string> {
  const from = sandbox.agentLog().length;
  await person.pullCard(sandbox);
  return person.untilAgentSays(sandbox, /was taken out: session [^\n]*logind\n/, from);
}

const calls = async (): Promise<unknown> => ({
  lock: await logind.callsOf('LockSession'),
  terminate: await logind.callsOf('TerminateSession'),
});

test.before(async () => {
  buildPam();
  sandbox = await Sandbox.start({
    agentPrefix: underUnit(),
    config: '[session]\nremoval = "lock"\nremoval_grace = 600\n',
  });
  await person.pairCard(sandbox);
  const made = await sandbox.exec(['mkdir', '-p', '/run/systemd/seats']);
  if (made.code !== 0) throw new Error(made.stderr);
  units = await Units.start(sandbox);
  logind = await LogindMock.startIn(sandbox);
  const { uid, user } = sandbox;
  await logind.add({ id: '3', uid, user, type: 'tty', tty: 'tty2' });
  await logind.add({ id: '4', uid, user, type: 'x11', display: ':0' });
  await logind.add({ id: '5', uid, user, type: 'x11', display: ':1' });
  await logind.setDisplay(uid, '4');
  const services = await sandbox.exec(['sh', '-c', 'cd /etc/pam.d && cp login i3lock && cp login lightdm']);
  if (services.code !== 0) throw new Error(services.stderr);
  await playPamSystemd('login', '3');
  await playPamSystemd('lightdm', '5');
});

test.after.always(async () => {
  logind.stop();
  await sandbox.stop();
  units.remove();
});

let terminal: Pty;

test.serial(
  'logged in by card: another card’s removal does nothing, and one’s own card may be put back',
  async (t) => {
    terminal = await startInSystem('getty@tty2.service', ['login', sandbox.user]);
    await terminal.expect(PIN_PROMPT);
    terminal.send(`${sandbox.pin}\n`);
    await terminal.expect('$ ');
    // Other sessions of the same user: opened by password, and sudo, which opens none.
    await unlock('4', sandbox.password);
    await person.expectCardLogin(sandbox);

    let from = sandbox.agentLog().length;
    const other = await sandbox.addCard(['--key', 'p256:2', '--guid', '11'.repeat(16)]);
    await person.untilAgentSays(sandbox, 'token in', from);
    from = sandbox.agentLog().length;
    await other.eject();
    other.close();
    await person.untilAgentSays(sandbox, 'token out', from);

    from = sandbox.agentLog().length;
    await person.pullCard(sandbox);
    await person.untilAgentSays(sandbox, 'lock in 600 s unless it is put back', from);
    await person.insertCard(sandbox);
    const said = await person.untilAgentSays(sandbox, 'was put back in time', from);
    t.is(said.match(/unless it is put back/g)?.length, 1, 'one session, for one card');
    t.deepEqual(await calls(), { lock: [], terminate: [] });
  },
);

test.serial('pcscd goes and comes back, the card in it: nobody has taken it out', async (t) => {
  await configure('removal = "lock"');
  const from = sandbox.agentLog().length;
  await sandbox.restartPcscd();
  await person.untilAgentSays(sandbox, 'was put back in time', from);
  t.deepEqual(await calls(), { lock: [], terminate: [] });
});

test.serial('the card goes for good: that session is locked, no other, and it is recorded', async (t) => {
  t.regex(await pullAndAct(), /the card of ada was taken out: session 3, lock by logind/);
  t.deepEqual(await calls(), { lock: [['3']], terminate: [] });
  const locked = person
    .auditLines(sandbox)
    .filter(({ metadata }) => metadata.event_code === 'session-locked');
  t.is(locked.length, 1);
  t.like(locked[0], { status_detail: 'card-removed', user: { name: 'ada' }, session: { uid: '3' } });
  terminal.send('exit\n');
  await person.untilEnd(terminal);
  // Locked once: the same card again does nothing, until it has opened something again.
  await person.insertCard(sandbox);
  await person.reinsertCard(sandbox);
  t.deepEqual(await calls(), { lock: [['3']], terminate: [] });
});

test.serial('unlocked by card: the session of the locker, which has ended by then', async (t) => {
  await unlock('5', sandbox.pin);
  t.regex(await pullAndAct(), /session 5, lock by logind/);
  t.deepEqual(await calls(), { lock: [['3'], ['5']], terminate: [] });
  await person.insertCard(sandbox);
});

test.serial(
  'a display manager’s login without a name, and removal = "logout": the session is ended',
  async (t) => {
    await configure('removal = "logout"');
    const greeter = await startInSystem('lightdm.service', [GREETER, 'lightdm', 'cat']);
    await greeter.expect(/ask=1:PIN of [^\n]*\n/);
    greeter.send(`${sandbox.pin}\n`);
    await greeter.expect('open-session=0');
    t.regex(await pullAndAct(), /session 5, logout by logind/);
    t.deepEqual(await calls(), { lock: [['3'], ['5']], terminate: [['5']] });
    greeter.send('\x04');
    t.regex((await person.untilEnd(greeter)).screen, /user=ada\r?\n[^]*session=0/);
  },
);
