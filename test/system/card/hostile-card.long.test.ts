// Cards made to get in, or to bring scauthd down: refused with a reason in the audit log, and scauthd answers and lives.
// After each of them a good card works at the first try. The parsers have their own tests in test/unit/token/piv.
import test from 'ava';
import type { Fault } from '../../kit/card/faults.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT } from '../../kit/person/person.ts';

let sandbox: Sandbox;
let pid: number | null;
let certificate: string;
const NOT_YOURS =
  'This card could not prove that it is yours. Use your password, and tell your administrator.';
const NONSENSE = 'The card failed. Take it out, put it back and try again, or use your password.';
const LOGIN_KEY = 'p256:1';
const OTHER_KEY = 'p256:2';
const INFLATED_BYTES = 32 * 1024 * 1024;

test.before(async () => {
  sandbox = await Sandbox.start({ cardArgs: ['--email', 'ada@example.org', '--upn', 'ada@example.org'] });
  await person.pairCard(sandbox);
  certificate = await sandbox.card.getCertificate('9A');
  pid = sandbox.agentHostPid;
});
test.beforeEach(() => person.freshCard(sandbox));
test.afterEach('scauthd lives, and the good card logs in', async (t) => {
  await person.freshCard(sandbox);
  await sandbox.card.setKey('9A', LOGIN_KEY);
  await sandbox.card.setCertificate('9A', certificate);
  await person.reinsertCard(sandbox);
  await person.expectCardLogin(sandbox);
  t.is(sandbox.agentHostPid, pid);
  t.true(person.isAlive(pid));
});
test.after.always(() => sandbox.stop());

test.serial('L3: the victim’s certificate, an own PIN, another key: refused', async (t) => {
  await sandbox.card.setKey('9A', OTHER_KEY);
  await person.reinsertCard(sandbox);
  t.true((await person.passwordAfterPin(sandbox)).includes(NOT_YOURS));
  await person.untilAudited(sandbox, 'bad-proof');
  const { code } = await person.pamtester(sandbox, 'root', ['scauth-test', sandbox.user], sandbox.pin);
  t.not(code, 0);
});

test.serial('L8: a card that replays its last signature is refused', async (t) => {
  await person.expectCardLogin(sandbox);
  await sandbox.card.misbehave({ kind: 'replay-signature' });
  t.true((await person.passwordAfterPin(sandbox)).includes(NOT_YOURS));
  await person.untilAudited(sandbox, 'bad-proof');
});

test.serial('a signature with one wrong bit is refused', async (t) => {
  await sandbox.card.misbehave({ kind: 'wrong-signature' });
  t.true((await person.passwordAfterPin(sandbox)).includes(NOT_YOURS));
  await person.untilAudited(sandbox, 'bad-proof');
});

interface Nonsense {
  readonly title: string;
  readonly fault: Fault;
}
const AT_SIGNATURE: readonly Nonsense[] = [
  { title: 'L9: a signature of 0 bytes', fault: { kind: 'signature-length', bytes: 0 } },
  { title: 'L9: a signature of 64 KiB', fault: { kind: 'signature-length', bytes: 65_536 } },
  { title: 'L10: 61FF for ever', fault: { kind: 'endless-61', ins: '87' } },
  { title: 'L10: 6100 and nothing', fault: { kind: 'empty-61', ins: '87' } },
  { title: 'L10: a reply cut after 2 bytes', fault: { kind: 'truncate', ins: '87', bytes: 2 } },
  { title: 'L10: a reply cut after 20 bytes', fault: { kind: 'truncate', ins: '87', bytes: 20 } },
  { title: 'L10: a length past the end', fault: { kind: 'reply', ins: '87', hex: '7C7F82309000' } },
  { title: 'L10: an indefinite length', fault: { kind: 'reply', ins: '87', hex: '7C80820100000090' + '00' } },
  { title: 'L10: a length of five bytes', fault: { kind: 'reply', ins: '87', hex: '7C8501000000009000' } },
  { title: 'L10: 9000 and nothing', fault: { kind: 'reply', ins: '87', hex: '9000' } },
];
for (const { title, fault } of AT_SIGNATURE) {
  test.serial(`${title}, instead of a signature`, async (t) => {
    await sandbox.card.misbehave(fault);
    const screen = await person.untilReleased(sandbox, () => person.passwordAfterPin(sandbox));
    t.true(screen.includes(NONSENSE), screen);
    await person.untilAudited(sandbox, 'card-fault');
    t.false(await sandbox.card.isVerified());
  });
}

const AT_INSERTION: readonly Nonsense[] = [
  { title: 'L10: 61FF for ever', fault: { kind: 'endless-61', ins: 'CB', times: 'always' } },
  { title: 'L10: 6100 and nothing', fault: { kind: 'empty-61', ins: 'CB', times: 'always' } },
  { title: 'L10: every object cut', fault: { kind: 'truncate', ins: 'CB', bytes: 7, times: 'always' } },
  {
    title: 'L10: a length past the end',
    fault: { kind: 'reply', ins: 'CB', hex: '538488FFFFFF709000', times: 'always' },
  },
];
for (const { title, fault } of AT_INSERTION) {
  test.serial(`${title}, when the card is read: the password, at once`, async (t) => {
    await person.pullCard(sandbox);
    await sandbox.card.misbehave(fault);
    // Without its certificate the key is known from the card's own metadata only: refuse that too.
    await sandbox.card.misbehave({ kind: 'status', sw: '6D00', ins: 'F7', times: 'always' });
    const from = sandbox.agentLog().length;
    await sandbox.card.insert();
    await person.untilAgentSays(sandbox, /token in|cannot be read|no driver/, from);
    const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
    t.is(code, 0, screen);
    t.notRegex(screen, PIN_PROMPT);
    await sandbox.card.clearFaults();
    await untilTokenIn(from);
  });
}

/** The card that could not be read is in the list by now, or comes when somebody asks. */
async function untilTokenIn(from: number): Promise<void> {
  await sandbox.exec(['sc_auth', 'list-smartcards']);
  await person.untilAgentSays(sandbox, 'token in', from);
}

test.serial('L11: a certificate of 32 KiB that inflates to 32 MiB costs its slot only', async (t) => {
  await person.pullCard(sandbox);
  await sandbox.card.putGzipBomb('9C', INFLATED_BYTES);
  await person.insertCard(sandbox);
  await person.expectCardLogin(sandbox);
  await sandbox.card.putGzipBomb('9A', INFLATED_BYTES);
  await sandbox.card.misbehave({ kind: 'status', sw: '6D00', ins: 'F7', times: 'always' });
  await person.reinsertCard(sandbox);
  const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
  t.is(code, 0, screen);
  t.notRegex(screen, PIN_PROMPT);
});
