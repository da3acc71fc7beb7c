// sc_auth explain in broken set-ups on the real programs: each names the link that is broken. Where it says that nothing
// is in the way, a login by card is tried. Each set-up is a test of its own; they share a sandbox in which a card is
// paired, and mend what they broke. What needs its own sandbox is at the end. PAM files are in pam-files.long.test.ts, but for
// two.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { pamFiles, UNIX } from '../../kit/person/broken-pam-files.ts';
import * as person from '../../kit/person/person.ts';
import { expectBroken, explain, paired, PATIENCE_MS } from './explained.ts';

let shared: Sandbox;
let sudoFile: string;
let goodSudo: string;
let hash: string;

test.before(async () => {
  shared = await paired({ config: '' });
  sudoFile = shared.path('/etc/pam.d/sudo');
  goodSudo = readFileSync(sudoFile, 'utf8');
  hash = await person.cardHash(shared);
});

test.after.always(async () => {
  await shared.stop();
});

async function configure(sandbox: Sandbox, text: string): Promise<void> {
  writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), text);
  const from = sandbox.agentLog().length;
  process.kill(sandbox.agentHostPid ?? 0, 'SIGHUP');
  await person.untilAgentSays(sandbox, /configuration: |configuration read/, from);
}

async function scAuth(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await shared.exec(['sc_auth', ...args]);
  if (code !== 0) throw new Error(stderr);
}

/** A set-up of the shared sandbox: broken, explained, mended. */
function breaks(
  title: string,
  link: string,
  detail: RegExp,
  breakIt: () => Promise<void> | void,
  mend: () => Promise<void> | void,
  more: readonly string[] = [],
): void {
  test.serial(`broken: ${title}`, async (t) => {
    t.timeout(PATIENCE_MS);
    try {
      await breakIt();
      await expectBroken(t, shared, link, detail, more);
    } finally {
      await mend();
    }
  });
}

test.serial(
  'nothing is broken: a user gets the short way, root the full one, and no PIN is sent',
  async (t) => {
    t.timeout(PATIENCE_MS);
    const full = await explain(shared, ['-u', shared.user], null);
    const short = await explain(shared);
    t.is(full.broken, null);
    t.is(
      short.links.map(({ name }) => name).join(' '),
      'PAM socket agent policy session reader card driver certificate trust pairing tries proof',
    );
    t.regex(short.links.at(-1)?.detail ?? '', /\(Enter PIN for 'Ada Lovelace':\)/);
    t.true(JSON.stringify(full).includes(hash));
    t.false(JSON.stringify(short).includes(hash));
    t.is((await shared.exec(['sc_auth', 'explain', '-u', 'root'], { user: shared.user })).code, 3);
    t.is(await shared.card.verifyCount(), 0);
    await person.expectCardLogin(shared);
  },
);

function writeSudo(text: string): void {
  writeFileSync(sudoFile, `${text}\naccount required pam_unix.so\nsession required pam_unix.so\n`);
}

function restoreSudo(): void {
  writeFileSync(sudoFile, goodSudo);
}

for (const [title, text, detail] of [...pamFiles.slice(0, 1), ...pamFiles.slice(-1)])
  breaks(
    title,
    'PAM',
    detail,
    () => {
      if (text === null) rmSync(sudoFile);
      else writeSudo(text);
    },
    restoreSudo,
  );

breaks(
  'a socket that is elsewhere',
  'socket',
  /\/run\/nowhere\.sock is not there/,
  () => {
    writeSudo(`auth sufficient pam_scauth.so socket=/run/nowhere.sock\n${UNIX}`);
  },
  restoreSudo,
);

const withoutSettings = (): Promise<void> => configure(shared, '');
const nothing = (): void => undefined;

breaks(
  'cards are switched off',
  'policy',
  /switched off/,
  () => configure(shared, '[login]\ncards_allowed = false\n'),
  withoutSettings,
);
breaks(
  'a service for which cards are not used',
  'policy',
  /not used for this service/,
  () => configure(shared, '[login]\nservices = ["login"]\n'),
  withoutSettings,
);
breaks('a login from another host', 'session', /another host/, nothing, nothing, [
  '--rhost',
  'elsewhere.example',
]);

test.serial('one try left is said, and is no obstacle', async (t) => {
  t.timeout(PATIENCE_MS);
  await shared.card.setTries(1);
  const { links, broken } = await explain(shared);
  await shared.card.setTries(3);
  t.is(broken, null);
  t.regex(links.find(({ name }) => name === 'tries')?.detail ?? '', /Only 1 try left/);
});

