// A new PIN for the card, by sc_auth on a terminal and by descriptors: by the old one (changepin) and by the PUK
// (unblock). What each mistake costs is read from the card's own counters and log; sudo says which PIN is in force.
import test from 'ava';
import { DEFAULTS, Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PIN_PROMPT, ROOT, WRONG_PIN, type Move } from '../../kit/person/person.ts';

const NEW_PIN = '48151623';
const PUK = DEFAULTS.puk;
const OLD_PROMPT = /Enter PIN for '[^\n]*': $/;
const NEW_PROMPT = /Enter new PIN for '[^\n]*': $/;
const AGAIN = /Enter new PIN again: $/;
const PUK_PROMPT = /Enter PUK for '[^\n]*': $/;
const STOP_PROMPT = /Type yes to use it, or press Enter to stop: $/;

let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.pairCard(sandbox);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

/** sc_auth as the user on a terminal. */
function scAuth(command: string, ...moves: readonly Move[]): ReturnType<typeof person.answer> {
  return person.answer(sandbox.pty(['sc_auth', command], { user: sandbox.user }), moves);
}

/** sc_auth without a terminal, lines on standard input. */
function piped(args: readonly string[], ...lines: readonly string[]): ReturnType<Sandbox['exec']> {
  return sandbox.exec(['sc_auth', ...args], {
    user: sandbox.user,
    input: lines.map((line) => `${line}\n`).join(''),
  });
}

/** How many commands that set a PIN went to the card: 24 CHANGE REFERENCE DATA, 2C RESET RETRY COUNTER. */
async function sets(): Promise<number> {
  return (await sandbox.card.log()).filter(({ ins }) => ins === 0x24 || ins === 0x2c).length;
}

/** The PIN is blocked, and scauthd has read the card so. */
async function blockPin(): Promise<void> {
  await sandbox.card.setTries(0);
  await person.reinsertCard(sandbox);
  await sandbox.card.clearLog();
}

test.serial('changepin: the new PIN opens sudo, the old one does not, and neither was shown', async (t) => {
  const { code, screen } = await scAuth(
    'changepin',
    [OLD_PROMPT, sandbox.pin],
    [NEW_PROMPT, NEW_PIN],
    [AGAIN, NEW_PIN],
  );
  t.is(code, 0, screen);
  t.regex(screen, /PIN changed/);
  t.false(screen.includes(NEW_PIN) || screen.includes(sandbox.pin));
  const sudo = await person.sudo(sandbox, [PIN_PROMPT, NEW_PIN]);
  t.regex(sudo.screen, ROOT);
  const old = person.startSudo(sandbox);
  await old.expect(PIN_PROMPT);
  old.send(`${sandbox.pin}\n`);
  await old.expect('Wrong PIN. 2 tries left.');
  await person.interrupt(old);
  const record = person.auditLines(sandbox).findLast((line) => /pin.changed/.test(JSON.stringify(line)));
  t.truthy(record, sandbox.auditLog());
  t.false(sandbox.auditLog().includes(NEW_PIN) || sandbox.agentLog().includes(NEW_PIN));
});

test.serial('L7: after a new PIN the card is left unverified', async (t) => {
  const { code } = await piped(['changepin'], sandbox.pin, NEW_PIN, NEW_PIN);
  t.is(code, 0);
  t.false((await sandbox.card.state()).pinVerified);
  // A card may count a new PIN as a verified one; ours does not, so the command itself is looked for.
  const log = await sandbox.card.log();
  const set = log.findIndex(({ ins }) => ins === 0x24);
  t.true(log.slice(set).some(({ ins, p1 }) => ins === 0x20 && p1 === 0xff));
});

test.serial(
  'changepin: a wrong old PIN costs one try, says how many are left, and changes nothing',
  async (t) => {
    const { code, screen } = await scAuth(
      'changepin',
      [OLD_PROMPT, WRONG_PIN],
      [NEW_PROMPT, NEW_PIN],
      [AGAIN, NEW_PIN],
    );
    t.is(code, 3, screen);
    t.regex(screen, /Wrong PIN\. 2 tries left\./);
    t.deepEqual([await sandbox.card.getTries(), await sets()], [2, 1]);
    await person.expectCardLogin(sandbox);
  },
);

