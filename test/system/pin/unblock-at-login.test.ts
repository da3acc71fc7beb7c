// The PIN is blocked at sudo's prompt: a new one by the PUK right there, what a wrong PUK costs, and clients that answer each
// prompt with one line. The card's own counters and log say what reached it.
import test from 'ava';
import { writeFileSync } from 'node:fs';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';
import { DEFAULTS, Sandbox } from '../../kit/sandbox/sandbox.ts';

const OFFER = /PIN blocked\. Type yes for a new one by the PUK, or Enter [^\n]*: $/;
const PUK_PROMPT = /Enter PUK for '[^\n]*': $/;
const NEW_PROMPT = /Enter new PIN for '[^\n]*': $/;
const AGAIN = /Enter new PIN again: $/;
const NEW_PIN = '48151623';
let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.pairCard(sandbox);
});
test.beforeEach(async () => {
  await person.freshCard(sandbox);
  await sandbox.card.setTries(0);
  await person.reinsertCard(sandbox);
  await sandbox.card.clearLog();
});
test.after.always(() => sandbox.stop());

/** How many RESET RETRY COUNTER commands came. */
async function puksSent(): Promise<number> {
  return (await sandbox.card.log()).filter(({ ins }) => ins === 0x2c).length;
}

test.serial('yes, PUK, the new PIN twice: sudo opens, and from then on by the new PIN', async (t) => {
  const { screen } = await person.sudo(
    sandbox,
    [OFFER, 'yes'],
    [PUK_PROMPT, DEFAULTS.puk],
    [NEW_PROMPT, NEW_PIN],
    [AGAIN, NEW_PIN],
  );
  t.regex(screen, ROOT);
  t.false(screen.includes(NEW_PIN) || screen.includes(DEFAULTS.puk));
  t.is(await puksSent(), 1);
  const again = await person.sudo(sandbox, [PIN_PROMPT, NEW_PIN]);
  t.regex(again.screen, ROOT);
  t.false(sandbox.auditLog().includes(NEW_PIN) || sandbox.agentLog().includes(DEFAULTS.puk));
});

test.serial('Enter, and a password in its place: the password opens, and no PUK was sent', async (t) => {
  const enter = await person.sudo(sandbox, [OFFER, ''], [PASSWORD_PROMPT, sandbox.password]);
  t.regex(enter.screen, ROOT);
  const { code } = await person.pamtester(sandbox, 'root', ['login', sandbox.user], sandbox.password);
  t.is(code, 0, 'a client that answers with one line');
  t.is(await puksSent(), 0);
});

test.serial('a wrong PUK costs one try and is told; the password opens', async (t) => {
  const { screen } = await person.sudo(
    sandbox,
    [OFFER, 'yes'],
    [PUK_PROMPT, '99999999'],
    [NEW_PROMPT, NEW_PIN],
    [AGAIN, NEW_PIN],
    [PASSWORD_PROMPT, sandbox.password],
  );
  t.regex(screen, /Wrong PUK\. 2 tries left/);
  t.regex(screen, ROOT);
  t.is(await puksSent(), 1);
});

test.serial('the card is swapped while the PUK is typed: the other one gets nothing', async (t) => {
  const pty = person.startSudo(sandbox);
  await pty.expect(OFFER);
  pty.send('yes\n');
  await pty.expect(PUK_PROMPT);
  await person.pullCard(sandbox);
  pty.send(`${DEFAULTS.puk}\n`);
  await pty.expect(NEW_PROMPT);
  pty.send(`${NEW_PIN}\n`);
  await pty.expect(AGAIN);
  pty.send(`${NEW_PIN}\n`);
  await pty.expect(PASSWORD_PROMPT);
  await person.interrupt(pty);
  t.is(await puksSent(), 0);
  await person.insertCard(sandbox);
});

test.serial('switched off: the sentence of before', async (t) => {
  writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), '[login]\nunblock_at_login = false\n');
  const from = sandbox.agentLog().length;
  process.kill(sandbox.agentHostPid ?? 0, 'SIGHUP');
  await person.untilAgentSays(sandbox, 'new configuration', from);
  const { screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
  t.regex(screen, /The PIN is blocked\. Use your password, then unblock the card with its PUK/);
  t.notRegex(screen, OFFER);
});
