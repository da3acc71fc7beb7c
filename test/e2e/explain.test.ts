// sc_auth explain in broken set-ups on the real programs: each names the link that is broken. Where it says that nothing
// is in the way, a login by card is tried. What needs its own sandbox is at the end.
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import test, { type ExecutionContext } from 'ava';
import { REMEDY } from '../../agent/login/explain-wording.ts';
import { Sandbox, type SandboxOptions } from '../sandbox/sandbox.ts';
import * as person from './person.ts';

/** Several sandboxes may run at once. */
const PATIENCE_MS = 90_000;

/** What `--json` promises to scripts, for a whole way and for each broken one. */
const link = { type: 'string', enum: Object.keys(REMEDY) } as const;
const line = { type: 'string', minLength: 1 } as const;
const isExplained = new Ajv({ strict: true, allowUnionTypes: true }).compile({
  type: 'object',
  additionalProperties: false,
  required: ['user', 'service', 'links', 'broken'],
  properties: {
    user: line,
    service: line,
    broken: { anyOf: [link, { type: 'null' }] },
    links: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'ok', 'detail', 'remedy'],
        properties: {
          name: link,
          ok: { type: 'boolean' },
          detail: line,
          remedy: { type: ['string', 'null'] },
        },
        if: { properties: { ok: { const: true } } },
        then: { properties: { remedy: { type: 'null' } } },
        else: { properties: { remedy: line } },
      },
    },
  },
});

interface Explained {
  readonly user: string;
  readonly links: readonly { name: string; ok: boolean; detail: string; remedy: string | null }[];
  readonly broken: string | null;
}

async function explain(
  sandbox: Sandbox,
  more: readonly string[] = [],
  user: string | null = sandbox.user,
): Promise<Explained> {
  const { code, stdout, stderr } = await sandbox.exec(
    ['sc_auth', 'explain', '--json', ...more],
    user === null ? {} : { user },
  );
  if (stdout === '') throw new Error(stderr);
  const value: unknown = JSON.parse(stdout);
  if (!isExplained(value)) throw new Error(`${JSON.stringify(isExplained.errors)}: ${stdout}`);
  const answer = value as Explained;
  if (code !== (answer.broken === null ? 0 : 1)) throw new Error(`exit code ${code}: ${stdout}`);
  return answer;
}

/** Which link is broken, that it is the last, and that it says what to do. */
async function expectBroken(
  t: ExecutionContext,
  sandbox: Sandbox,
  name: string,
  detail: RegExp,
  more: readonly string[] = [],
): Promise<void> {
  const { links, broken } = await explain(sandbox, more);
  t.is(broken, name, JSON.stringify(links));
  const last = links.at(-1);
  t.regex(last?.detail ?? '', detail);
  t.true((last?.remedy ?? '').length > 5);
  t.deepEqual(
    links.filter(({ ok }) => !ok).map((link) => link.name),
    [name],
  );
}

async function paired(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await Sandbox.start(options);
  const hash = await person.cardHash(sandbox);
  const { code, stderr } = await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  if (code !== 0) throw new Error(stderr);
  return sandbox;
}

async function withSandbox(options: SandboxOptions, act: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  const sandbox = await Sandbox.start(options);
  try {
    await act(sandbox);
  } finally {
    await sandbox.stop();
  }
}

const UNIX = 'auth required pam_unix.so try_first_pass nodelay';
const OURS = 'auth sufficient pam_scauth.so';

