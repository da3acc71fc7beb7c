// What may be typed at the PIN prompt, and what it costs: wrong, nothing, a password, Ctrl-C; the reserve, a blocked PIN.
// On sudo with the account password behind us. Whose card it is and who may ask: card-of-others.test.ts, login.test.ts.
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { CONSENT_PROMPT, PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';

/** What the login says first where the PIN is blocked; Enter declines (unblock-at-login.test.ts). */
const UNBLOCK_OFFER = /PIN blocked\. Type yes [^\n]*: $/;

let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.pairCard(sandbox);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

/** Tries left, and the PINs that went to the card. */
async function cost(): Promise<{ triesLeft: number; verifies: number }> {
  return { triesLeft: await sandbox.card.getTries(), verifies: await sandbox.card.verifyCount() };
}
const NOTHING = { triesLeft: 3, verifies: 0 };

test.serial('a wrong PIN: tries left are said, and the password has its turn', async (t) => {
  const { code, screen } = await person.sudo(
    sandbox,
    [PIN_PROMPT, person.WRONG_PIN],
    ['Wrong PIN. 2 tries left.\r\n'],
    [PASSWORD_PROMPT, sandbox.password],
  );
  t.is(code, 0, screen);
  t.regex(screen, ROOT);
  t.deepEqual(await cost(), { triesLeft: 2, verifies: 1 });
});

test.serial('L6: an empty PIN is the wish for the password; nothing goes to the card', async (t) => {
  const { code, screen } = await person.sudo(sandbox, [PIN_PROMPT, ''], [PASSWORD_PROMPT, sandbox.password]);
  t.is(code, 0, screen);
  t.deepEqual(await cost(), NOTHING);
});

test.serial('L6: an empty PIN is never a login by itself', async (t) => {
  const { code } = await person.pamtester(sandbox, 'root', ['scauth-test', sandbox.user], '');
  t.not(code, 0);
  t.deepEqual(await cost(), NOTHING);
});

test.serial('L24: a password typed at the PIN prompt goes to pam_unix, not to the card', async (t) => {
  const { code, screen } = await person.sudo(sandbox, [PIN_PROMPT, sandbox.password]);
  t.is(code, 0, screen);
  t.regex(screen, ROOT);
  t.notRegex(screen, /[Pp]assword[^\n]*: /);
  t.deepEqual(await cost(), NOTHING);
});

test.serial('L24: so does a wrong password; it is not taken', async (t) => {
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  pty.send('no-such-password\n');
  // sudo begins the stack anew: the card is asked for first.
  await pty.expect('try again');
  await pty.expect(PIN_PROMPT);
  t.notRegex(pty.screen, ROOT);
  t.deepEqual(await cost(), NOTHING);
  await person.interrupt(pty);
});

for (const [name, typed] of [
  ['too short', '12345'],
  ['too long', '123456789'],
  ['512 bytes', '1'.repeat(255)],
] as const) {
  test.serial(`what cannot be a PIN is not sent: ${name}`, async (t) => {
    const { code } = await person.pamtester(sandbox, 'root', ['scauth-test', sandbox.user], typed);
    t.not(code, 0);
    t.deepEqual(await cost(), NOTHING);
  });
}

test.serial('L5: Ctrl-C at the PIN ends sudo: echo is back, nothing was sent', async (t) => {
  const script = 'trap : INT; sudo id -u; echo "ended $?"; stty -a';
  const pty = sandbox.pty(['sh', '-c', script], { user: sandbox.user });
  await pty.expect(PIN_PROMPT);
  pty.send('123');
  const { screen } = await person.interrupt(pty);
  t.regex(screen, /ended [1-9]/);
  t.regex(screen, / echo /);
  t.notRegex(screen, ROOT);
  t.notRegex(screen, /123/);
  t.deepEqual(await cost(), NOTHING);
});

test.serial('the reserve, found out while typing: Enter keeps the last try', async (t) => {
  // Read anew with all its tries: the login of the test before may still be counting them.
  await person.reinsertCard(sandbox);
  await sandbox.card.clearLog();
  await sandbox.card.setTries(1);
  const { code, screen } = await person.sudo(
    sandbox,
    [PIN_PROMPT, sandbox.pin],
    [CONSENT_PROMPT, ''],
    [PASSWORD_PROMPT, sandbox.password],
  );
  t.is(code, 0, screen);
  t.true(screen.includes("Only 1 try left before the card's PIN is blocked."));
  t.true(screen.includes('The last PIN tries were kept. Use your password.'));
  t.deepEqual(await cost(), { triesLeft: 1, verifies: 0 });
});

test.serial('the reserve, known before: the question comes first; yes and the PIN log in', async (t) => {
  await sandbox.card.setTries(1);
  await person.reinsertCard(sandbox);
  await sandbox.card.clearLog();
  const { code, screen } = await person.sudo(sandbox, [CONSENT_PROMPT, 'yes'], [PIN_PROMPT, sandbox.pin]);
  t.is(code, 0, screen);
  t.regex(screen, ROOT);
  t.deepEqual(await cost(), { triesLeft: 3, verifies: 1 });
});

test.serial('anything but yes at the reserve question is a no, and no try is spent', async (t) => {
  await sandbox.card.setTries(1);
  await person.reinsertCard(sandbox);
  await sandbox.card.clearLog();
  const { code, screen } = await person.sudo(
    sandbox,
    [CONSENT_PROMPT, sandbox.pin],
    [PASSWORD_PROMPT, sandbox.password],
  );
  t.is(code, 0, screen);
  t.notRegex(screen, /Enter PIN/);
  t.deepEqual(await cost(), { triesLeft: 1, verifies: 0 });
});

test.serial('a blocked PIN: a clear sentence and the password, no prompt for a PIN', async (t) => {
  await sandbox.card.setTries(0);
  await person.reinsertCard(sandbox);
  await sandbox.card.clearLog();
  const { code, screen } = await person.sudo(
    sandbox,
    [UNBLOCK_OFFER, ''],
    [PASSWORD_PROMPT, sandbox.password],
  );
  t.is(code, 0, screen);
  t.true(
    screen.includes(
      'The PIN is blocked. Use your password, then unblock the card with its PUK (sc_auth unblock).',
    ),
  );
  t.notRegex(screen, /Enter PIN/);
  t.deepEqual(await cost(), { triesLeft: 0, verifies: 0 });
});

test.serial('a PIN blocked meanwhile: nothing is sent', async (t) => {
  await person.reinsertCard(sandbox);
  await sandbox.card.clearLog();
  const pty = person.startSudo(sandbox);
  await sandbox.card.setTries(0);
  const { code, screen } = await person.answer(pty, [
    [/(Enter PIN|The PIN is blocked)[^\n]*/, ''],
    [PASSWORD_PROMPT, sandbox.password],
  ]);
  t.is(code, 0, screen);
  t.is(await sandbox.card.verifyCount(), 0);
});

test.serial('the last try that fails blocks, and says so', async (t) => {
  await sandbox.card.setTries(1);
  await person.reinsertCard(sandbox);
  const { code, screen } = await person.sudo(
    sandbox,
    [CONSENT_PROMPT, 'yes'],
    [PIN_PROMPT, person.WRONG_PIN],
    [UNBLOCK_OFFER, ''],
    [PASSWORD_PROMPT, sandbox.password],
  );
  t.is(code, 0, screen);
  t.true(
    screen.includes(
      'The PIN is blocked. Use your password, then unblock the card with its PUK (sc_auth unblock).',
    ),
  );
  t.is(await sandbox.card.getTries(), 0);
});