test.serial('changepin --json: the card, or what went wrong', async (t) => {
  const bad = await piped(['changepin', '--json'], WRONG_PIN, NEW_PIN, NEW_PIN);
  t.is(bad.code, 3);
  t.like(JSON.parse(bad.stdout), { error: 'wrong-pin', triesLeft: 2 });
  const { code, stdout } = await piped(['changepin', '--json'], sandbox.pin, NEW_PIN, NEW_PIN);
  t.is(code, 0);
  t.regex((JSON.parse(stdout) as { token: string }).token, /^org\.scauth\.piv:/);
});

test.serial('changepin: the last try is kept unless yes is typed', async (t) => {
  await sandbox.card.setTries(1);
  await person.reinsertCard(sandbox);
  await sandbox.card.clearLog();
  const no = await scAuth('changepin', [STOP_PROMPT, '']);
  t.is(no.code, 3, no.screen);
  t.deepEqual([await sandbox.card.getTries(), await sets()], [1, 0]);
  const yes = await scAuth(
    'changepin',
    [STOP_PROMPT, 'yes'],
    [OLD_PROMPT, sandbox.pin],
    [NEW_PROMPT, NEW_PIN],
    [AGAIN, NEW_PIN],
  );
  t.is(yes.code, 0, yes.screen);
  t.is(await sandbox.card.getTries(), 3);
});

test.serial(
  'changepin: two that differ, one too short and the old one again are asked anew, not sent',
  async (t) => {
    const { code, screen } = await scAuth(
      'changepin',
      [OLD_PROMPT, sandbox.pin],
      [NEW_PROMPT, NEW_PIN],
      [AGAIN, '48151624'],
      ['The two are not the same.'],
      [NEW_PROMPT, '1234'],
      ['The card does not take that as a PIN'],
      [NEW_PROMPT, sandbox.pin],
    );
    t.is(code, 3, screen);
    t.regex(screen, /That is the PIN that the card has now\./);
    t.is(await sets(), 0);
  },
);

test.serial('L5: Ctrl-C at the new PIN changes nothing and sends nothing', async (t) => {
  const pty = sandbox.pty(['sc_auth', 'changepin'], { user: sandbox.user });
  await pty.expect(OLD_PROMPT);
  pty.send(`${sandbox.pin}\n`);
  await pty.expect(NEW_PROMPT);
  const { code, screen } = await person.interrupt(pty);
  t.is(code, 130, screen);
  t.is(await sets(), 0);
});

test.serial('changepin: a blocked PIN is said at once and not asked for', async (t) => {
  await blockPin();
  const { code, screen } = await scAuth('changepin');
  t.is(code, 3, screen);
  t.regex(screen, /The PIN is blocked\. Unblock the card with its PUK \(sc_auth unblock\)\./);
  t.notRegex(screen, /Enter PIN/);
});

test.serial(
  'changepin: the audit log says that the PIN is blocked, by a last wrong PIN and when met',
  async (t) => {
    /** The kinds of the records about PINs since the last call. */
    let seen = person.auditLines(sandbox).length;
    const kinds = (): unknown[] => {
      const lines = person.auditLines(sandbox) as { metadata?: { event_code?: string } }[];
      const fresh = lines.slice(seen);
      seen = lines.length;
      return fresh.map(({ metadata }) => metadata?.event_code).filter((kind) => kind?.startsWith('pin-'));
    };
    await sandbox.card.setTries(1);
    await person.reinsertCard(sandbox);
    const { code, screen } = await scAuth(
      'changepin',
      [STOP_PROMPT, 'yes'],
      [OLD_PROMPT, WRONG_PIN],
      [NEW_PROMPT, NEW_PIN],
      [AGAIN, NEW_PIN],
    );
    t.is(code, 3, screen);
    t.deepEqual(kinds(), ['pin-changed', 'pin-blocked']);
    await blockPin();
    await scAuth('changepin');
    t.deepEqual(kinds(), ['pin-blocked']);
  },
);

