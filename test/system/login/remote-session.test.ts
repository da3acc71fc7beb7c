// L18 and L19 on the real programs: scauthd under the restrictions of its unit, /proc with hidepid=2, real control
// groups, the real sshd and ssh; only logind is played (python3-dbusmock). PAM_RHOST is not what decides.

import { writeFileSync } from 'node:fs';
import test from 'ava';
import { underUnit } from '../install/unit.ts';
import { LogindMock } from '../../kit/logind/logind-mock.ts';
import { Units } from '../../kit/logind/units.ts';
import type { Pty } from '../../kit/sandbox/pty.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { answer, PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';
import { startSshd, ssh } from '../../kit/person/sshd.ts';

let sandbox: Sandbox;
let units: Units;
let logind: LogindMock;
const LOCAL = 'user.slice/session-3.scope';
const REMOTE = 'user.slice/session-5.scope';
let manager: string;

test.before(async () => {
  sandbox = await Sandbox.start({ agentPrefix: underUnit() });
  await person.pairCard(sandbox);
  const script = 'mkdir -p /run/systemd/seats && mount -o remount,hidepid=2 /proc';
  const made = await sandbox.exec(['sh', '-c', script]);
  if (made.code !== 0) throw new Error(made.stderr);
  units = await Units.start(sandbox);
  logind = await LogindMock.startIn(sandbox);
  const { uid, user } = sandbox;
  manager = `user.slice/user@${uid}.service/app.slice`;
  await logind.add({ id: '3', uid, user, type: 'tty', tty: 'tty2' });
  await logind.add({ id: '5', uid, user, type: 'tty', tty: 'pts/0', seat: null, remoteHost: '192.0.2.7' });
  await startSshd(sandbox, units, REMOTE);
});

test.after.always(async () => {
  logind.stop();
  await sandbox.stop();
  units.remove();
});

test.beforeEach(() => person.freshCard(sandbox));

