// A reader with a PIN pad under the real pcscd (test/kit/ifd): the block that arrives there byte by byte, what it costs to
// mistype, to wait and to cancel, and that the card is unverified after each of them.
import test from 'ava';
import { buildPinPad, Pad } from '../../kit/ifd/pad.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { CONSENT_PROMPT, PASSWORD_PROMPT, ROOT } from '../../kit/person/person.ts';

/** PC/SC part 10, 2.5.2, field by field; least significant byte first. */
const BLOCK = [
  '1E', // bTimeOut
  '1E', // bTimeOut2
  '82', // bmFormatString
  '08', // bmPINBlockString
  '00', // bmPINLengthFormat
  '0806', // wPINMaxExtraDigit: 6 to 8
  '02', // bEntryValidationCondition
  '01', // bNumberMessage
  '0904', // wLangId
  '00', // bMsgIndex
  '000000', // bTeoPrologue
  '0D000000', // ulDataLength
  '0020008008FFFFFFFFFFFFFFFF', // VERIFY
].join('');
const ON_READER = /Enter PIN on the reader 'PIN Pad 00 00' for 'Ada Lovelace'/;

let sandbox: Sandbox;
let pad: Pad;

test.before(async () => {
  buildPinPad();
  sandbox = await Sandbox.start({ pinPad: true });
  pad = await Pad.attach(sandbox);
  const pty = sandbox.pty(['sc_auth', 'pair'], { user: sandbox.user });
  await pty.expect(/Enter = \w+[^\n]*: $/);
  pty.send('1\n');
  await pty.expect(PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  await pty.expect(ON_READER);
  (await pad.next()).type(sandbox.pin);
  const { code, screen } = await person.untilEnd(pty);
  if (code !== 0) throw new Error(`not paired:\n${screen}\n${sandbox.logs()}`);
});
test.beforeEach(() => person.freshCard(sandbox));
test.afterEach.always((t) => {
  t.is(pad.unseen, 0);
});
test.after.always(async () => {
  pad.close();
  await sandbox.stop();
});

test.serial('sudo by the pad: the exact block, no question, and the card is unverified', async (t) => {
  const pty = person.startSudo(sandbox);
  await pty.expect(ON_READER);
  const entry = await pad.next();
  t.is(entry.block, BLOCK);
  const { code, screen } = await person.untilReleased(sandbox, () => {
    entry.type(sandbox.pin);
    return person.untilEnd(pty);
  });
  t.is(code, 0, screen);
  t.regex(screen, ROOT);
  t.notRegex(screen, /Enter PIN for/);
  t.is(await sandbox.card.verifyCount(), 1);
  t.false(await sandbox.card.isVerified());
});

test.serial('a wrong PIN on the pad: the tries left are said, the password has its turn', async (t) => {
  const pty = person.startSudo(sandbox);
  (await pad.next()).type(person.WRONG_PIN);
  await pty.expect('Wrong PIN. 2 tries left.');
  await pty.expect(PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  t.is((await person.untilEnd(pty)).code, 0);
  t.is(await sandbox.card.getTries(), 2);
});

for (const [name, act, said] of [
  ['time-out', 'timeOut', /No PIN was typed on the reader in time/],
  ['cancel', 'cancel', null],
] as const) {
  test.serial(`${name} on the pad is no wrong PIN: nothing is spent`, async (t) => {
    const pty = person.startSudo(sandbox);
    (await pad.next())[act]();
    if (said !== null) await pty.expect(said);
    await pty.expect(PASSWORD_PROMPT);
    pty.send(`${sandbox.password}\n`);
    const { code, screen } = await person.untilEnd(pty);
    t.is(code, 0, screen);
    t.notRegex(screen, /Wrong PIN/);
    t.is(await sandbox.card.getTries(), 3);
    t.is(await sandbox.card.verifyCount(), 0);
  });
}

test.serial(
  'a new PIN is not set on the pad: said with the next step, before anything is asked',
  async (t) => {
    const { code, stdout, stderr } = await sandbox.exec(['sc_auth', 'changepin'], { user: sandbox.user });
    t.deepEqual([code, stdout], [1, '']);
    t.regex(stderr, /scauth cannot set a new one there\. Put the card into a reader without keys, or/);
    t.is(await sandbox.card.verifyCount(), 0);
    t.is(await sandbox.card.getTries(), 3);
  },
);

test.serial('the reserve is asked for at the keyboard; without a yes the pad is not used', async (t) => {
  await sandbox.card.setTries(1);
  const { code, screen } = await person.sudo(
    sandbox,
    [CONSENT_PROMPT, ''],
    [PASSWORD_PROMPT, sandbox.password],
  );
  t.is(code, 0, screen);
  t.is(await sandbox.card.getTries(), 1);
  t.is(await sandbox.card.verifyCount(), 0);
});

test.serial('L6: a pad that says 9000 and has sent nothing logs nobody in', async (t) => {
  const pty = person.startSudo(sandbox);
  (await pad.next()).lie('9000');
  await pty.expect(PASSWORD_PROMPT);
  await person.interrupt(pty);
  t.notRegex(pty.screen, ROOT);
  t.false(await sandbox.card.isVerified());
});

test.serial(
  'the person goes while the pad waits: what is typed later opens nothing, the card is reset',
  async (t) => {
    const pty = sandbox.pty(['sc_auth', 'verifypin'], { user: sandbox.user });
    const entry = await pad.next();
    await person.interrupt(pty);
    const verified = sandbox.card.waitForAnswer({ ins: '20', p1: '00' });
    const reset = sandbox.card.nextPowerOn();
    entry.type(sandbox.pin);
    await verified;
    await reset;
    t.false(await sandbox.card.isVerified());
  },
);
