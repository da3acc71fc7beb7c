// scauthd is away, dies or is broken in its files: sudo goes on to the password, never in without one (L1, L15, L16).
// The module's own failures have their tests in test/unit/pam; outages of pcscd and the card are in card-outages.test.ts.
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT } from '../../kit/person/person.ts';

let sandbox: Sandbox;
const STATE = '/run/sandbox/state';
const DATABASE = `${STATE}/scauth.db`;
const UNREADABLE = 'The card pairings cannot be read. Use your password, and tell your administrator.';

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.pairCard(sandbox);
  // Whatever we answer, the next module would say yes: only SUCCESS and IGNORE of ours could hide behind it.
  writeFileSync(
    sandbox.path('/etc/pam.d/ours-alone'),
    'auth required pam_scauth.so\nauth optional pam_permit.so\n',
  );
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

/** What pamtester says of our module with a yes-man behind it. */
async function refusal(...lines: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await person.pamtester(
    sandbox,
    'root',
    ['ours-alone', sandbox.user],
    ...lines,
  );
  return { code, text: stdout + stderr };
}
const UNAVAILABLE = /cannot retrieve authentication info/i;

test.serial('L1: the agent is down: the password at once', async (t) => {
  await sandbox.killAgent();
  try {
    const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
    t.is(code, 0, screen);
    t.regex(screen, /^\[sudo\] password for ada: /);
    const { code: refused, text } = await refusal();
    t.not(refused, 0);
    t.regex(text, UNAVAILABLE);
  } finally {
    await sandbox.startAgent();
    await sandbox.untilCardRead();
  }
  await person.expectCardLogin(sandbox);
});

test.serial('L1: the socket is not there, or is something else', async (t) => {
  const socket = sandbox.path('/run/scauth/pam.sock');
  // Root's own would be taken instead.
  const rootsOwn = sandbox.path('/run/scauth/root');
  renameSync(socket, `${socket}.away`);
  renameSync(rootsOwn, `${rootsOwn}.away`);
  try {
    t.regex((await refusal()).text, UNAVAILABLE);
    for (const make of [
      () => {
        writeFileSync(socket, 'no socket');
      },
      () => {
        mkdirSync(socket);
      },
      () => {
        symlinkSync('/nowhere', socket);
      },
    ]) {
      make();
      const { code, text } = await refusal();
      t.not(code, 0);
      t.regex(text, UNAVAILABLE);
      rmSync(socket, { recursive: true });
    }
    const { code } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
    t.is(code, 0);
  } finally {
    renameSync(`${socket}.away`, socket);
    renameSync(`${rootsOwn}.away`, rootsOwn);
  }
  await person.expectCardLogin(sandbox);
});

