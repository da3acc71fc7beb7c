// sc_auth test and sc_auth enable-for-login, on the real parts: a rehearsal says what a login would, and leaves card,
// pairings and sudo as they were; a driver of others runs before a login only once the administrator has said so.
import { stripVTControlCharacters } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { documented, installDriver } from '../drivers/install-driver.ts';
import { Sandbox, type ExecResult } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PIN_PROMPT, WRONG_PIN } from '../../kit/person/person.ts';

interface Rehearsal {
  readonly granted: boolean;
  readonly steps: readonly { readonly name: string; readonly good: boolean; readonly ms: number }[];
  readonly failure: { readonly code: string; readonly triesLeft: number | null } | null;
}

const STEPS = [
  ...['policy', 'pairings', 'card', 'certificate', 'driver', 'tries', 'PIN', 'proof', 'signature'],
  ...['pairing', 'release'],
];
let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start();
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

function rehearse(pin: string, ...args: readonly string[]): Promise<ExecResult> {
  return sandbox.exec(['sc_auth', 'test', ...args], { user: sandbox.user, input: `${pin}\n` });
}

/** A rehearsal that ends at `step`, with this exit code and failure. */
async function endsAt(
  t: ExecutionContext,
  pin: string,
  [step, exit, failure]: readonly [step: string, exit: number, failure: string],
): Promise<Rehearsal> {
  const { code, stdout, stderr } = await rehearse(pin, '--json');
  t.is(code, exit, stderr);
  const result = JSON.parse(stdout) as Rehearsal;
  t.false(result.granted);
  t.is(result.failure?.code, failure);
  const bad = result.steps.filter(({ good }) => !good).map(({ name }) => name);
  t.deepEqual(bad, [step]);
  return result;
}

async function pairings(): Promise<string> {
  return (await sandbox.exec(['sc_auth', 'list', '--json'])).stdout;
}

test.serial('not paired: the rehearsal says so, asks for no PIN and pairs nothing', async (t) => {
  await endsAt(t, sandbox.pin, ['pairings', 4, 'not-paired']);
  t.is(await sandbox.card.verifyCount(), 0);
  t.deepEqual(JSON.parse(await pairings()), { pairings: [] });
  await person.pairCard(sandbox);
});

test.serial('the right PIN: each step with its time, exit 0', async (t) => {
  const before = await pairings();
  const pty = sandbox.pty(['sc_auth', 'test'], { user: sandbox.user });
  const { code, screen } = await person.answer(pty, [[PIN_PROMPT, sandbox.pin]]);
  t.is(code, 0, screen);
  const plain = stripVTControlCharacters(screen);
  for (const name of STEPS) t.regex(plain, new RegExp(`ok +${name} +\\d+\\.\\d ms`), name);
  t.regex(screen, /would be granted\. Nothing was changed\./);
  t.false(screen.includes(sandbox.pin));
  const { stdout } = await rehearse(sandbox.pin, '--json');
  const result = JSON.parse(stdout) as Rehearsal;
  t.like(result, { granted: true, failure: null });
  t.deepEqual(
    result.steps.map(({ name }) => name),
    STEPS,
  );
  t.true(result.steps.every(({ ms }) => ms >= 0));
  t.regex(stdout, /"note": "the card was told to be unverified again, and obeyed at its first use"/, 'K15');
  t.is(await pairings(), before);
});

test.serial(
  'L7: it grants nothing: no login in the log, the card unverified, sudo asks for the PIN',
  async (t) => {
    const grants = (): number =>
      person.auditLines(sandbox).filter((line) => line.metadata.event_code === 'login').length;
    const before = grants();
    t.is((await rehearse(sandbox.pin)).code, 0);
    t.is(grants(), before);
    t.false((await sandbox.card.state()).pinVerified);
    await person.expectCardLogin(sandbox);
  },
);