/** A program on a terminal in a unit, as ada. */
async function start(
  unit: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Pty> {
  return sandbox.pty(await units.inside(unit, argv), {
    env: { ...sandbox.environment(sandbox.user), ...env },
  });
}

async function onlyPassword(pty: Pty): Promise<string> {
  const { code, screen } = await answer(pty, [[PASSWORD_PROMPT, sandbox.password]]);
  if (code !== 0 || !ROOT.test(screen)) throw new Error(`not let in by the password:\n${screen}`);
  return screen;
}

test.serial(
  'in the session at the seat sudo asks for the PIN, and the audit log names the session',
  async (t) => {
    const { code, screen } = await answer(await start(LOCAL, ['sudo', 'id', '-u']), [
      [PIN_PROMPT, sandbox.pin],
    ]);
    t.is(code, 0);
    t.regex(screen, ROOT);
    const line = person.auditLines(sandbox).findLast(({ metadata }) => metadata.event_code === 'login');
    t.regex(JSON.stringify(line), /"session":\{"uid":"3"[,}]/u);
  },
);

test.serial(
  'L18: in a session from another host sudo asks for the password and says nothing of a card',
  async (t) => {
    const screen = await onlyPassword(await start(REMOTE, ['sudo', 'id', '-u']));
    t.notRegex(screen, /PIN|card/iu);
    t.deepEqual(await person.apduNames(sandbox), []);
    await person.untilAudited(sandbox, 'remote-not-allowed');
    t.regex(sandbox.auditLog(), /Session 5 of ada, from 192\.0\.2\.7/u);
  },
);

test.serial(
  'L18: neither the environment nor a terminal of the seat makes a remote session local',
  async (t) => {
    const env = { XDG_SESSION_ID: '3', XDG_SEAT: 'seat0', DISPLAY: ':0', SSH_CONNECTION: '', XDG_VTNR: '2' };
    const screen = await onlyPassword(await start(REMOTE, ['sudo', 'id', '-u'], env));
    t.notRegex(screen, /PIN/u);
  },
);

test.serial('L18: sshd: no prompt for the card at the login, and none for sudo after it', async (t) => {
  const pty = ssh(sandbox, ['sudo', 'id', '-u']);
  const { code, screen } = await answer(pty, [
    [PASSWORD_PROMPT, sandbox.password],
    [PASSWORD_PROMPT, sandbox.password],
  ]);
  t.is(code, 0, screen);
  t.regex(screen, ROOT);
  t.notRegex(screen, /PIN|card/iu);
  t.is(await sandbox.card.verifyCount(), 0);
});

test.serial(
  'L18: with a remote session beside the local one, a program of the user’s manager is not local',
  async (t) => {
    const screen = await onlyPassword(await start(manager, ['sudo', 'id', '-u']));
    t.notRegex(screen, /PIN/u);
    await logind.remove({ id: '5', uid: sandbox.uid });
    const { code } = await answer(await start(manager, ['sudo', 'id', '-u']), [[PIN_PROMPT, sandbox.pin]]);
    t.is(code, 0);
    const { uid, user } = sandbox;
    await logind.add({ id: '5', uid, user, type: 'tty', tty: 'pts/0', seat: null, remoteHost: '192.0.2.7' });
  },
);

test.serial(
  'L19: a locker that runs as the user: its session by the process, although /proc hides others',
  async (t) => {
    const run = async (unit: string, secret: string) =>
      sandbox.exec(await units.inside(unit, ['pamtester', 'scauth-test', sandbox.user, 'authenticate']), {
        input: `${secret}\n`,
      });
    const hidden = await sandbox.exec(['cat', '/proc/1/comm'], { user: sandbox.user });
    t.not(hidden.code, 0, 'hidepid=2 is in force');
    t.is((await run(LOCAL, sandbox.pin)).code, 0);
    t.not((await run(REMOTE, sandbox.pin)).code, 0);
    await person.untilAudited(sandbox, 'remote-not-allowed');
    t.is(await sandbox.card.verifyCount(), 1);
  },
);

test.serial('explain and the rehearsal say which session it is', async (t) => {
  const explain = async (unit: string): Promise<string> => {
    const argv = await units.inside(unit, ['sc_auth', 'explain', '--json']);
    return (await sandbox.exec(argv, { env: sandbox.environment(sandbox.user) })).stdout;
  };
  t.regex(await explain(LOCAL), /Session 3 of ada at seat0 \(tty tty2\)/u);
  const { broken, links } = JSON.parse(await explain(REMOTE)) as {
    broken: string;
    links: { detail: string }[];
  };
  t.is(broken, 'session');
  t.regex(
    links.at(-1)?.detail ?? '',
    /^Session 5 of ada, from 192\.0\.2\.7\. Only a session at this machine/u,
  );
  const rehearsal = await start(REMOTE, ['sc_auth', 'test']);
  const { code, screen } = await person.untilEnd(rehearsal);
  t.not(code, 0);
  t.notRegex(screen, /Enter PIN/u);
});

test.serial(
  'L18: from another host no PIN or PUK goes to the card in the machine; root pairs from anywhere',
  async (t) => {
    const env = sandbox.environment(sandbox.user);
    const own = await person.cardHash(sandbox);
    for (const command of [`pair -h ${own}`, 'verifypin', 'changepin', 'unblock', 'keyring enable']) {
      const argv = await units.inside(REMOTE, ['sc_auth', ...command.split(' ')]);
      const { code, stderr } = await sandbox.exec(argv, { env, input: `${sandbox.pin}\n`.repeat(3) });
      t.is(code, 3, `${command}: ${stderr}`);
      t.regex(stderr, /Do this at the machine itself/u, command);
    }
    t.is(await sandbox.card.verifyCount(), 0);
    const here = await units.inside(LOCAL, ['sc_auth', 'verifypin']);
    t.is((await sandbox.exec(here, { env, input: `${sandbox.pin}\n` })).code, 0);
    const asRoot = async (...args: string[]) =>
      sandbox.exec(await units.inside(REMOTE, ['sc_auth', ...args], 'root'));
    const hash = '00112233445566778899AABBCCDDEEFF00112233';
    t.is((await asRoot('pair', '-u', sandbox.user, '-h', hash)).code, 0);
    t.is((await asRoot('unpair', '-u', sandbox.user, '-h', hash)).code, 0);
  },
);

test.serial('a logind that hangs: sudo goes on to the password, and later to the card again', async (t) => {
  logind.freeze(true);
  const screen = await onlyPassword(await start(LOCAL, ['sudo', 'id', '-u']));
  t.notRegex(screen, /PIN/u);
  logind.freeze(false);
  const { code } = await answer(await start(LOCAL, ['sudo', 'id', '-u']), [[PIN_PROMPT, sandbox.pin]]);
  t.is(code, 0);
});

test.serial('login.remote = true: the remote session is asked for the PIN', async (t) => {
  writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), '[login]\nremote = true\n');
  const from = sandbox.agentLog().length;
  process.kill(sandbox.agentHostPid ?? 0, 'SIGHUP');
  await person.untilAgentSays(sandbox, 'new configuration', from);
  const { code } = await answer(await start(REMOTE, ['sudo', 'id', '-u']), [[PIN_PROMPT, sandbox.pin]]);
  t.is(code, 0);
});