test.serial('L1: the agent dies while the PIN is asked for', async (t) => {
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  await sandbox.killAgent();
  pty.send(`${sandbox.pin}\n`);
  await pty.expect(PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  const { code, screen } = await person.untilEnd(pty);
  t.is(code, 0, screen);
  t.is(await sandbox.card.verifyCount(), 0);
  await sandbox.startAgent();
  await sandbox.untilCardRead();
});

for (const [what, ins, skip] of [
  ['VERIFY', '20', 1],
  ['GENERAL AUTHENTICATE', '87', 0],
] as const) {
  test.serial(`L1: the agent dies while the card works at ${what}`, async (t) => {
    await sandbox.card.misbehave({ kind: 'hang', ins, skip });
    const counted = sandbox.card.waitForAnswer({ ins: '20' });
    const pty = sandbox.pty(['pamtester', 'ours-alone', sandbox.user, 'authenticate']);
    await pty.expect(PIN_PROMPT);
    await counted;
    const reached = sandbox.card.waitFor({ ins });
    pty.send(`${sandbox.pin}\n`);
    await reached;
    await sandbox.killAgent();
    const { code, screen } = await person.untilEnd(pty);
    t.not(code, 0);
    t.regex(screen, UNAVAILABLE);
    await sandbox.card.release();
    await sandbox.startAgent();
    await sandbox.untilCardRead();
    await person.expectCardLogin(sandbox);
  });
}

test.serial('L1: the agent is stopped in its tracks: the module gives up by itself', async (t) => {
  writeFileSync(
    sandbox.path('/etc/pam.d/impatient'),
    'auth required pam_scauth.so timeout=1\nauth optional pam_permit.so\n',
  );
  const pid = sandbox.agentHostPid ?? 0;
  process.kill(pid, 'SIGSTOP');
  try {
    const { code, stdout, stderr } = await person.pamtester(sandbox, 'root', ['impatient', sandbox.user]);
    t.not(code, 0);
    t.regex(stdout + stderr, UNAVAILABLE);
  } finally {
    process.kill(pid, 'SIGCONT');
    // nsenter, its parent, stops itself with its child.
    const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    process.kill(Number(parent), 'SIGCONT');
  }
  await person.expectCardLogin(sandbox);
});

interface Damage {
  readonly name: string;
  readonly lesson: string;
  readonly apply: () => void;
}
const path = (file: string): string => sandbox.path(file);
const DAMAGES: readonly Damage[] = [
  {
    lesson: 'L16',
    name: 'random bytes',
    apply: () => {
      writeFileSync(path(DATABASE), randomBytes(16_384), { mode: 0o600 });
    },
  },
  {
    lesson: 'L16',
    name: 'empty',
    apply: () => {
      writeFileSync(path(DATABASE), '', { mode: 0o600 });
    },
  },
  {
    lesson: 'L16',
    name: 'a folder in its place',
    apply: () => {
      rmSync(path(DATABASE));
      mkdirSync(path(DATABASE), { mode: 0o700 });
    },
  },
  {
    lesson: 'L15',
    name: 'in a folder that the group may write',
    apply: () => {
      chmodSync(path(STATE), 0o770);
    },
  },
  {
    lesson: 'L15',
    name: 'writable by everybody',
    apply: () => {
      chmodSync(path(DATABASE), 0o666);
    },
  },
];

for (const { lesson, name, apply } of DAMAGES) {
  test.serial(
    `${lesson}: the pairing table, ${name}: said to the person, written to the log, password`,
    async (t) => {
      await sandbox.stopAgent();
      await sandbox.exec(['sh', '-c', `cp -a ${STATE} ${STATE}.good`]);
      try {
        apply();
        const from = sandbox.agentLog().length;
        await sandbox.startAgent();
        await sandbox.untilCardRead();
        const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
        t.is(code, 0, screen);
        t.true(screen.includes(UNREADABLE), screen);
        t.regex(await person.untilAgentSays(sandbox, 'store-unreadable', from), /scauth\.db|state/);
        const { code: refused } = await refusal();
        t.not(refused, 0);
        await person.untilAudited(sandbox, 'store-unreadable');
        const listed = await sandbox.exec(['sc_auth', 'list']);
        t.not(listed.code, 0, '“cannot be read” is not “not paired”');
        t.is(listed.stdout, '');
      } finally {
        await sandbox.stopAgent();
        await sandbox.exec(['sh', '-c', `rm -rf ${STATE} && mv ${STATE}.good ${STATE}`]);
        await sandbox.startAgent();
        await sandbox.untilCardRead();
      }
      await person.expectCardLogin(sandbox);
    },
  );
}

test.serial(
  'a configuration that is not understood: scauthd ends and names file, line and key',
  async (t) => {
    const file = path('/etc/scauth/scauth.toml');
    await sandbox.stopAgent();
    const from = sandbox.agentLog().length;
    writeFileSync(file, '[login]\ncards_allowed = true\ntry_reserv = 0\n');
    await t.throwsAsync(sandbox.startAgent(), { message: /scauthd ended/ });
    const said = sandbox.agentLog().slice(from);
    t.regex(said, /scauth\.toml:3: login\.try_reserv is not a setting; did you mean try_reserve\?/);
    const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
    t.is(code, 0, screen);
    writeFileSync(file, '[login]\ntry_reserve = "none"\n');
    await t.throwsAsync(sandbox.startAgent());
    t.regex(sandbox.agentLog().slice(from), /scauth\.toml:2: login\.try_reserve must be a number/);
    rmSync(file);
    await sandbox.restartAgent();
    await person.expectCardLogin(sandbox);
  },
);
