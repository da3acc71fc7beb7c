// L8, in the programs around scauthd: where PIN and password are while and after they are used by sc_auth, the program that
// checks a password, scauth-session with its dialogs, and with a PIN pad. Drivers and PAM clients: secrets-elsewhere.
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { buildPinPad, Pad } from '../../kit/ifd/pad.ts';
import { findInMemory } from '../../kit/person/memory.ts';
import * as person from '../../kit/person/person.ts';
import { processesShowing } from '../../kit/person/shown.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { driverPid } from '../drivers/processes.ts';
import { DialogWorld } from '../session/dialog-world.ts';

const digits = (): string => String(randomInt(10_000_000, 100_000_000));
/** Others on this machine have none of these in their memory. */
const PIN = digits();
const NEW_PIN = digits();
const WRONG_PIN = digits();
const PASSWORD = `vermilion-Otter-${digits()}`;
const SECRETS = { pin: PIN, password: PASSWORD };
/** The sandbox's variables hold the secrets for those who test. */
const NO_SECRETS = { SCAUTH_PIN: '', SCAUTH_PASSWORD: '', SCAUTH_ROOT_PASSWORD: '' };
const NO_CORE = /^Max core file size\s+0\s+0\s/m;

function expectNowhereIn(t: ExecutionContext, pid: number | null, what: string, ...secrets: string[]): void {
  t.truthy(pid, what);
  for (const secret of secrets)
    t.deepEqual(findInMemory(pid ?? 0, secret), [], `${secret} in the memory of ${what}`);
}

const limitsOf = (pid: number): string => readFileSync(`/proc/${pid}/limits`, 'latin1');

async function withSandbox(
  options: Parameters<typeof Sandbox.start>[0],
  act: (sandbox: Sandbox) => Promise<void>,
): Promise<void> {
  const sandbox = await Sandbox.start({ ...SECRETS, agentEnv: NO_SECRETS, ...options });
  try {
    await act(sandbox);
  } finally {
    await sandbox.stop();
  }
}

/** As the machine counts. @throws Error unless there is exactly one */
function programOf(sandbox: Sandbox, text: string): number {
  const [first, ...others] = sandbox.namespace
    .processes()
    .filter(({ line }) => line.includes(text) && line.includes('bin/node'));
  if (first === undefined || others.length > 0) throw new Error(`${others.length} more than one of ${text}`);
  return first.pid;
}

test.serial(
  'sc_auth changepin has forgotten both PINs while the card works, and leaves no core',
  async (t) => {
    await withSandbox({}, async (sandbox) => {
      await person.pairCard(sandbox);
      await sandbox.card.misbehave({ kind: 'hang', ins: '24' });
      const changing = sandbox.card.waitFor({ ins: '24' });
      const pty = sandbox.pty(['sc_auth', 'changepin'], { user: sandbox.user, env: NO_SECRETS });
      await pty.expect(person.PIN_PROMPT);
      pty.send(`${PIN}\n`);
      await pty.expect(/new PIN[^\n]*: $/i);
      pty.send(`${NEW_PIN}\n`);
      await pty.expect(/: $/);
      pty.send(`${NEW_PIN}\n`);
      await changing;
      const pid = programOf(sandbox, 'cli/main');
      expectNowhereIn(t, pid, 'sc_auth', PIN, NEW_PIN);
      t.regex(limitsOf(pid), NO_CORE);
      await sandbox.card.release();
      t.is((await person.untilEnd(pty)).code, 0);
      expectNowhereIn(t, sandbox.agentHostPid, 'scauthd', PIN, NEW_PIN);
    });
  },
);

test.serial('the program that checks a password has no PIN, shows nothing and leaves no core', async (t) => {
  await withSandbox({}, async (sandbox) => {
    const [held, go] = ['/run/held', '/run/go'];
    writeFileSync(
      sandbox.path('/run/hold.sh'),
      `#!/bin/sh\ntouch ${held}\nwhile [ ! -e ${go} ]; do sleep 0.05; done\n`,
      { mode: 0o755 },
    );
    writeFileSync(
      sandbox.path('/etc/pam.d/scauth'),
      'auth required pam_unix.so nodelay\nauth required pam_exec.so /run/hold.sh\naccount required pam_unix.so\n',
    );
    const paired = sandbox.exec(['sc_auth', 'pair', '-h', await person.cardHash(sandbox)], {
      user: sandbox.user,
      input: `${PASSWORD}\n${PIN}\n`,
      env: NO_SECRETS,
    });
    while (!existsSync(sandbox.path(held))) await pause(10);
    const child = driverPid(sandbox, 'check-password');
    t.regex(limitsOf(child), NO_CORE);
    expectNowhereIn(t, child, 'the check', PIN);
    // The card's own program has its PIN as an argument.
    t.is(processesShowing(sandbox, PASSWORD).size, 0);
    expectNowhereIn(t, sandbox.agentHostPid, 'scauthd', PASSWORD);
    writeFileSync(sandbox.path(go), '');
    const { code, stderr } = await paired;
    t.is(code, 0, stderr);
    t.false(person.isAlive(child));
    expectNowhereIn(t, sandbox.agentHostPid, 'scauthd', PASSWORD, PIN);
  });
});

test.serial('a PIN that is typed on the reader is in no memory of ours, right or wrong', async (t) => {
  buildPinPad();
  await withSandbox({ pinPad: true }, async (sandbox) => {
    const pad = await Pad.attach(sandbox);
    const pair = sandbox.pty(['sc_auth', 'pair'], { user: sandbox.user });
    await pair.expect(/Enter = \w+[^\n]*: $/);
    pair.send('1\n');
    await pair.expect(person.PASSWORD_PROMPT);
    pair.send(`${PASSWORD}\n`);
    (await pad.next()).type(PIN);
    t.is((await person.untilEnd(pair)).code, 0);
    for (const typed of [PIN, WRONG_PIN]) {
      const pty = person.startSudo(sandbox);
      (await pad.next()).type(typed);
      if (typed === WRONG_PIN) {
        await pty.expect(person.PASSWORD_PROMPT);
        pty.send(`${PASSWORD}\n`);
      }
      t.is((await person.untilEnd(pty)).code, 0);
      expectNowhereIn(t, sandbox.agentHostPid, 'scauthd', typed, PASSWORD);
    }
    pad.close();
  });
});

test.serial('scauth-session has forgotten what was typed into its dialogs', async (t) => {
  const world = await DialogWorld.start({ ...SECRETS, agentEnv: NO_SECRETS });
  try {
    const { desktop, sandbox } = world;
    const session = await world.startSession(NO_SECRETS);
    await person.reinsertCard(sandbox);
    const steps = [() => desktop.key('alt+p'), () => desktop.type(PASSWORD), () => desktop.type(WRONG_PIN)];
    await world.untilDialog();
    for (const step of steps) {
      await step();
      await desktop.untilStill();
      await world.untilDialog();
    }
    await desktop.type(PIN);
    await desktop.untilStill();
    t.regex(await world.pairings(), /^Hash: [0-9A-F]{40}/m);
    const pid = sandbox.namespace.pidOf(session.process);
    expectNowhereIn(t, pid, 'scauth-session', PIN, WRONG_PIN, PASSWORD);
    expectNowhereIn(t, sandbox.agentHostPid, 'scauthd', PIN, WRONG_PIN, PASSWORD);
    t.regex(limitsOf(pid ?? 0), NO_CORE);
    await desktop.key('Return');
    await world.untilNoDialog();
  } finally {
    await world.stopSessions();
    await world.sandbox.stop();
  }
});