test.serial('a wrong PIN: one try, how many are left, and exit 3', async (t) => {
  const result = await endsAt(t, WRONG_PIN, ['proof', 3, 'wrong-pin']);
  t.is(result.failure?.triesLeft, 2);
  t.is(await sandbox.card.getTries(), 2);
  const { stdout } = await rehearse(WRONG_PIN);
  t.regex(stdout, /FAILED +proof .*\n.* would not be granted\. Wrong PIN\. 1 try left\.\n$/s);
});

test.serial('a blocked PIN and the last try: nothing is sent', async (t) => {
  for (const [tries, step, failure] of [
    [0, 'tries', 'pin-blocked'],
    [1, 'PIN', 'pin-reserve'],
  ] as const) {
    await sandbox.card.setTries(tries);
    await person.reinsertCard(sandbox);
    await sandbox.card.clearLog();
    await endsAt(t, 'no', [step, 3, failure]);
    t.is(await sandbox.card.verifyCount(), 0);
  }
  await person.freshCard(sandbox);
  await person.reinsertCard(sandbox);
});

test.serial('no card', async (t) => {
  await person.pullCard(sandbox);
  await endsAt(t, sandbox.pin, ['card', 4, 'no-card']);
  await person.insertCard(sandbox);
});

test.serial("a signature that is not the paired key's is no yes", async (t) => {
  await sandbox.card.misbehave({ kind: 'wrong-signature' });
  const { code, stdout } = await rehearse(sandbox.pin, '--json');
  t.is(code, 3, stdout);
  t.is((JSON.parse(stdout) as Rehearsal).failure?.code, 'bad-proof');
});

test.serial('a service name that is none is refused before anything is asked', async (t) => {
  const { code, stdout } = await rehearse(sandbox.pin, '-s', '../sudo');
  t.is(code, 2);
  t.is(stdout, '');
});

test.serial('enable-for-login: only root, only a driver that is there', async (t) => {
  const asUser = { user: sandbox.user };
  t.is((await sandbox.exec(['sc_auth', 'enable-for-login', 'org.scauth.piv'], asUser)).code, 3);
  const none = await sandbox.exec(['sc_auth', 'enable-for-login', 'org.example.none']);
  t.is(none.code, 2, none.stderr);
});

test.serial('a built-in driver that is disabled serves no login, but sudo', async (t) => {
  const disabled = await sandbox.exec(['sc_auth', 'enable-for-login', '--disable', 'org.scauth.piv']);
  t.is(disabled.code, 0, disabled.stderr);
  const login = JSON.parse((await rehearse(sandbox.pin, '-s', 'login', '--json')).stdout) as Rehearsal;
  t.is(login.failure?.code, 'not-allowed');
  t.deepEqual(
    login.steps.filter(({ good }) => !good).map(({ name }) => name),
    ['driver'],
  );
  t.is((await rehearse(sandbox.pin)).code, 0);
  await person.expectCardLogin(sandbox);
  t.is((await sandbox.exec(['sc_auth', 'enable-for-login', 'org.scauth.piv'])).code, 0);
  t.is((await rehearse(sandbox.pin, '-s', 'login')).code, 0);
});

test("a driver of others: no PIN at pamtester's login until it is enabled, and it stays so over a restart", async (t) => {
  const other = await Sandbox.start({ agent: false, config: documented('toml') });
  try {
    installDriver(other, 'example', documented('json'), documented('python'));
    await other.startAgent();
    await other.untilCardRead();
    await person.pairCard(other);
    // Who asks is root without a login of its own; sudo's service would be within one.
    const login = (): ReturnType<typeof person.pamtester> =>
      person.pamtester(other, 'root', ['scauth-test', other.user], other.pin);
    t.not((await login()).code, 0);
    t.is(await other.card.verifyCount(), 1, 'the pairing alone has sent a PIN');
    const driver = 'org.example.piv-lite';
    t.is((await other.exec(['sc_auth', 'enable-for-login', driver])).code, 0);
    const granted = await login();
    t.is(granted.code, 0, granted.stdout + granted.stderr);
    await other.restartAgent();
    t.is((await login()).code, 0);
    t.is((await other.exec(['sc_auth', 'enable-for-login', '--disable', driver])).code, 0);
    t.not((await login()).code, 0);
  } finally {
    await other.stop();
  }
});
