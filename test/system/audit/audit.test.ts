// The audit log on a disk that is really full, on a file system that is read-only, and in the hands of another scauthd:
// no record, no grant, and the password has its turn; what was not written is counted once it can be (L26). And an anchor
// that the administrator's own card signs.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { APP } from '../../kit/sandbox/namespace.ts';
import { readOcsf } from '../../kit/audit/ocsf-rules.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { SHARE } from '../../kit/sandbox/etc.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';

let sandbox: Sandbox;
const DISK = `${SHARE}/log`;
const LOG = `${DISK}/audit.jsonl`;
const FILLER = `${DISK}/filler`;
const TOLD = /our card is right, but the audit log cannot be written.*Use your\s+password/s;

interface Line {
  readonly metadata: { readonly event_code: string };
  readonly status?: string;
  readonly status_detail?: string;
  readonly unmapped: { readonly count?: number };
}

async function root(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await sandbox.exec(argv);
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  return stdout;
}

/** The log's lines. @throws Error for half a line */
function lines(): Line[] {
  const text = readFileSync(sandbox.path(LOG), 'utf8');
  if (!text.endsWith('\n')) throw new Error('half a line');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => readOcsf(line) as unknown as Line);
}

function grants(): number {
  return lines().filter(({ metadata, status }) => metadata.event_code === 'login' && status === 'Success')
    .length;
}

/** How many events the log says it has not. */
function notWritten(): number {
  return lines()
    .filter(({ status_detail }) => status_detail === 'not-written')
    .reduce((sum, { unmapped }) => sum + (unmapped.count ?? 0), 0);
}

/** A login by card and PIN. @returns whether the card was enough; the password is typed where it was not */
async function login(): Promise<{ byCard: boolean; screen: string }> {
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  pty.send(`${sandbox.pin}\n`);
  const byCard = await Promise.race([
    pty.exit.then(() => true),
    pty.expect(PASSWORD_PROMPT).then(() => false),
  ]);
  if (!byCard) pty.send(`${sandbox.password}\n`);
  const { code, screen } = await person.untilEnd(pty);
  if (code !== 0 || !ROOT.test(screen)) throw new Error(`not let in:\n${screen}\n${sandbox.logs()}`);
  return { byCard, screen };
}

/** Every byte of the disk, and what is left of the log's last page by logins. @returns the screen of the first refused */
async function fill(): Promise<string> {
  await sandbox.exec(['dd', 'if=/dev/zero', `of=${FILLER}`, 'bs=1k']);
  for (let turn = 0; turn < 8; turn += 1) {
    const before = grants();
    const { byCard, screen } = await login();
    if (!byCard) return screen;
    // Let in by the card: then it is recorded.
    if (grants() !== before + 1) throw new Error('a grant without a record');
  }
  throw new Error('the disk does not get full');
}

async function restartWith(config: string): Promise<void> {
  await sandbox.stopAgent();
  writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), config);
  await sandbox.startAgent();
  await sandbox.untilCardRead();
}

async function verify(): Promise<{ whole: boolean; faults: { kind: string; detail: string | null }[] }> {
  const { stdout } = await sandbox.exec(['sc_auth', 'audit', 'verify', '--json']);
  return JSON.parse(stdout) as Awaited<ReturnType<typeof verify>>;
}

