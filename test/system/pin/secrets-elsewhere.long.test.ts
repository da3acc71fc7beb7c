// L8, away from scauthd: after a hundred logins PIN and password are not in the driver's memory, not in that of the
// program that logs in, in no file, and no process shows them. What scauthd itself keeps: secrets.test.ts.
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { compileClient, Login } from '../../compliance/client.ts';
import { findInMemory } from '../../kit/person/memory.ts';
import * as person from '../../kit/person/person.ts';
import { processesShowing } from '../../kit/person/shown.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { driverPid } from '../drivers/processes.ts';

const digits = (): string => String(randomInt(10_000_000, 100_000_000));
/** Others on this machine have none of these in their files. */
const PIN = digits();
const NEW_PIN = digits();
const WRONG_PIN = digits();
const PASSWORD = `vermilion-Otter-${digits()}`;
const ALL = [PIN, NEW_PIN, WRONG_PIN, PASSWORD];
const MODULE = 'opensc-pkcs11.so';
const PAIRS = 25;
/** The sandbox's variables hold the secrets for those who test. */
const NO_SECRETS = { SCAUTH_PIN: '', SCAUTH_PASSWORD: '', SCAUTH_ROOT_PASSWORD: '' };

let sandbox: Sandbox;

test.before(async () => {
  compileClient();
  sandbox = await Sandbox.start({
    pin: PIN,
    password: PASSWORD,
    agentEnv: NO_SECRETS,
  });
  await person.pairCard(sandbox);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

/** Wrong and right PINs in turn: with each right one the card has all its tries again. */
async function logins(count: number): Promise<void> {
  const script = `for turn in $(seq "$1"); do
echo ${WRONG_PIN} | pamtester scauth-test ada authenticate
printf 'yes\\n${PIN}\\n' | pamtester scauth-test ada authenticate >/dev/null 2>&1 || echo ${PIN} | pamtester scauth-test ada authenticate
done`;
  await sandbox.exec(['bash', '-c', script, 'bash', String(count)], { timeoutMs: 240_000 });
}

function expectNowhereIn(t: ExecutionContext, pid: number | null, what: string): void {
  t.truthy(pid);
  for (const secret of ALL) t.deepEqual(findInMemory(pid ?? 0, secret), [], `${secret} in ${what}`);
}

/** Files of the sandbox that have a secret; its own start files, which hold the PIN for those who test, say so by a name. */
async function filesWith(secret: string): Promise<string> {
  const places = '/tmp /var/tmp /var/log /var/lib/scauth /run /home /root /etc';
  const script = `grep -rFI --binary-files=text -e "$1" ${places} 2>/dev/null | grep -v 'SCAUTH_[A-Z_]*=' | grep -v '^/run/sandbox/app/' | head -5`;
  return (await sandbox.exec(['bash', '-c', script, 'bash', secret])).stdout;
}

test.serial('in no file, after logins, a wrong PIN and a password at the PIN prompt', async (t) => {
  await logins(PAIRS);
  await person.sudo(sandbox, [person.PIN_PROMPT, PASSWORD]);
  writeFileSync(sandbox.path('/var/tmp/found-by-the-search'), `canary ${PIN}\n`);
  t.regex(await filesWith(PIN), /^\/var\/tmp\/found-by-the-search:canary \d+\n$/);
  for (const secret of [WRONG_PIN, PASSWORD]) t.is(await filesWith(secret), '', secret);
  await sandbox.exec(['rm', '/var/tmp/found-by-the-search']);
});

test.serial('not in the program that logs in, whether it was let in or not', async (t) => {
  for (const typed of [PIN, WRONG_PIN, PASSWORD]) {
    const login = new Login(sandbox, 'scauth-test', { withinMs: 30_000, env: NO_SECRETS });
    t.not(await login.question(), null);
    login.answer({ text: typed });
    t.true(await login.says(/^files /));
    expectNowhereIn(t, login.pid, `the client that was told ${typed}`);
    t.is((await login.end()).letIn, typed === PIN);
    await person.freshCard(sandbox);
  }
});

test.serial('changepin: no process shows either PIN, and scauthd forgets both', async (t) => {
  // The software card is told its PIN in an argument.
  const before = processesShowing(sandbox, PIN);
  await sandbox.card.misbehave({ kind: 'hang', ins: '24' });
  const changing = sandbox.card.waitFor({ ins: '24' });
  const user = sandbox.user;
  const input = `${PIN}\n${NEW_PIN}\n${NEW_PIN}\n`;
  const ended = sandbox.exec(['sc_auth', 'changepin'], { user, input });
  await changing;
  t.deepEqual(processesShowing(sandbox, PIN), before);
  t.is(processesShowing(sandbox, NEW_PIN).size, 0);
  await sandbox.card.release();
  const { code, stderr } = await ended;
  t.is(code, 0, stderr);
  expectNowhereIn(t, sandbox.agentHostPid, 'scauthd');
  t.is(await filesWith(NEW_PIN), '');
});

test.serial('not in the driver of a PKCS#11 module, nor in scauthd, after logins through it', async (t) => {
  writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), '[tokens]\ndisabled = ["org.scauth.piv"]\n');
  await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user]);
  await sandbox.card.setPin(PIN);
  await sandbox.restartAgent();
  await person.pairCard(sandbox);
  await logins(PAIRS);
  await person.expectCardLogin(sandbox);
  expectNowhereIn(t, driverPid(sandbox, MODULE), 'the driver');
  expectNowhereIn(t, sandbox.agentHostPid, 'scauthd');
});
