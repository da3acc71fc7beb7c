// The verified state of the card: a login does not live on somebody else's (L6), and nobody lives on ours (L7).
// The other program is a real PC/SC client of the same pcscd.
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';
import { PcscClient, strangerSignStatus } from '../../kit/person/pcsc-client.ts';

let sandbox: Sandbox;
const REFUSED = '6982';

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.pairCard(sandbox);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

/** A program that has verified the PIN, is still connected, and lets others use the card. */
async function verifiedByOther(): Promise<PcscClient> {
  const other = await PcscClient.connect(sandbox);
  await other.select();
  if ((await other.verify(sandbox.pin)) !== '9000') throw new Error('the other program could not verify');
  // The contrast to all that follows: who has verified may sign.
  if ((await other.signStatus()) !== '9000') throw new Error('the other program could not sign');
  return other;
}

test.serial('L6: the card verified by another program, a wrong PIN still fails', async (t) => {
  const other = await verifiedByOther();
  const { code } = await person.pamtester(sandbox, 'root', ['scauth-test', sandbox.user], person.WRONG_PIN);
  t.not(code, 0);
  t.is(await sandbox.card.getTries(), 2);
  await other.close();
});

test.serial('L6: the card verified by another program, an empty PIN still fails', async (t) => {
  const other = await verifiedByOther();
  for (const typed of ['', 'no-digits']) {
    const { code } = await person.pamtester(sandbox, 'root', ['scauth-test', sandbox.user], typed);
    t.not(code, 0);
  }
  t.is(await sandbox.card.verifyCount(), 1, 'only that of the other program');
  await other.close();
});

test.serial('L7: after our login another program needs the PIN', async (t) => {
  await person.untilReleased(sandbox, () => person.expectCardLogin(sandbox));
  t.is(await strangerSignStatus(sandbox), REFUSED);
});

test.serial('L7: a program that was connected before our login needs it too', async (t) => {
  const other = await PcscClient.connect(sandbox);
  await person.untilReleased(sandbox, () => person.expectCardLogin(sandbox));
  await other.select();
  t.is(await other.signStatus(), REFUSED);
  t.not(await other.counterStatus(), '9000');
  await other.close();
});

test.serial('L7: after a login with the card verified by another program nobody is verified', async (t) => {
  const other = await verifiedByOther();
  await person.untilReleased(sandbox, () => person.expectCardLogin(sandbox));
  await other.select();
  t.is(await other.signStatus(), REFUSED);
  await other.close();
});

test.serial('L7: after our error between VERIFY and the signature', async (t) => {
  await sandbox.card.misbehave({ kind: 'status', sw: '6F00', ins: '87' });
  const { screen } = await person.untilReleased(sandbox, () =>
    person.sudo(sandbox, [PIN_PROMPT, sandbox.pin], [PASSWORD_PROMPT, sandbox.password]),
  );
  t.regex(screen, ROOT);
  t.true(
    screen.includes('The card failed. Take it out, put it back and try again, or use your password.'),
    screen,
  );
  t.is(await strangerSignStatus(sandbox), REFUSED);
});

test.serial('L7: after SIGKILL of scauthd while the card is verified', async (t) => {
  const signing = sandbox.card.waitFor({ ins: '87' });
  await sandbox.card.misbehave({ kind: 'hang', ins: '87' });
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  pty.send(`${sandbox.pin}\n`);
  await signing;
  t.true(await sandbox.card.isVerified());
  await sandbox.killAgent();
  await pty.expect(PASSWORD_PROMPT);
  await sandbox.card.release();
  t.is(await strangerSignStatus(sandbox), REFUSED);
  pty.send(`${sandbox.password}\n`);
  t.regex((await person.untilEnd(pty)).screen, ROOT);
  await sandbox.startAgent();
  await sandbox.untilCardRead();
  await person.expectCardLogin(sandbox);
});

test.serial('L7: after SIGKILL of scauthd while VERIFY is under way', async (t) => {
  await sandbox.card.misbehave({ kind: 'hang-after', ins: '20', p1: '00', skip: 1 });
  // Asked for before it can come: on a busy machine the answer may be there first.
  const counted = sandbox.card.waitForAnswer({ ins: '20', p1: '00' });
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  await counted;
  const verifying = sandbox.card.waitFor({ ins: '20', p1: '00' });
  pty.send(`${sandbox.pin}\n`);
  await verifying;
  await sandbox.killAgent();
  await sandbox.card.release();
  t.is(await strangerSignStatus(sandbox), REFUSED);
  await pty.expect(PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  await person.untilEnd(pty);
  await sandbox.startAgent();
  await sandbox.untilCardRead();
});

test.serial('L7: a card that only claims to de-verify is reset, at each login', async (t) => {
  await sandbox.card.misbehave({ kind: 'ignore-deverify', times: 'always' });
  // What pairing found out holds as long as scauthd runs: a new one meets the card afresh.
  await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user]);
  await sandbox.restartAgent();
  await person.pairCard(sandbox);
  t.is(await strangerSignStatus(sandbox), REFUSED);
  await person.expectCardLogin(sandbox);
  t.is(await strangerSignStatus(sandbox), REFUSED);
});

test.serial('L7: a card that only claims to de-verify is reset, with a new scauthd too', async (t) => {
  await sandbox.card.misbehave({ kind: 'ignore-deverify', times: 'always' });
  await sandbox.restartAgent();
  await person.expectCardLogin(sandbox);
  t.is(await strangerSignStatus(sandbox), REFUSED);
});
