// login.wait on the real login, on a terminal: the card goes in while it is waited for, Enter, the time; and sudo.
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import type { Pty } from '../../kit/sandbox/pty.ts';
import { buildPam } from '../../unit/pam/build.ts';
import { APP } from '../../kit/sandbox/namespace.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';

const WAITING = 'Insert your card, or press Enter for your password.';
const NAME_PROMPT = /login: $/;
const LONG = '[login]\nwait = 100\n';

let sandbox: Sandbox;

async function settings(text: string): Promise<void> {
  const from = sandbox.agentLog().length;
  await sandbox.exec(['sh', '-c', 'cat > /etc/scauth/scauth.toml && kill -HUP "$SCAUTH_AGENT_PID"'], {
    input: text,
  });
  await person.untilAgentSays(sandbox, /new configuration|nothing changed/, from);
}

test.before(async () => {
  sandbox = await Sandbox.start({ config: LONG });
  await person.pairCard(sandbox);
});
test.beforeEach(async () => {
  await person.freshCard(sandbox);
  if ((await sandbox.card.state()).inserted) await person.pullCard(sandbox);
});
test.after.always(() => sandbox.stop());

/** The shell that login has opened says whose it is. */
async function expectShell(pty: Pty): Promise<string> {
  await pty.expect('$ ');
  pty.send('id -un; exit 9\n');
  return (await person.untilEnd(pty)).screen;
}

test.serial('login without a name: the card goes in, and names the user; no key is pressed', async (t) => {
  const pty = sandbox.pty(['login']);
  await pty.expect(WAITING);
  await sandbox.card.insert();
  await pty.expect(PIN_PROMPT);
  pty.send(`${sandbox.pin}\n`);
  t.regex(await expectShell(pty), /^ada\r?$/m);
});

test.serial('login with a name: the card goes in', async (t) => {
  const pty = sandbox.pty(['login', sandbox.user]);
  await pty.expect(WAITING);
  await sandbox.card.insert();
  await pty.expect(PIN_PROMPT);
  pty.send(`${sandbox.pin}\n`);
  t.regex(await expectShell(pty), /^ada\r?$/m);
});

test.serial('Enter goes on to name and password; what was typed with it does not show', async (t) => {
  const pty = sandbox.pty(['login']);
  await pty.expect(WAITING);
  pty.send('too-early\n');
  await pty.expect(NAME_PROMPT);
  pty.send(`${sandbox.user}\n`);
  await pty.expect(PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  const screen = await expectShell(pty);
  t.regex(screen, /^ada\r?$/m);
  t.notRegex(screen, /too-early/);
  t.is(await sandbox.card.verifyCount(), 0);
});

test.serial('what is typed while the card goes in is not the PIN, and does not show', async (t) => {
  const pty = sandbox.pty(['login', sandbox.user]);
  await pty.expect(WAITING);
  pty.send('too-early');
  await sandbox.card.insert();
  await pty.expect(PIN_PROMPT);
  pty.send(`${sandbox.pin}\n`);
  const screen = await expectShell(pty);
  t.notRegex(screen, /too-early/);
  t.is(await sandbox.card.verifyCount(), 1);
});

test.serial('sudo waits as well, although it wants silence; Ctrl-C ends it', async (t) => {
  const waiting = person.startSudo(sandbox);
  await waiting.expect(WAITING);
  await sandbox.card.insert();
  await waiting.expect(PIN_PROMPT);
  waiting.send(`${sandbox.pin}\n`);
  t.regex((await person.untilEnd(waiting)).screen, ROOT);
  await person.pullCard(sandbox);
  const ended = person.startSudo(sandbox);
  await ended.expect(WAITING);
  const { code, screen } = await person.interrupt(ended);
  t.not(code, 0);
  t.notRegex(screen, ROOT);
});

test.serial('a login screen without a terminal: told, the card goes in and names the user', async (t) => {
  buildPam();
  await sandbox.exec(['cp', '/etc/pam.d/login', '/etc/pam.d/lightdm']);
  const argv = ['setsid', '--wait', `${APP}/build/test-pam/plain/greeter`, 'lightdm', 'id', '-un'];
  const greeter = sandbox.namespace.spawn(argv, { env: sandbox.environment() });
  let said = '';
  const until = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (said.includes(text)) resolve();
      };
      greeter.stdout?.on('data', look);
      greeter.on('close', () => {
        if (said.includes(text)) resolve();
        else reject(new Error(`the greeter ended without ${text}:\n${said}\n${sandbox.agentLog()}`));
      });
      look();
    });
  greeter.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
  await until('told=4:Insert your card.\n');
  await sandbox.card.insert();
  await until('ask=1:PIN of');
  greeter.stdin?.end(`${sandbox.pin}\n`);
  await until('\nsession=0');
  t.regex(said, /^user=ada$/m);
  t.regex(said, /^ada$/m, 'the session is the user’s');
});

test.serial('the time is over: the password', async (t) => {
  await settings('[login]\nwait = 1\n');
  const pty = sandbox.pty(['login', sandbox.user]);
  await pty.expect(WAITING);
  await pty.expect(PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  t.regex(await expectShell(pty), /^ada\r?$/m);
});

test.serial('0 waits for nobody', async (t) => {
  await settings('[login]\nwait = 0\n');
  const pty = sandbox.pty(['login', sandbox.user]);
  await pty.expect(PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  t.false((await expectShell(pty)).includes(WAITING));
});
