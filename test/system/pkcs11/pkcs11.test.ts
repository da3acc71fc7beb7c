// A PIV card through OpenSC's PKCS#11 module, on the real pcscd: the same key opens sudo through both drivers, the card
// is never left verified, and the module's process runs only while it has a card.
import { writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { driverPid, driverPids } from '../drivers/processes.ts';
import * as person from '../../kit/person/person.ts';
import { CONSENT_PROMPT, PASSWORD_PROMPT, PIN_PROMPT } from '../../kit/person/person.ts';
import { strangerSignStatus } from '../../kit/person/pcsc-client.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const MODULE = 'opensc-pkcs11.so';
const NOT_PIV = '[tokens]\ndisabled = ["org.scauth.piv"]\n';
let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start();
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

async function gone(): Promise<boolean> {
  for (let waited = 0; driverPids(sandbox, MODULE).length > 0 && waited < 300; waited++)
    await new Promise((go) => setTimeout(go, 10));
  return driverPids(sandbox, MODULE).length === 0;
}

/** Another program waits until it has the card to itself, and goes. */
async function hasExclusively(): Promise<string> {
  const script = `
import koffi from '/run/sandbox/app/node_modules/koffi/index.js';
const lib = koffi.load('libpcsclite.so.1');
const establish = lib.func('long SCardEstablishContext(unsigned long s, void *a, void *b, _Out_ long *c)');
const connect = lib.func('long SCardConnect(long c, const char *r, unsigned long m, unsigned long p, _Out_ long *h, _Out_ unsigned long *a)');
const c = [0], h = [0], a = [0];
establish(2, null, null, c);
for (let n = 0; n < 100; n++) {
  const rv = connect(c[0], 'Virtual PCD 00 00', 1, 3, h, a);
  if (rv === 0) { console.log('exclusive'); break; }
  await new Promise((go) => setTimeout(go, 100));
}
process.exit(0);
`;
  writeFileSync(sandbox.path('/run/sandbox/exclusive.mjs'), script);
  const node = '/run/sandbox/app/node_modules/node/bin/node';
  const { stdout, stderr } = await sandbox.exec([node, '/run/sandbox/exclusive.mjs']);
  return stdout + stderr;
}

/** What a card once said of its tries is asked about until a right PIN. */
async function expectLoginWithYes(t: ExecutionContext): Promise<void> {
  const { code, screen } = await person.sudo(sandbox, [CONSENT_PROMPT, 'yes'], [PIN_PROMPT, sandbox.pin]);
  t.is(code, 0, screen);
}

test.serial('sudo works with the same key through PIV and then through PKCS#11', async (t) => {
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
  t.deepEqual(driverPids(sandbox, MODULE), [], 'a card that PIV takes is not taken twice');
  writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), NOT_PIV);
  await sandbox.restartAgent();
  const asUser = { user: sandbox.user };
  const { stdout } = await sandbox.exec(['sc_auth', 'list-smartcards']);
  t.regex(stdout, /^org\.scauth\.pkcs11:\S+\n$/);
  // A module shows no 9E key, and the pairing keeps one: another way to the card must not be a weaker one.
  const refused = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
  t.true(
    refused.code === 0 && /its current driver cannot check it\. No PIN was sent/.test(refused.screen),
    refused.screen,
  );
  await person.untilAudited(sandbox, 'card-unchecked');
  const { links, broken } = JSON.parse(
    (await sandbox.exec(['sc_auth', 'explain', '--json'], asUser)).stdout,
  ) as { links: { remedy: string | null }[]; broken: string | null };
  t.is(broken, 'pairing');
  t.regex(links.at(-1)?.remedy ?? '', /sc_auth unpair, then sc_auth pair/);
  t.regex((await sandbox.exec(['sc_auth', 'doctor'])).stdout, /paired cards .*ada.*org\.scauth\.piv/);
  // What the sentence says helps.
  t.is((await sandbox.exec(['sc_auth', 'unpair'], asUser)).code, 0);
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
});

test.serial('L7: after a login through PKCS#11 another program needs the PIN', async (t) => {
  await person.expectCardLogin(sandbox);
  t.is(await strangerSignStatus(sandbox), '6982');
});

