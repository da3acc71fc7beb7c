// The terminal around a login: what is typed while the card works (L20), and what the command inherits from us (L14).
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT } from '../../kit/person/person.ts';

let sandbox: Sandbox;
const TYPED_AHEAD = 'typed-while-the-card-works';

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.pairCard(sandbox);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

test.serial('L20: what is typed while the card works neither shows nor reaches the command', async (t) => {
  await sandbox.card.misbehave({ kind: 'hang', ins: '87' });
  const pty = person.startSudo(sandbox, ['sh', '-c', 'echo started; IFS= read -r line; echo "got:$line:"']);
  await pty.expect(PIN_PROMPT);
  const signing = sandbox.card.waitFor({ ins: '87' });
  pty.send(`${sandbox.pin}\n`);
  await signing;
  pty.send(`${TYPED_AHEAD}\n`);
  await sandbox.card.release();
  await pty.expect('started');
  pty.send('for the command\n');
  const { screen } = await person.untilEnd(pty);
  t.regex(screen, /^got:for the command:\r?$/m);
  t.false(screen.includes(TYPED_AHEAD), screen);
});

test.serial('L20: nor after a card that failed: the password prompt starts empty', async (t) => {
  await sandbox.card.misbehave({ kind: 'hang', ins: '87' });
  await sandbox.card.misbehave({ kind: 'wrong-signature' });
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  const signing = sandbox.card.waitFor({ ins: '87' });
  pty.send(`${sandbox.pin}\n`);
  await signing;
  pty.send(`${TYPED_AHEAD}\n`);
  await sandbox.card.release();
  await pty.expect(PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  const { code, screen } = await person.untilEnd(pty);
  t.is(code, 0, screen);
  t.false(screen.includes(TYPED_AHEAD), screen);
  t.false(screen.includes('try again'), screen);
});

test.serial('L20: after the login the terminal is as it was', async (t) => {
  const script = 'stty -a >/tmp/before; sudo id -u; stty -a | cmp - /tmp/before && echo same-terminal';
  const pty = sandbox.pty(['sh', '-c', script], { user: sandbox.user });
  const { screen } = await person.answer(pty, [[PIN_PROMPT, sandbox.pin]]);
  t.true(screen.includes('same-terminal'), screen);
});

test.serial('L14: the command has standard input, output and error, and nothing of ours', async (t) => {
  const pty = person.startSudo(sandbox, ['ls', '-l', '/proc/self/fd']);
  const { screen } = await person.answer(pty, [[PIN_PROMPT, sandbox.pin]]);
  const open = [...screen.matchAll(/ (\d+) -> (\S+)/g)].filter(
    ([, , to = '']) => !/^\/proc\/\d+\/fd$/.test(to),
  );
  t.deepEqual(open.map(([, fd]) => fd).sort(), ['0', '1', '2'], screen);
  t.notRegex(screen, /socket:|signalfd|scauth/);
});

// Not sudo: that one holds Ctrl-C back itself until its PAM stack has answered.
test.serial('Ctrl-C while the card works: the login ends at once, the terminal is back', async (t) => {
  await sandbox.card.misbehave({ kind: 'hang', ins: '87' });
  const script = `trap : INT; pamtester scauth-test ${sandbox.user} authenticate; echo "ended $?"; stty -a`;
  const pty = sandbox.pty(['sh', '-c', script]);
  await pty.expect(PIN_PROMPT);
  const signing = sandbox.card.waitFor({ ins: '87' });
  pty.send(`${sandbox.pin}\n`);
  await signing;
  pty.send('\x03');
  await pty.expect(/ended [1-9]/);
  const { screen } = await person.untilEnd(pty);
  t.regex(screen, / echo /);
  t.notRegex(screen, /successfully/);
  const released = sandbox.card.waitForAnswer({ ins: '20', p1: 'FF' });
  await sandbox.card.release();
  await released;
  t.false(await sandbox.card.isVerified());
  await person.expectCardLogin(sandbox);
});