breaks(
  'the PIN is blocked',
  'tries',
  /blocked/,
  () => shared.card.setTries(0),
  () => shared.card.setTries(3),
);
breaks(
  'the card is out',
  'card',
  /No card is in a reader/,
  () => person.pullCard(shared),
  () => person.insertCard(shared),
);
breaks(
  'no card is paired',
  'pairing',
  /No card is paired/,
  () => scAuth('unpair', '-u', shared.user),
  () => scAuth('pair', '-u', shared.user, '-h', hash),
);
breaks(
  'another card is paired',
  'pairing',
  /not paired with the account/,
  async () => {
    await scAuth('unpair', '-u', shared.user);
    await scAuth('pair', '-u', shared.user, '-h', '00112233445566778899AABBCCDDEEFF00112233');
  },
  async () => {
    await scAuth('unpair', '-u', shared.user);
    await scAuth('pair', '-u', shared.user, '-h', hash);
  },
);
breaks(
  'pcscd is down',
  'reader',
  /pcscd\) cannot be reached/,
  () => shared.stopPcscd(),
  async () => {
    await shared.startPcscd();
    await shared.untilCardRead();
  },
);

test.serial('all of it mended: nothing is in the way again', async (t) => {
  t.timeout(PATIENCE_MS);
  t.is((await explain(shared)).broken, null);
  await person.expectCardLogin(shared);
});

breaks(
  'the folder of the sockets is closed',
  'socket',
  /may not be opened/,
  () => {
    chmodSync(shared.path('/run/scauth'), 0o700);
  },
  () => {
    chmodSync(shared.path('/run/scauth'), 0o755);
  },
);
breaks('scauthd was killed', 'agent', /ECONNREFUSED/, () => shared.killAgent(), nothing);
breaks(
  'scauthd has never run',
  'socket',
  /is not there/,
  () => {
    for (const name of ['pam.sock', 'io.scauth']) rmSync(shared.path(`/run/scauth/${name}`), { force: true });
  },
  () => shared.startAgent(),
);

/** A set-up that needs a sandbox of its own. */
function breaksAnother(
  title: string,
  start: () => Promise<Sandbox>,
  link: string,
  detail: RegExp,
  breakIt: (sandbox: Sandbox) => Promise<void>,
): void {
  test.serial(`broken: ${title}`, async (t) => {
    t.timeout(PATIENCE_MS);
    const sandbox = await start();
    try {
      await breakIt(sandbox);
      await expectBroken(t, sandbox, link, detail);
    } finally {
      await sandbox.stop();
    }
  });
}

breaksAnother(
  'a contactless reader',
  () => paired({ readerName: 'Virtual PCD [Contactless Reader]', config: '[reader]\ncontactless = true\n' }),
  'reader',
  /contactless/,
  (sandbox) => configure(sandbox, ''),
);
breaksAnother(
  'a card that no driver knows',
  () => Sandbox.start({ cardArgs: ['--out'] }),
  'driver',
  /No driver knows/,
  async (sandbox) => {
    await sandbox.card.misbehave({ kind: 'status', sw: '6A82', ins: 'a4', times: 'always' });
    await sandbox.card.insert();
    await person.untilAgentSays(sandbox, 'no driver knows the card');
  },
);
breaksAnother(
  'a card without a key for login',
  () => Sandbox.start({ cardArgs: ['--slots', '9E'] }),
  'certificate',
  /no key for login/,
  () => Promise.resolve(),
);
breaksAnother(
  'a card that fails',
  () => Sandbox.start({ cardArgs: ['--out'] }),
  'card',
  /invalid answers|does not answer/,
  async (sandbox) => {
    await sandbox.card.misbehave({ kind: 'truncate', bytes: 1, times: 'always' });
    await sandbox.card.insert();
    await person.untilAgentSays(sandbox, 'cannot be read');
  },
);
breaksAnother(
  'a table of pairings that cannot be read',
  paired,
  'pairing',
  /pairings cannot be read/,
  async (sandbox) => {
    const find = 'find /run/sandbox /var/lib/scauth -name scauth.db | head -1';
    const { stdout } = await sandbox.exec(['sh', '-c', find]);
    await sandbox.stopAgent();
    writeFileSync(sandbox.path(stdout.trim()), 'this is no table');
    await sandbox.startAgent();
  },
);