test.serial('changepin -u: the card of that account; of others only as root', async (t) => {
  const own = await piped(['changepin', '-u', sandbox.user], sandbox.pin, NEW_PIN, NEW_PIN);
  t.is(own.code, 0, own.stderr);
  const other = await piped(['changepin', '-u', 'root'], NEW_PIN, sandbox.pin, sandbox.pin);
  t.is(other.code, 3, other.stderr);
  const args = ['sc_auth', 'changepin', '-u', sandbox.user];
  const root = await sandbox.exec(args, { input: `${NEW_PIN}\n${sandbox.pin}\n${sandbox.pin}\n` });
  t.is(root.code, 0, root.stderr);
  const unpaired = await sandbox.exec(['sc_auth', 'changepin', '-u', 'root'], { input: `${sandbox.pin}\n` });
  t.is(unpaired.code, 4, unpaired.stderr);
  await person.expectCardLogin(sandbox);
});

test.serial('unblock: a blocked PIN, the PUK, and card and new PIN open sudo again', async (t) => {
  await blockPin();
  const { code, screen } = await scAuth(
    'unblock',
    [PUK_PROMPT, PUK],
    [NEW_PROMPT, NEW_PIN],
    [AGAIN, NEW_PIN],
  );
  t.is(code, 0, screen);
  t.regex(screen, /PIN unblocked/);
  t.false(screen.includes(PUK) || screen.includes(NEW_PIN));
  t.is(await sandbox.card.getTries(), 3);
  const sudo = await person.sudo(sandbox, [PIN_PROMPT, NEW_PIN]);
  t.regex(sudo.screen, ROOT);
  t.notRegex(sudo.screen, /[Pp]assword[^\n]*: /);
  t.false((await sandbox.card.state()).pinVerified);
});

test.serial('unblock by descriptors: PUK and new PIN from two files, and from one', async (t) => {
  const script = `exec sc_auth unblock --puk-fd 3 --pin-fd 4 3<<A 4<<B
${PUK}
A
${NEW_PIN}
${NEW_PIN}
B`;
  const two = await sandbox.exec(['sh', '-c', script], { user: sandbox.user });
  t.is(two.code, 0, two.stderr);
  const one = await piped(['unblock', '--puk-fd', '0', '--pin-fd', '0'], PUK, NEW_PIN, NEW_PIN);
  t.is(one.code, 0, one.stderr);
});

test.serial('unblock: what cannot be a PUK is not sent', async (t) => {
  const { code } = await piped(['unblock'], '123', NEW_PIN, NEW_PIN);
  t.is(code, 3);
  t.is(await sets(), 0);
  t.is((await sandbox.card.state()).pukTriesLeft, 3);
});

// The PUK is spent from here on: the order of these matters.
test.serial('unblock: a wrong PUK costs one of its tries and says how many are left', async (t) => {
  const { code, stderr } = await piped(['unblock'], '87654321', NEW_PIN, NEW_PIN);
  t.is(code, 3);
  t.regex(stderr, /Wrong PUK\. 2 tries left\./);
  t.deepEqual([(await sandbox.card.state()).pukTriesLeft, await sandbox.card.getTries()], [2, 3]);
  const json = await piped(['unblock', '--json'], '87654321', NEW_PIN, NEW_PIN);
  t.like(JSON.parse(json.stdout), { error: 'wrong-puk', triesLeft: 1 });
});

test.serial(
  "unblock: the PUK's last try is kept unless yes is typed; then it is blocked for good",
  async (t) => {
    const no = await scAuth('unblock', [STOP_PROMPT, '']);
    t.not(no.code, 0, no.screen);
    t.regex(no.screen, /Only 1 try left before the card's PUK is blocked for good/);
    t.deepEqual([(await sandbox.card.state()).pukTriesLeft, await sets()], [1, 0]);
    const last = await scAuth(
      'unblock',
      [STOP_PROMPT, 'yes'],
      [PUK_PROMPT, '87654321'],
      [NEW_PROMPT, NEW_PIN],
      [AGAIN, NEW_PIN],
    );
    t.is(last.code, 3, last.screen);
    t.regex(last.screen, /The PUK is blocked/);
    const blocked = await scAuth('unblock');
    t.is(blocked.code, 3, blocked.screen);
    t.notRegex(blocked.screen, /Enter PUK/);
    t.is(await sets(), 1);
    await person.expectCardLogin(sandbox);
  },
);
