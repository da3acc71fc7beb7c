// A card is required: su that its user stops in the account phase, and a scauthd that does not run, which lets nobody in
// (enforcement.agent_absent = "closed") or whoever has the password ("open"); and root at a seat, who gets in by logind's
// word and by no claim of a program.
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { Variant } from 'dbus-native';
import { processFacts } from '../../../agent/base/process-identity.ts';
import { BREAK_GLASS_PROMPT, CARD_REQUIRED, cardRequired } from '../../kit/person/enforcement.ts';
import { LogindMock } from '../../kit/logind/logind-mock.ts';
import { Units } from '../../kit/logind/units.ts';
import * as person from '../../kit/person/person.ts';
import { answer, PASSWORD_PROMPT, ROOT } from '../../kit/person/person.ts';
import type { Pty } from '../../kit/sandbox/pty.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

let sandbox: Sandbox;
let units: Units | null = null;
const UNANSWERED = /This account needs its card, and the card service does not answer/;
const GOT_IN = /^got in/m;
/** For su, whose module waits for one second here; far longer than that. */
const STOPPED_MS = 3000;

test.before(async () => {
  sandbox = await Sandbox.start({ config: '' });
  await cardRequired(sandbox, '--agent-absent', 'closed');
  const su = sandbox.path('/etc/pam.d/su');
  writeFileSync(su, readFileSync(su, 'utf8').replaceAll('pam_scauth.so', 'pam_scauth.so timeout=1'));
  await person.pullCard(sandbox);
});
test.after.always(async () => {
  await sandbox.stop();
  units?.remove();
});

/** nsenter, which started scauthd, stops itself when its child is stopped, and has to go on as well: it reaps it. */
function signalAgent(name: 'SIGSTOP' | 'SIGCONT'): void {
  const pid = sandbox.agentHostPid;
  if (pid === null) throw new Error('scauthd does not run');
  process.kill(pid, name);
  const parent = processFacts(pid)?.parentPid;
  if (name === 'SIGCONT' && parent !== undefined) process.kill(parent, name);
}

/** su for oneself, at its password prompt. */
async function su(): Promise<{ pty: Pty; pid: string }> {
  // A shell between it and nsenter, which stops itself with a child that is stopped.
  const script = `(echo "pid $BASHPID"; exec su ${sandbox.user} -c "echo got in"); exit $?`;
  const pty = sandbox.pty(['bash', '-c', script], { user: sandbox.user });
  const [, pid = ''] = await pty.expect(/pid (\d+)/);
  await pty.expect(PASSWORD_PROMPT);
  return { pty, pid };
}

function sockets(pid: string): number {
  const folder = sandbox.path(`/proc/${pid}/fd`);
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`).startsWith('socket:');
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

/** As its own user may. */
async function signalSu(name: 'STOP' | 'CONT', pid: string): Promise<void> {
  const { code, stderr } = await sandbox.exec(['kill', `-${name}`, pid], { user: sandbox.user });
  if (code !== 0) throw new Error(stderr);
}

test.serial(
  'S3: su that its user stops in the account phase hears the answer that came meanwhile',
  async (t) => {
    const { pty, pid } = await su();
    const before = sockets(pid);
    signalAgent('SIGSTOP');
    pty.send(`${sandbox.password}\n`);
    // The account phase has begun where the module is connected, and scauthd has said nothing yet.
    while (sockets(pid) <= before) await pause(10);
    await signalSu('STOP', pid);
    signalAgent('SIGCONT');
    await pause(STOPPED_MS);
    await signalSu('CONT', pid);
    const { code, screen } = await answer(pty, [[BREAK_GLASS_PROMPT, '']]);
    t.not(code, 0, screen);
    t.true(screen.includes(CARD_REQUIRED), screen);
    t.notRegex(screen, GOT_IN);
  },
);

for (const [choice, gets] of [
  ['closed', 'nobody'],
  ['open', 'whoever has the password'],
] as const)
  test.serial(
    `S3: scauthd is gone, and that is ${choice}: ${gets} gets in, also where su was stopped`,
    async (t) => {
      if (sandbox.agentHostPid === null) await sandbox.startAgent();
      // Where `enforce on` has written its choice.
      const file = sandbox.path('/etc/scauth/scauth.d/50-enforcement.toml');
      writeFileSync(file, `[enforcement]\nagent_absent = "${choice}"\n`);
      await sandbox.restartAgent();
      await sandbox.stopAgent();
      const opens = choice === 'open';
      const sudo = sandbox.pty(['sudo', 'id', '-u'], { user: sandbox.user });
      const { code, screen } = await answer(sudo, [[PASSWORD_PROMPT, sandbox.password]]);
      t.is(code === 0, opens, screen);
      t.is(ROOT.test(screen), opens, screen);
      t.is(UNANSWERED.test(screen), !opens, screen);
      const { pty, pid } = await su();
      pty.send(`${sandbox.password}\n`);
      // Somewhere between the two phases.
      await signalSu('STOP', pid);
      await pause(STOPPED_MS);
      await signalSu('CONT', pid);
      const stopped = await person.untilEnd(pty);
      t.is(GOT_IN.test(stopped.screen), opens, stopped.screen);
    },
  );

test.serial('S6: root at a seat by logind’s word gets in, and by PAM_TTY alone does not', async (t) => {
  await sandbox.startAgent();
  const made = await sandbox.exec(['mkdir', '-p', '/run/systemd/seats']);
  t.is(made.code, 0);
  units = await Units.start(sandbox);
  const logind = await LogindMock.startIn(sandbox);
  t.teardown(() => {
    logind.stop();
  });
  await logind.add({ id: '9', uid: 0, user: 'root', type: 'tty', tty: 'tty1' });
  const login = ['pamtester', '-I', 'tty=/dev/tty1', 'login', 'root', 'authenticate', 'acct_mgmt'];
  const byPassword = async (argv: readonly string[]) =>
    sandbox.exec(argv, { input: `${sandbox.rootPassword}\n\n` });
  const inSession = await units.inside('user.slice/user-0.slice/session-9.scope', login, 'root');
  const atSeat = await byPassword(inSession);
  t.is(atSeat.code, 0, atSeat.stdout + atSeat.stderr);
  t.not((await byPassword(login)).code, 0, 'a process of no session');
  await logind.change('9', { State: new Variant('s', 'online') });
  t.not((await byPassword(inSession)).code, 0, 'a session that is not in front');
});