test.before(async () => {
  sandbox = await Sandbox.start({ agent: false });
  await root('mount', '-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'small', DISK);
  await sandbox.startAgent();
  await sandbox.untilCardRead();
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
});
test.after.always(() => sandbox.stop());

test.serial(
  'L26: a full disk: no record, no grant; the password opens; the gap is recorded afterwards',
  async (t) => {
    const screen = await fill();
    t.regex(screen, TOLD);
    t.regex(sandbox.agentLog(), /audit\.jsonl cannot be written <- .*(ENOSPC|of \d+ bytes)/);
    const before = grants();
    t.false((await login()).byCard);
    t.is(grants(), before);
    t.is(notWritten(), 0);
    rmSync(sandbox.path(FILLER));
    t.true((await login()).byCard);
    t.is(grants(), before + 1);
    t.true(notWritten() >= 2);
    const { whole, faults } = await verify();
    t.false(whole);
    t.deepEqual(
      faults.map(({ kind, detail }) => [kind, detail?.replace(/\d+/, 'N')]),
      [['gap', 'not-written (N)']],
    );
  },
);

test.serial(
  'a full disk with no_record_no_grant = false: the card opens, and the gap counts it',
  async (t) => {
    await restartWith('[audit]\nno_record_no_grant = false\n');
    try {
      await sandbox.exec(['dd', 'if=/dev/zero', `of=${FILLER}`, 'bs=1k']);
      const [before, missing] = [grants(), notWritten()];
      let opened = 0;
      for (; opened < 8 && grants() === before + opened; opened += 1) t.true((await login()).byCard);
      // The last one has no record.
      t.is(grants(), before + opened - 1);
      rmSync(sandbox.path(FILLER));
      t.true((await login()).byCard);
      t.is(grants(), before + opened);
      t.true(notWritten() > missing);
    } finally {
      rmSync(sandbox.path(FILLER), { force: true });
      await restartWith('');
    }
  },
);

test.serial(
  'a read-only file system: no record, no grant; scauthd lives, and goes on when it can',
  async (t) => {
    await sandbox.stopAgent();
    await root('mount', '-o', 'remount,ro', DISK);
    try {
      await sandbox.startAgent();
      await sandbox.untilCardRead();
      const before = readFileSync(sandbox.path(LOG));
      const { byCard, screen } = await login();
      t.false(byCard);
      t.regex(screen, TOLD);
      t.regex(sandbox.agentLog(), /EROFS/);
      t.deepEqual(readFileSync(sandbox.path(LOG)), before);
      const missing = notWritten();
      await root('mount', '-o', 'remount,rw', DISK);
      t.true((await login()).byCard);
      t.true(notWritten() > missing);
    } finally {
      await sandbox.exec(['mount', '-o', 'remount,rw', DISK]);
    }
  },
);

test.serial('two agents on one log: the second writes nothing and grants nothing', async (t) => {
  const second = '/run/second';
  await root('mkdir', '-m', '0700', '-p', second, `${second}/config`);
  await root('cp', '-a', `${SHARE}/state`, `${second}/state`);
  writeFileSync(
    sandbox.path('/etc/pam.d/second'),
    `auth required pam_scauth.so socket=${second}/pam.sock\nauth required pam_permit.so\n`,
  );
  const agent = sandbox.namespace.spawn([`${APP}/install/bin/scauthd`], {
    env: {
      ...sandbox.environment(),
      RUNTIME_DIRECTORY: second,
      STATE_DIRECTORY: `${second}/state`,
      CONFIGURATION_DIRECTORY: `${second}/config`,
      LOGS_DIRECTORY: DISK,
    },
  });
  const ended = new Promise((resolve) => agent.once('close', resolve));
  let said = '';
  const heard = new Promise<void>((resolve) => {
    agent.stderr?.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      if (said.includes('another scauthd writes') && said.includes('token in')) resolve();
    });
  });
  try {
    await Promise.race([heard, ended]);
    t.true(existsSync(sandbox.path(`${second}/pam.sock`)), said);
    const before = grants();
    const { code, stdout, stderr } = await person.pamtester(
      sandbox,
      'root',
      ['second', sandbox.user],
      sandbox.pin,
    );
    t.not(code, 0);
    t.regex(stdout + stderr, TOLD);
    t.is(grants(), before);
    await person.expectCardLogin(sandbox);
    t.is(grants(), before + 1);
  } finally {
    const pid = sandbox.namespace.pidOf(agent);
    if (pid !== null) process.kill(pid, 'SIGTERM');
    await ended;
  }
  // Its end takes nothing away either.
  await person.expectCardLogin(sandbox);
  const { faults } = await verify();
  t.true(faults.every(({ kind }) => kind === 'gap'));
});

test.serial(
  "an anchor signed by the administrator's card: verify knows the key by the pairing and by a file",
  async (t) => {
    const sign = (...args: string[]) =>
      sandbox.exec(['sc_auth', 'audit', 'anchor', '--sign', ...args], { input: `${sandbox.pin}\n` });
    // Nobody but root; root itself has no card.
    const user = await sandbox.exec(['sc_auth', 'audit', 'anchor', '--sign'], { user: sandbox.user });
    t.is(user.code, 3, user.stderr);
    t.is((await sign()).code, 4);
    const made = await sign('--user', sandbox.user, '--json');
    t.is(made.code, 0, made.stderr + made.stdout);
    const { text, publicKey, sequence, hash } = JSON.parse(made.stdout) as Record<string, string | number>;
    t.is(sequence, lines().findLastIndex(({ metadata }) => metadata.event_code === 'pin-checked') - 1);
    t.is(hash, await person.cardHash(sandbox));
    writeFileSync(sandbox.path('/run/anchors'), `Jan 1 host scauthd: ${String(text)}\n`);
    writeFileSync(sandbox.path('/run/signer.pem'), String(publicKey));
    const words = async (...args: string[]): Promise<string> =>
      root('sh', '-c', 'sc_auth audit verify --anchors /run/anchors "$@" || true', 'sh', ...args);
    t.regex(
      await words(),
      /^Signed +anchor of record \d+, .* signed for ada .*paired with the account here$/m,
    );
    t.regex(await words('--signer', '/run/signer.pem'), /^Signed .*by the key of --signer$/m);
    await root('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', '/run/other.key');
    await root('openssl', 'pkey', '-in', '/run/other.key', '-pubout', '-out', '/run/other.pem');
    t.regex(await words('--signer', '/run/other.pem'), /^FAULT .*by another key than that of --signer$/m);
    const wrong = await sandbox.exec(['sc_auth', 'audit', 'anchor', '--sign', '--user', sandbox.user], {
      input: `${person.WRONG_PIN}\n`,
    });
    t.is(wrong.code, 3);
    t.is(lines().at(-1)?.status, 'Failure');
  },
);
