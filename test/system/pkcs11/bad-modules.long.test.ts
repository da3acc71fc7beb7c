// PKCS#11 modules that go wrong, beside a PIV card that does not: each costs itself only, and scauthd's log says what
// happened. The modules are real: a path with nothing there, libc, and one that is compiled here (bad_module.c).
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { askScauthd, problemsOf } from '../drivers/driver-list.ts';
import { documented, installDriver, manifest } from '../drivers/install-driver.ts';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const BUILD = join(import.meta.dirname, '../../../build/test-pkcs11');
const BAD_MODULE = '/run/sandbox/app/build/test-pkcs11/bad_module.so';
const CERTIFICATES = '/run/sandbox/bad';
/** The agent waits so long for a signature; the person a little longer. */
const HANG_MS = 25_000;

test.before(() => {
  mkdirSync(BUILD, { recursive: true });
  const source = join(import.meta.dirname, 'bad_module.c');
  // prettier-ignore
  execFileSync('cc', ['-std=c11', '-D_DEFAULT_SOURCE', '-Wall', '-Wextra', '-Werror', '-Wno-cast-function-type',
    '-shared', '-fPIC', '-o', join(BUILD, 'bad_module.so'), source]);
});

function moduleConfig(module: string, ...environment: readonly string[]): string {
  return `[pkcs11]\nmodules = ["opensc", "${module}"]\nenvironment = ${JSON.stringify(environment)}\n`;
}

interface Listed {
  readonly hash: string;
  readonly label: string;
}

async function identities(sandbox: Sandbox): Promise<readonly Listed[]> {
  const { stdout } = await sandbox.exec(['sc_auth', 'identities', '--json']);
  const { paired, unpaired } = JSON.parse(stdout) as Record<'paired' | 'unpaired', Listed[]>;
  return [...paired, ...unpaired];
}

async function pair(sandbox: Sandbox, hash: string): Promise<void> {
  const { code, stderr } = await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  if (code !== 0) throw new Error(stderr);
}

/** The identity of the bad module's token: the one that is not the PIV card's. */
async function badIdentity(sandbox: Sandbox): Promise<Listed> {
  const found = (await identities(sandbox)).find(({ label }) => label.startsWith('Bad'));
  if (found === undefined) throw new Error(sandbox.agentLog());
  return found;
}

async function inSandbox(
  options: { readonly config: string; readonly card?: string },
  act: (sandbox: Sandbox) => Promise<void>,
): Promise<void> {
  const sandbox = await Sandbox.start({ ...options, agent: false });
  try {
    await act(sandbox);
  } finally {
    await sandbox.stop();
  }
}

for (const [what, module, said] of [
  ['does not exist', '/usr/lib/no-such-module.so', /there is no file \/usr\/lib\/no-such-module\.so/],
  ['is not PKCS#11', '/lib/x86_64-linux-gnu/libc.so.6', /libc\.so\.6 is not a PKCS#11 module/],
  [
    "is p11-kit's proxy",
    '/usr/lib/x86_64-linux-gnu/p11-kit-proxy.so',
    /name the modules of its list: p11-kit list-modules/,
  ],
  ['is no library', '/etc/passwd', /\/etc\/passwd is not a PKCS#11 module/],
] as const) {
  test.serial(`a module that ${what}: the log says so, and the card works`, async (t) => {
    await inSandbox({ config: moduleConfig(module) }, async (sandbox) => {
      await sandbox.startAgent();
      await person.untilAgentSays(sandbox, said);
      t.regex(sandbox.agentLog(), /driver org\.scauth\.pkcs11/);
      t.regex(await problemsOf(sandbox, 'org.scauth.pkcs11'), said);
      await sandbox.untilCardRead();
      await person.pairCard(sandbox);
      await person.expectCardLogin(sandbox);
    });
  });
}

for (const [how, said] of [
  ['crash', /was ended by SIG(ABRT|SEGV)/],
  ['hang', /did not answer sign within 15000 ms/],
] as const) {
  test.serial(`a module that goes wrong in C_Login (${how}): the password has its turn`, async (t) => {
    await inSandbox({ config: moduleConfig(BAD_MODULE, `BAD_MODULE=${how}`) }, async (sandbox) => {
      await sandbox.startAgent();
      await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:0BAD');
      await sandbox.untilCardRead();
      const { hash } = await badIdentity(sandbox);
      await pair(sandbox, hash);
      const from = sandbox.agentLog().length;
      const pty = person.startSudo(sandbox);
      await pty.expect(person.PIN_PROMPT);
      pty.send(`${sandbox.pin}\n`);
      await pty.expect(person.PASSWORD_PROMPT, HANG_MS);
      pty.send(`${sandbox.password}\n`);
      const { code, screen } = await person.untilEnd(pty);
      t.is(code, 0, screen);
      await person.untilAgentSays(sandbox, said, from);
      t.regex(await problemsOf(sandbox, 'org.scauth.pkcs11'), said);
      // Started again by itself, and the other card was in all the time.
      await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:0BAD', from);
      const { stderr } = await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user, '-h', hash]);
      t.is(stderr, '');
      await person.pairCard(sandbox);
      await person.expectCardLogin(sandbox);
    });
  });
}

