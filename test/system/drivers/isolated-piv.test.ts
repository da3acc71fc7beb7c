// PIV in a process of its own (`[piv] isolate = true`), on the real pcscd: the same login, the same counter, the card as
// closed as before; what goes wrong with the process is told and costs one login at most.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { strangerSignStatus } from '../../kit/person/pcsc-client.ts';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { listDrivers, problemsOf } from './driver-list.ts';
import { driverPid } from './processes.ts';

const PROGRAM = 'piv/program.';
let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start({ config: '[piv]\nisolate = true\n' });
  await person.pairCard(sandbox);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

test.serial('L7: a login by a process of its own; then the card needs its PIN again', async (t) => {
  await person.expectCardLogin(sandbox);
  t.is(await sandbox.card.verifyCount(), 1);
  t.is(await strangerSignStatus(sandbox), '6982');
  const status = readFileSync(`/proc/${driverPid(sandbox, PROGRAM)}/status`, 'utf8');
  t.regex(status, /^CapBnd:\t0+$/m);
  t.true(Number(/^Uid:\t(\d+)/m.exec(status)?.[1]) >= 0x70000000);
});

test.serial('a wrong PIN costs one try, and the person hears how many are left', async (t) => {
  const { code, screen } = await person.sudo(
    sandbox,
    [person.PIN_PROMPT, person.WRONG_PIN],
    [person.PASSWORD_PROMPT, sandbox.password],
  );
  t.is(code, 0, screen);
  t.regex(screen, /Wrong PIN\. 2 tries left\./);
  t.is(await sandbox.card.getTries(), 2);
});

test.serial('changepin: the new PIN opens sudo, and this process has seen neither', async (t) => {
  const input = `${sandbox.pin}\n48151623\n48151623\n`;
  const { code, stdout, stderr } = await sandbox.exec(['sc_auth', 'changepin'], {
    user: sandbox.user,
    input,
  });
  t.deepEqual([code, stdout], [0, 'PIN changed\n'], stderr + sandbox.agentLog());
  t.is(await strangerSignStatus(sandbox), '6982');
  t.regex((await person.sudo(sandbox, [person.PIN_PROMPT, '48151623'])).screen, person.ROOT);
  const wrong = await sandbox.exec(['sc_auth', 'changepin'], { user: sandbox.user, input });
  t.is(wrong.code, 3);
  t.regex(wrong.stderr, /Wrong PIN\. 2 tries left/);
});

test.serial('the last try is kept for a yes', async (t) => {
  await person.pullCard(sandbox);
  await sandbox.card.setTries(1);
  await person.insertCard(sandbox);
  const { code, screen } = await person.sudo(
    sandbox,
    [person.CONSENT_PROMPT, ''],
    [person.PASSWORD_PROMPT, sandbox.password],
  );
  t.is(code, 0, screen);
  t.is(await sandbox.card.getTries(), 1);
});

test.serial('a process that hangs is ended, the log says so, and the next login works', async (t) => {
  await person.reinsertCard(sandbox);
  const pid = driverPid(sandbox, PROGRAM);
  const from = sandbox.agentLog().length;
  process.kill(pid, 'SIGSTOP');
  const pty = person.startSudo(sandbox);
  await pty.expect(person.PIN_PROMPT);
  pty.send(`${sandbox.pin}\n`);
  await pty.expect(person.PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  t.is((await person.untilEnd(pty)).code, 0);
  t.regex(sandbox.agentLog().slice(from), /driver org\.scauth\.piv.* did not answer pinState within 5000 ms/);
  t.regex(await problemsOf(sandbox, 'org.scauth.piv'), /did not answer pinState within 5000 ms/);
  t.is(await sandbox.card.getTries(), 3);
  await person.untilGone(pid);
  // The card stays in: it is read anew by itself.
  await person.untilAgentSays(sandbox, 'token in: org.scauth.piv:', from);
  await person.expectCardLogin(sandbox);
  t.regex(await problemsOf(sandbox, 'org.scauth.piv'), /did not answer.* UTC; it has answered since\)$/);
  t.not(driverPid(sandbox, PROGRAM), pid);
});

test.serial('a process that is killed while nobody asks costs nobody a login', async (t) => {
  const pid = driverPid(sandbox, PROGRAM);
  const from = sandbox.agentLog().length;
  process.kill(pid, 'SIGKILL');
  await person.untilAgentSays(sandbox, 'token in: org.scauth.piv:', from);
  t.not(driverPid(sandbox, PROGRAM), pid);
  await person.expectCardLogin(sandbox);
});

test.serial('the shipped drivers have the version of scauth', async (t) => {
  const { stdout } = await sandbox.exec(['sc_auth', '--version']);
  const drivers = await listDrivers(sandbox);
  t.deepEqual(
    drivers.map(({ version }) => `sc_auth ${version}\n`),
    [stdout, stdout],
  );
});