test.serial('a wrong PIN costs one try and is not sent again', async (t) => {
  const { code } = await person.sudo(
    sandbox,
    [PIN_PROMPT, person.WRONG_PIN],
    [PASSWORD_PROMPT, sandbox.password],
  );
  t.is(code, 0);
  t.is(await sandbox.card.getTries(), 2);
});

test.serial('L24: what cannot be a PIN never reaches the card', async (t) => {
  for (const typed of ['', 'correct', 'correct-horse-7', '123']) {
    const { code } = await person.pamtester(sandbox, 'root', ['scauth-test', sandbox.user], typed);
    t.not(code, 0);
  }
  t.is(await sandbox.card.getTries(), 3);
});

test.serial('the final try (a flag of PKCS#11) is spent only with a yes', async (t) => {
  await sandbox.card.setTries(1);
  await person.reinsertCard(sandbox);
  const { code, screen } = await person.sudo(
    sandbox,
    [CONSENT_PROMPT, ''],
    [PASSWORD_PROMPT, sandbox.password],
  );
  t.is(code, 0);
  t.regex(screen, /The last PIN tries were kept/);
  t.is(await sandbox.card.getTries(), 1);
  await expectLoginWithYes(t);
});

test.serial(
  'the final try is asked about after the PIN, where the tries went while the card was in',
  async (t) => {
    await person.reinsertCard(sandbox);
    await sandbox.card.setTries(1);
    const { code, screen } = await person.sudo(
      sandbox,
      [PIN_PROMPT, person.WRONG_PIN],
      [CONSENT_PROMPT, ''],
      [PASSWORD_PROMPT, sandbox.password],
    );
    t.is(code, 0, screen);
    t.is(await sandbox.card.getTries(), 1);
    await expectLoginWithYes(t);
  },
);

test.serial(
  'S4: the final try is kept where another program spent the others after the question',
  async (t) => {
    await person.reinsertCard(sandbox);
    const pty = person.startSudo(sandbox);
    const from = sandbox.agentLog().length;
    await pty.expect(PIN_PROMPT);
    // The module has told the counter when it lets go of the card.
    t.is(await hasExclusively(), 'exclusive\n');
    await sandbox.card.setTries(1);
    pty.send(`${person.WRONG_PIN}\n`);
    await pty.expect(CONSENT_PROMPT);
    t.is(await sandbox.card.getTries(), 1, sandbox.agentLog().slice(from));
    pty.send('\n');
    await pty.expect(PASSWORD_PROMPT);
    t.is(await sandbox.card.getTries(), 1, sandbox.agentLog().slice(from));
    pty.send(`${sandbox.password}\n`);
    const { code } = await person.untilEnd(pty);
    t.is(code, 0);
    await expectLoginWithYes(t);
  },
);

test.serial('a signature key is shown and is not for login', async (t) => {
  const { stdout } = await sandbox.exec(['sc_auth', 'identities', '--json']);
  const { paired, unpaired } = JSON.parse(stdout) as Record<'paired' | 'unpaired', { label: string }[]>;
  t.is(paired.length, 1);
  t.deepEqual(
    unpaired.filter(({ label }) => /signature|card auth|management/i.test(label)),
    [],
  );
});

test.serial('the process ends when the card is pulled, and comes back with it', async (t) => {
  driverPid(sandbox, MODULE);
  await person.pullCard(sandbox);
  t.true(await gone());
  await person.insertCard(sandbox);
  await person.expectCardLogin(sandbox);
});

test.serial('the card is let go when nobody asks: another program has it exclusively', async (t) => {
  await person.expectCardLogin(sandbox);
  t.is(await hasExclusively(), 'exclusive\n');
});

test.serial('a killed module process costs the login at most, and the next one works', async (t) => {
  const from = sandbox.agentLog().length;
  process.kill(driverPid(sandbox, MODULE), 'SIGKILL');
  await person.untilAgentSays(sandbox, 'token out', from);
  await person.untilAgentSays(sandbox, 'token in', from);
  await person.expectCardLogin(sandbox);
  t.pass();
});