/** Title, /etc/pam.d/sudo (null: no file), what is said. */
const pamFiles: readonly (readonly [string, string | null, RegExp])[] = [
  ['no line of ours', UNIX, /does not lead to pam_scauth/],
  ['our line is commented out', `# ${OURS}\n${UNIX}`, /does not lead to/],
  ['our line is for the account phase only', `account sufficient pam_scauth.so\n${UNIX}`, /does not lead to/],
  [
    'the password is asked first',
    `auth sufficient pam_unix.so\n${OURS}\nauth required pam_deny.so`,
    /pam_unix\.so stands before it \(\/etc\/pam\.d\/sudo, line 1\)/,
  ],
  [
    'the password is asked first in an included file',
    `@include asks-first\n${OURS}`,
    /asks-first, line 2\) and asks first/,
  ],
  ['pam_deny before us', `auth requisite pam_deny.so\n${OURS}`, /nobody gets in/],
  ['pam_permit before us', `auth sufficient pam_permit.so\n${OURS}`, /everybody gets in/],
  ['optional', `auth optional pam_scauth.so\n${UNIX}`, /its yes does not count/],
  ['success=ignore', `auth [success=ignore default=ignore] pam_scauth.so\n${UNIX}`, /success=ignore/],
  ['success is not named', `auth [default=ignore] pam_scauth.so\n${UNIX}`, /its yes does not count/],
  [
    'a jump to pam_deny',
    `auth [success=1 default=ignore] pam_scauth.so\n${UNIX}\nauth requisite pam_deny.so\n`,
    /jumps to pam_deny/,
  ],
  [
    'a jump to the password',
    `auth [success=1 default=ignore] pam_scauth.so\nauth optional pam_echo.so\n${UNIX}\n`,
    /jumps to pam_unix/,
  ],
  ['a jump behind the end', `auth [success=3 default=ignore] pam_scauth.so\n${UNIX}\n`, /behind the end/],
  [
    'an included file is not there',
    `@include nowhere\n${OURS}\n${UNIX}`,
    /includes nowhere, which is not there/,
  ],
  ['a file that includes itself', `auth include sudo\n${OURS}`, /itself/],
  ['a word that is no type', `auht sufficient pam_scauth.so\n${UNIX}`, /no type that PAM knows \('auht'\)/],
  [
    'a module that is not installed',
    `auth sufficient /opt/scauth/pam_scauth.so\n${UNIX}`,
    /is not installed/,
  ],
  ['a substack that ends alone', `auth substack card\n${UNIX}`, /in a substack/],
  ['no file for the service', null, /does not lead to .*PAM takes \/etc\/pam\.d\/other/],
];

test.serial('explain names the PAM file in nineteen that are broken', async (t) => {
  t.timeout(PATIENCE_MS);
  const sandbox = await paired();
  try {
    const file = sandbox.path('/etc/pam.d/sudo');
    const good = readFileSync(file, 'utf8');
    writeFileSync(sandbox.path('/etc/pam.d/card'), `${OURS}\n`);
    writeFileSync(sandbox.path('/etc/pam.d/asks-first'), `# first\nauth required pam_unix.so\n`);
    t.is((await explain(sandbox)).broken, null);
    await person.expectCardLogin(sandbox);
    for (const [title, text, detail] of pamFiles) {
      if (text === null) rmSync(file);
      else writeFileSync(file, `${text}\naccount required pam_unix.so\nsession required pam_unix.so\n`);
      t.log(title);
      await expectBroken(t, sandbox, 'PAM', detail);
    }
    // Those that are unusual and good.
    for (const text of [
      `auth [success=1 default=ignore] pam_scauth.so\nauth requisite pam_deny.so\nauth required pam_permit.so`,
      `-auth \\\n  sufficient \\\n  pam_scauth.so # the card\n${UNIX}`,
      `AUTH\t[success=done new_authtok_reqd=done default=ignore]\tpam_scauth.so debug\n${UNIX}`,
    ]) {
      writeFileSync(file, `${text}\naccount required pam_unix.so\nsession required pam_unix.so\n`);
      t.is((await explain(sandbox)).broken, null, text);
      await person.expectCardLogin(sandbox);
    }
    writeFileSync(file, `auth sufficient pam_scauth.so socket=/run/nowhere.sock\n${UNIX}\n`);
    await expectBroken(t, sandbox, 'socket', /\/run\/nowhere\.sock is not there/);
    writeFileSync(file, good);
  } finally {
    await sandbox.stop();
  }
});

async function configure(sandbox: Sandbox, text: string): Promise<void> {
  writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), text);
  const from = sandbox.agentLog().length;
  process.kill(sandbox.agentHostPid ?? 0, 'SIGHUP');
  await person.untilAgentSays(sandbox, /configuration: |configuration read/, from);
}

