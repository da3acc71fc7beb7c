// pcscd and the card fail at each step of a login: the person reads what to do, the password has its turn, scauthd
// lives, and the next login works at the first try. What scauthd itself does wrong is in outages.test.ts.
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT } from '../../kit/person/person.ts';
import { PcscClient } from '../../kit/person/pcsc-client.ts';

let sandbox: Sandbox;
let pid: number | null;
const PULLED = 'The card was taken out. Put it back and try again, or use your password.';
const SILENT = 'The card does not answer. Take it out, put it back and try again, or use your password.';
const BUSY = 'Another program is using the card. Try again in a moment, or use your password.';
const NO_SERVICE = 'The smart card service (pcscd) does not run. Use your password.';

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.pairCard(sandbox);
  pid = sandbox.agentHostPid;
});
test.beforeEach(() => person.freshCard(sandbox));
test.afterEach((t) => {
  t.true(person.isAlive(pid), 'scauthd lives');
});
test.after.always(() => sandbox.stop());

test.serial(
  'pcscd is stopped: a sentence and the password; started again: the first login works',
  async (t) => {
    const from = sandbox.agentLog().length;
    await sandbox.stopPcscd();
    await person.untilAgentSays(sandbox, 'pcscd is not reachable', from);
    const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
    t.is(code, 0, screen);
    t.true(screen.includes(NO_SERVICE), screen);
    const powered = sandbox.card.nextPowerOn();
    await sandbox.startPcscd();
    await powered;
    await person.expectCardLogin(sandbox);
  },
);

test.serial('pcscd is restarted between two logins: the second works at the first try', async (t) => {
  await person.expectCardLogin(sandbox);
  await sandbox.restartPcscd();
  await person.expectCardLogin(sandbox);
  t.pass();
});

test.serial('pcscd dies while the PIN is asked for', async (t) => {
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  const powered = sandbox.card.nextPowerOn();
  await sandbox.stopPcscd();
  pty.send(`${sandbox.pin}\n`);
  await pty.expect(PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  const { code, screen } = await person.untilEnd(pty);
  t.is(code, 0, screen);
  t.is(await sandbox.card.verifyCount(), 0);
  await sandbox.startPcscd();
  await powered;
  await person.expectCardLogin(sandbox);
});

for (const [what, fault] of [
  ['VERIFY', { kind: 'eject', ins: '20', body: true }],
  ['VERIFY, after the card took it', { kind: 'eject-after', ins: '20', body: true }],
  ['GENERAL AUTHENTICATE', { kind: 'eject', ins: '87' }],
  ['GENERAL AUTHENTICATE, before its answer', { kind: 'eject-after', ins: '87' }],
] as const) {
  test.serial(`the card is pulled at ${what}`, async (t) => {
    await sandbox.card.misbehave(fault);
    const from = sandbox.agentLog().length;
    const screen = await person.passwordAfterPin(sandbox);
    t.true(screen.includes(PULLED), screen);
    await person.untilAgentSays(sandbox, 'token out', from);
    await person.insertCard(sandbox);
    await person.expectCardLogin(sandbox);
  });
}

test.serial('the card is pulled at the de-verify: the login stands', async (t) => {
  const from = sandbox.agentLog().length;
  await sandbox.card.misbehave({ kind: 'eject', ins: '20', p1: 'FF' });
  await person.expectCardLogin(sandbox);
  await person.untilAgentSays(sandbox, 'token out', from);
  await person.insertCard(sandbox);
  await person.expectCardLogin(sandbox);
  t.pass();
});

test.serial('the card goes in just before sudo: it works at the first try', async (t) => {
  for (let round = 0; round < 3; round++) {
    await person.pullCard(sandbox);
    await sandbox.card.insert();
    await person.expectCardLogin(sandbox);
  }
  t.pass();
});

test.serial('the card is pulled while the PIN is asked for', async (t) => {
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  await person.pullCard(sandbox);
  pty.send(`${sandbox.pin}\n`);
  await pty.expect(PULLED);
  await pty.expect(PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  t.is((await person.untilEnd(pty)).code, 0);
  await person.insertCard(sandbox);
  await person.expectCardLogin(sandbox);
});

test.serial('the card never answers: a sentence and the password; put in again, it works', async (t) => {
  await sandbox.card.misbehave({ kind: 'hang', ins: '87' });
  const screen = await person.passwordAfterPin(sandbox);
  t.true(screen.includes(SILENT), screen);
  await person.untilAudited(sandbox, 'card-timeout');
  await person.reinsertCard(sandbox);
  await person.expectCardLogin(sandbox);
});

test.serial('another program has the card: a sentence, the password; later it works', async (t) => {
  const other = await PcscClient.connect(sandbox);
  await other.do('begin');
  const screen = await person.passwordAfterPin(sandbox);
  t.true(screen.includes(BUSY), screen);
  t.is(await sandbox.card.verifyCount(), 0);
  await other.do('end');
  await other.close();
  await person.expectCardLogin(sandbox);
});
