// Card and PIN open the real programs: sudo on a terminal and by pipe, su, login, pamtester, a locker.
// What may be typed at the PIN prompt is in pin.test.ts; which key does it, in key-types.long.test.ts.
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { answer, PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';

let sandbox: Sandbox;
const PROMPT = "Enter PIN for 'Ada Lovelace': ";

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.pairCard(sandbox);
  await person.addUser(sandbox, 'bob');
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

test.serial(
  'sudo on a terminal: the prompt to the letter, the command runs, the PIN does not show',
  async (t) => {
    const { code, screen } = await person.untilReleased(sandbox, () =>
      person.sudo(sandbox, [PROMPT, sandbox.pin]),
    );
    t.is(
      screen,
      `Enter on an empty line asks for your password instead.\r\n${PROMPT}\r\n0\r\n`,
      'the first login by card',
    );
    t.is(code, 0);
    const line = person.auditLines(sandbox).findLast(({ metadata }) => metadata.event_code === 'login');
    t.like(line, { status: 'Success', user: { name: 'ada' }, service: { name: 'sudo' } });
    t.false(await sandbox.card.isVerified());
  },
);

test.serial('sudo -S by pipe', async (t) => {
  const { code, stdout, stderr } = await sandbox.exec(['sudo', '-S', 'id', '-u'], {
    user: sandbox.user,
    input: `${sandbox.pin}\n`,
  });
  t.is(stdout, '0\n');
  t.is(stderr, PROMPT);
  t.is(code, 0);
});

test.serial('sudo -S by pipe: a wrong PIN, then the password on the next line', async (t) => {
  const { code, stdout, stderr } = await sandbox.exec(['sudo', '-S', 'id', '-u'], {
    user: sandbox.user,
    input: `${person.WRONG_PIN}\n${sandbox.password}\n`,
  });
  t.is(stdout, '0\n');
  t.true(stderr.includes('Wrong PIN. 2 tries left.'), stderr);
  t.is(code, 0);
});

test.serial('su: another user becomes ada with ada’s card', async (t) => {
  const pty = sandbox.pty(['su', sandbox.user, '-c', 'id -un'], { user: 'bob' });
  const { code, screen } = await answer(pty, [[PROMPT, sandbox.pin]]);
  t.is(code, 0);
  t.regex(screen, /^ada\r?$/m);
});

test.serial('su: with the card of ada nobody becomes root', async (t) => {
  const pty = sandbox.pty(['su', '-c', 'id -u'], { user: sandbox.user });
  const { screen } = await answer(pty, [[PASSWORD_PROMPT, sandbox.pin]]);
  t.false(PIN_PROMPT.test(screen));
  t.false(ROOT.test(screen));
  t.is(await sandbox.card.verifyCount(), 0);
});

test.serial('login on a terminal', async (t) => {
  const pty = sandbox.pty(['login', sandbox.user]);
  await pty.expect(PROMPT);
  pty.send(`${sandbox.pin}\n`);
  await pty.expect('$ ');
  pty.send('id -un; exit 9\n');
  const { screen } = await person.untilEnd(pty);
  t.regex(screen, /^ada\r?$/m);
});

test.serial(
  'login on a terminal without a name: one card of two people, and who it is is chosen',
  async (t) => {
    const hash = await person.cardHash(sandbox);
    t.is((await sandbox.exec(['sc_auth', 'pair', '-u', 'bob', '-h', hash, '--shared'])).code, 0);
    try {
      const pty = sandbox.pty(['login']);
      const [, number = ''] = await pty.expect(/This card is paired with [^\n]*\b(\d) bob[^\n]*: $/);
      pty.send(`${number}\n`);
      await pty.expect(PIN_PROMPT);
      pty.send(`${sandbox.pin}\n`);
      await pty.expect('$ ');
      pty.send('id -un; exit\n');
      const { screen } = await person.untilEnd(pty);
      t.regex(screen, /^bob\r?$/m);
    } finally {
      await sandbox.exec(['sc_auth', 'unpair', '-u', 'bob']);
    }
  },
);

test.serial('pamtester, with nothing else in the stack', async (t) => {
  const good = await person.pamtester(sandbox, 'root', ['scauth-test', sandbox.user], sandbox.pin);
  t.is(good.code, 0, good.stderr);
  const wrong = await person.pamtester(sandbox, 'root', ['scauth-test', sandbox.user], person.WRONG_PIN);
  t.not(wrong.code, 0);
  t.regex(wrong.stdout + wrong.stderr, /Authentication failure/);
});

test.serial('L19: a locker that runs as the user lets that user in, and nobody else', async (t) => {
  const own = await person.pamtester(sandbox, sandbox.user, ['scauth-test', sandbox.user], sandbox.pin);
  t.is(own.code, 0, own.stderr);
  const spent = await sandbox.card.verifyCount();
  for (const [caller, account] of [
    [sandbox.user, 'root'],
    [sandbox.user, 'bob'],
    ['bob', sandbox.user],
  ] as const) {
    const other = await person.pamtester(sandbox, caller, ['scauth-test', account], sandbox.pin);
    t.not(other.code, 0, `${caller} as ${account}`);
    t.false(other.stdout.includes('Enter PIN'), `${caller} as ${account}`);
  }
  await person.untilAudited(sandbox, 'peer-not-allowed');
  t.is(await sandbox.card.verifyCount(), spent);
});

test.serial('L24: after a card login PAM_AUTHTOK is not the PIN', async (t) => {
  const script = '#!/bin/sh\n{ cat; echo "[end]"; } >/tmp/seen-authtok\n';
  writeFileSync(sandbox.path('/run/sandbox/see-authtok'), script, { mode: 0o755 });
  const stack = [
    'auth required pam_scauth.so',
    'auth required pam_exec.so expose_authtok /run/sandbox/see-authtok',
  ];
  writeFileSync(sandbox.path('/etc/pam.d/after-us'), `${stack.join('\n')}\n`);
  // Nothing is there, so pam_exec asks for a password of its own.
  const { code } = await person.pamtester(sandbox, 'root', ['after-us', sandbox.user], sandbox.pin, 'asked');
  t.is(code, 0);
  const seen = await sandbox.exec(['sh', '-c', 'cat /tmp/seen-authtok; rm /tmp/seen-authtok']);
  t.false(seen.stdout.includes(sandbox.pin), seen.stdout);
  t.true(seen.stdout.includes('[end]'));
});

test.serial('L17: two sudo at once, each with its own PIN, are never mixed up', async (t) => {
  for (const rightFirst of [true, false]) {
    await sandbox.card.setPin(sandbox.pin);
    const right = person.startSudo(sandbox, ['echo', 'right-one']);
    const wrong = person.startSudo(sandbox, ['echo', 'wrong-one']);
    await Promise.all([right.expect(PIN_PROMPT), wrong.expect(PIN_PROMPT)]);
    const typeRight = (): void => {
      right.send(`${sandbox.pin}\n`);
    };
    const typeWrong = (): void => {
      wrong.send(`${person.WRONG_PIN}\n`);
    };
    for (const type of rightFirst ? [typeRight, typeWrong] : [typeWrong, typeRight]) type();
    t.true((await person.untilEnd(right)).screen.includes('right-one'));
    await wrong.expect('Wrong PIN.');
    await wrong.expect(PASSWORD_PROMPT);
    const { code, screen } = await person.interrupt(wrong);
    t.not(code, 0);
    t.false(screen.includes('wrong-one'));
  }
});