test.serial('a label of 64 KiB with escape sequences is short and harmless on a terminal', async (t) => {
  await inSandbox({ config: moduleConfig(BAD_MODULE, 'BAD_MODULE=label') }, async (sandbox) => {
    await sandbox.startAgent();
    await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:0BAD');
    const { label } = await badIdentity(sandbox);
    t.true(label.length < 400, String(label.length));
    for (const command of ['identities', 'profile', 'export-smartcard', 'drivers']) {
      const { code, screen } = await person.answer(sandbox.pty(['sc_auth', command]), []);
      t.is(code, 0, command);
      // What scauth itself colours is no title of a window, clears no screen and is no C1 control.
      t.notRegex(screen, /\x1b\]|\x1b\[2J|[\x80-\x9f]|\x07/, command);
      if (command !== 'drivers') t.regex(screen, /Bad/, command);
    }
    t.notRegex(sandbox.agentLog(), /\x1b|\x07/);
    t.notRegex(JSON.stringify(await askScauthd(sandbox, 'ListItems')), /u001b|u0007|\x9b/);
  });
});

test.serial('40 certificates, one that is not DER and one that is empty: the others are there', async (t) => {
  const config = moduleConfig(BAD_MODULE, `BAD_CERTIFICATES=${CERTIFICATES}`);
  await inSandbox({ config, card: 'none' }, async (sandbox) => {
    const make = `mkdir -p ${CERTIFICATES} && cd ${CERTIFICATES} && for n in $(seq 10 49); do
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -outform der -out $n.der \\
        -subj /CN=Number-$n -days 30 -addext keyUsage=digitalSignature -addext basicConstraints=CA:FALSE 2>/dev/null; done`;
    t.is((await sandbox.exec(['bash', '-euc', make])).code, 0);
    writeFileSync(sandbox.path(`${CERTIFICATES}/00.der`), Buffer.alloc(2000, 0x30));
    writeFileSync(sandbox.path(`${CERTIFICATES}/01.der`), '');
    await sandbox.startAgent();
    await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:0BAD');
    const found = await identities(sandbox);
    t.is(found.filter(({ label }) => label.includes('Number-')).length, 40, sandbox.agentLog());
    t.is(found.length, 41, 'and the bare key');
    const { stdout } = await sandbox.exec(['sc_auth', 'profile', '--pem']);
    t.is(stdout.match(/^-----BEGIN CERTIFICATE-----$/gm)?.length, 40, stdout);
    t.regex(stdout, /^ +#41: Kind: private ECC 256-bit, /m);
    t.regex(stdout, /^ {10}key 04 \(Key\): its certificate cannot be read: .*not an X\.509 certificate/m);
    const exported = await sandbox.exec(['sc_auth', 'export-smartcard', '--format', 'pem']);
    t.is(exported.stdout.match(/^-----BEGIN CERTIFICATE-----$/gm)?.length, 40);
  });
});

test.serial(
  'two drivers that claim one card: the first in order has it, the other is not asked',
  async (t) => {
    const config = '[tokens]\norder = ["org.example.second", "org.example.piv-lite"]\n';
    await inSandbox({ config }, async (sandbox) => {
      installDriver(sandbox, 'first', documented('json'), documented('python'));
      installDriver(sandbox, 'second', manifest({ id: 'org.example.second' }), documented('python'));
      await sandbox.startAgent();
      await sandbox.untilCardRead();
      const { stdout } = await sandbox.exec(['sc_auth', 'list-smartcards']);
      t.regex(stdout, /^org\.example\.second:[0-9a-f]{16}\n$/);
      const profile = (await sandbox.exec(['sc_auth', 'profile'])).stdout;
      t.regex(profile, /^ {8}org\.example\.second:[0-9a-f]{16}:$/m);
      t.notRegex(profile, /piv-lite:[0-9a-f]{16}:/);
      await person.pairCard(sandbox);
      await person.expectCardLogin(sandbox);
    });
  },
);