test.serial(
  'explain names policy, session, card, tries, pairing, reader, socket and agent, one after the other',
  async (t) => {
    t.timeout(PATIENCE_MS);
    const sandbox = await paired({ config: '' });
    try {
      const full = await explain(sandbox, ['-u', sandbox.user], null);
      const short = await explain(sandbox);
      t.is(full.broken, null);
      t.deepEqual(
        short.links.map(({ name }) => name),
        [
          'PAM',
          'socket',
          'agent',
          'policy',
          'session',
          'reader',
          'card',
          'driver',
          'certificate',
          'trust',
          'pairing',
          'tries',
          'proof',
        ],
      );
      const hash = await person.cardHash(sandbox);
      t.true(JSON.stringify(full).includes(hash));
      t.false(JSON.stringify(short).includes(hash), 'a user gets the short one');
      const other = await sandbox.exec(['sc_auth', 'explain', '-u', 'root'], { user: sandbox.user });
      t.is(other.code, 3);
      t.is(await sandbox.card.verifyCount(), 0, 'no PIN is sent');

      await configure(sandbox, '[login]\ncards_allowed = false\n');
      await expectBroken(t, sandbox, 'policy', /switched off/);
      await configure(sandbox, '[login]\nservices = ["login"]\n');
      await expectBroken(t, sandbox, 'policy', /not used for this service/);
      await configure(sandbox, '');
      await expectBroken(t, sandbox, 'session', /another host/, ['--rhost', 'elsewhere.example']);
      await sandbox.card.setTries(1);
      t.regex(
        (await explain(sandbox)).links.find(({ name }) => name === 'tries')?.detail ?? '',
        /Only 1 try left/,
      );
      await sandbox.card.setTries(0);
      await expectBroken(t, sandbox, 'tries', /blocked/);
      await sandbox.card.setTries(3);
      await person.pullCard(sandbox);
      await expectBroken(t, sandbox, 'card', /No card is in a reader/);
      await person.insertCard(sandbox);
      await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user]);
      await expectBroken(t, sandbox, 'pairing', /No card is paired/);
      await sandbox.exec([
        'sc_auth',
        'pair',
        '-u',
        sandbox.user,
        '-h',
        '00112233445566778899AABBCCDDEEFF00112233',
      ]);
      await expectBroken(t, sandbox, 'pairing', /not paired with the account/);
      await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user]);
      await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);

      await sandbox.stopPcscd();
      await expectBroken(t, sandbox, 'reader', /pcscd\) cannot be reached/);
      await sandbox.startPcscd();
      await sandbox.untilCardRead();
      t.is((await explain(sandbox)).broken, null);

      chmodSync(sandbox.path('/run/scauth'), 0o700);
      await expectBroken(t, sandbox, 'socket', /may not be opened/);
      chmodSync(sandbox.path('/run/scauth'), 0o755);
      await sandbox.killAgent();
      await expectBroken(t, sandbox, 'agent', /ECONNREFUSED/);
      for (const name of ['pam.sock', 'io.scauth'])
        rmSync(sandbox.path(`/run/scauth/${name}`), { force: true });
      await expectBroken(t, sandbox, 'socket', /is not there/);
      t.false(existsSync(sandbox.path('/run/scauth/pam.sock')));
    } finally {
      await sandbox.stop();
    }
  },
);

test.serial('explain: a contactless reader', async (t) => {
  t.timeout(PATIENCE_MS);
  const sandbox = await paired({
    readerName: 'Virtual PCD Contactless',
    config: '[reader]\ncontactless = true\n',
  });
  try {
    t.is((await explain(sandbox)).broken, null);
    await configure(sandbox, '');
    await expectBroken(t, sandbox, 'reader', /contactless/);
  } finally {
    await sandbox.stop();
  }
});

test.serial(
  'explain: a card that no driver knows, one without a key, one that fails, a table that cannot be read',
  async (t) => {
    t.timeout(PATIENCE_MS);
    await withSandbox({ cardArgs: ['--out'] }, async (sandbox) => {
      await sandbox.card.misbehave({ kind: 'status', sw: '6A82', ins: 'a4', times: 'always' });
      await sandbox.card.insert();
      await person.untilAgentSays(sandbox, 'no driver knows the card');
      await expectBroken(t, sandbox, 'driver', /No driver knows/);
    });
    await withSandbox({ cardArgs: ['--slots', '9E'] }, async (sandbox) => {
      await expectBroken(t, sandbox, 'certificate', /no key for login/);
    });
    await withSandbox({ cardArgs: ['--out'] }, async (sandbox) => {
      await sandbox.card.misbehave({ kind: 'truncate', bytes: 1, times: 'always' });
      await sandbox.card.insert();
      await person.untilAgentSays(sandbox, 'cannot be read');
      await expectBroken(t, sandbox, 'card', /make no sense|does not answer/);
    });
    const sandbox = await paired();
    try {
      const found = await sandbox.exec([
        'sh',
        '-c',
        'find /run/sandbox /var/lib/scauth -name scauth.db | head -1',
      ]);
      const path = found.stdout.trim();
      await sandbox.stopAgent();
      writeFileSync(sandbox.path(path), 'this is no table');
      await sandbox.startAgent();
      await expectBroken(t, sandbox, 'pairing', /pairings cannot be read/);
    } finally {
      await sandbox.stop();
    }
  },
);
