// L8: where PIN and password are after use: not in scauthd's memory, its log, its audit log, its database, in no core.
// The search is from outside, as root. What it cannot see (the kernel, pcscd, the PAM client) is in THREATS.md.
import { readdirSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { findInMemory } from '../../kit/person/memory.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT } from '../../kit/person/person.ts';

let sandbox: Sandbox;
/** Nothing else in the machine has these bytes by chance. */
const PIN = '84629175';
const WRONG_PIN = '73018462';
const PASSWORD = 'vermilion-Otter-58';
const CANARY = 'canary-that-must-be-found';

test.before(async () => {
  sandbox = await Sandbox.start({
    pin: PIN,
    password: PASSWORD,
    // The sandbox's variables hold the secrets for those who test; scauthd does not get them.
    agentEnv: { SCAUTH_PIN: '', SCAUTH_PASSWORD: '', SCAUTH_ROOT_PASSWORD: '', CANARY },
  });
  await person.pairCard(sandbox);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

function expectForgotten(t: ExecutionContext, ...secrets: readonly string[]): void {
  const pid = sandbox.agentHostPid ?? 0;
  t.true(findInMemory(pid, CANARY).length > 0, 'the search finds what is there');
  for (const secret of secrets) {
    t.deepEqual(findInMemory(pid, secret), [], `${secret} in memory`);
    t.false(sandbox.agentLog().includes(secret));
    t.false(sandbox.auditLog().includes(secret));
    const state = sandbox.path('/run/sandbox/state');
    for (const file of readdirSync(state)) t.false(readFileSync(`${state}/${file}`).includes(secret), file);
  }
}

test.serial('after a pairing with password and PIN', (t) => {
  expectForgotten(t, PIN, PASSWORD);
});

test.serial('while the card works the PIN is there: the search would find it', async (t) => {
  await sandbox.card.misbehave({ kind: 'hang', ins: '20', p1: '00', skip: 1 });
  const counted = sandbox.card.waitForAnswer({ ins: '20' });
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  await counted;
  const verifying = sandbox.card.waitFor({ ins: '20' });
  pty.send(`${PIN}\n`);
  await verifying;
  t.true(findInMemory(sandbox.agentHostPid ?? 0, PIN).length > 0);
  const released = sandbox.card.waitForAnswer({ ins: '20', p1: 'FF' });
  await sandbox.card.release();
  t.is((await person.untilEnd(pty)).code, 0);
  await released;
  expectForgotten(t, PIN);
});

test.serial('after logins with the right PIN', async (t) => {
  for (let login = 0; login < 5; login++)
    await person.untilReleased(sandbox, () => person.expectCardLogin(sandbox));
  expectForgotten(t, PIN);
});

test.serial('after a wrong PIN', async (t) => {
  await person.sudo(sandbox, [PIN_PROMPT, WRONG_PIN], [PASSWORD_PROMPT, PASSWORD]);
  expectForgotten(t, WRONG_PIN, PASSWORD);
});

test.serial('after a password at the PIN prompt', async (t) => {
  const { code, screen } = await person.sudo(sandbox, [PIN_PROMPT, PASSWORD]);
  t.is(code, 0, screen);
  expectForgotten(t, PASSWORD);
});

test.serial('after Ctrl-C, and after a card that fails in the middle', async (t) => {
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  pty.send(PIN);
  await person.interrupt(pty);
  for (const ins of ['20', '87']) {
    await sandbox.card.misbehave({ kind: 'status', sw: '6F00', ins, body: true });
    await person.sudo(sandbox, [PIN_PROMPT, PIN], [PASSWORD_PROMPT, PASSWORD]);
  }
  expectForgotten(t, PIN, PASSWORD);
});

test.serial('after verifypin, and after a pairing that is refused', async (t) => {
  const user = sandbox.user;
  const right = await sandbox.exec(['sc_auth', 'verifypin'], { user, input: `${PIN}\n` });
  t.is(right.code, 0, right.stderr);
  const wrong = await sandbox.exec(['sc_auth', 'verifypin'], { user, input: `${WRONG_PIN}\n` });
  t.is(wrong.code, 3);
  await sandbox.exec(['sc_auth', 'unpair'], { user });
  for (const input of [`${PASSWORD}-not\n${PIN}\n`, `${PASSWORD}\n${WRONG_PIN}\n`]) {
    const refused = await sandbox.exec(['sc_auth', 'pair', '-h', await person.cardHash(sandbox)], {
      user,
      input,
    });
    t.is(refused.code, 3, refused.stderr);
  }
  await person.freshCard(sandbox);
  await person.pairCard(sandbox);
  expectForgotten(t, PIN, WRONG_PIN, PASSWORD);
});

test.serial('no core dump: not by limit, not by flag, not by SIGSEGV', async (t) => {
  const pid = sandbox.agentHostPid ?? 0;
  t.regex(readFileSync(`/proc/${pid}/limits`, 'latin1'), /^Max core file size\s+0\s+0\s/m);
  const before = await cores();
  process.kill(pid, 'SIGSEGV');
  const { screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, PASSWORD]);
  t.regex(screen, person.ROOT);
  t.false(person.isAlive(pid));
  t.deepEqual(await cores(), before);
  await sandbox.startAgent();
});

test.serial('the secrets’ memory is locked and left out of dumps', (t) => {
  const smaps = readFileSync(`/proc/${sandbox.agentHostPid ?? 0}/smaps`, 'latin1');
  const locked = [...smaps.matchAll(/^Locked:\s+(\d+) kB\n(?:[^\n]*\n)*?VmFlags:([^\n]*)/gm)].filter(
    ([, kilobytes]) => Number(kilobytes) > 0,
  );
  t.true(locked.some(([, , flags = '']) => /\bdd\b/.test(flags) && /\blo\b/.test(flags)));
});

/** Files that a core dump could be: in the places where a process that dies leaves one. */
async function cores(): Promise<string> {
  const { stdout } = await sandbox.exec([
    'find',
    '/',
    '/run/scauth',
    '/run/sandbox',
    '/tmp',
    '-maxdepth',
    '1',
    '-name',
    '*core*',
  ]);
  return stdout;
}
