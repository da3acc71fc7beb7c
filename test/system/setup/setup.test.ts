// From a card as it comes from its factory to `sudo id` by one command, on the real pcscd, PAM and sudo; ykman and
// yubico-piv-tool read what was written. And what a person meets on the way: several cards, a card that is in use, an officer.
import test, { type ExecutionContext } from 'ava';
import { execFileSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { makeCertificate, toPem } from '../../kit/card/certificate.ts';
import { testAuthority } from '../../kit/card/profile.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { testKey } from '../../kit/card/algorithms.ts';

const PIN = '271828';
const NEW_PIN = /Enter new PIN for '[^\n]*': $/;
const AGAIN = /Enter new PIN again: $/;
const FOUND_PIN = '987654';
const FACTORY_PUK = '12345678';
/** The sandbox's own; /tmp is the machine's. */
const FOLDER = '/run/setup';
const PIV_TOOL = ['yubico-piv-tool', '-r', 'Virtual PCD'] as const;

async function factorySandbox(t: ExecutionContext, firmware: string): Promise<Sandbox> {
  const cardArgs = ['--factory', '--extended', '--puk', FACTORY_PUK, '--firmware', firmware];
  const sandbox = await Sandbox.start({ card: 'p256', pin: '123456', cardArgs });
  t.teardown(() => sandbox.stop());
  await sandbox.exec(['install', '-d', '-m', '0777', FOLDER]);
  return sandbox;
}

async function noSudo(t: ExecutionContext, sandbox: Sandbox, pin: string): Promise<void> {
  const { code, stdout } = await sandbox.exec(['sudo', '-k', '-S', 'id', '-u'], {
    user: sandbox.user,
    input: `${pin}\n${pin}\n${pin}\n`,
  });
  t.not(code, 0);
  t.notRegex(stdout, person.ROOT);
}

/** The finder: a new PIN by the PUK of the manual. */
async function finderGetsNothing(t: ExecutionContext, sandbox: Sandbox): Promise<void> {
  const unblock = [...PIV_TOOL, '-a', 'unblock-pin', '-P', FACTORY_PUK, '-N', FOUND_PIN];
  const { stdout, stderr } = await sandbox.exec(unblock);
  t.notRegex(`${stdout}${stderr}`, /Successfully/);
  await noSudo(t, sandbox, FOUND_PIN);
}

for (const firmware of ['5.4.3', '5.7.1'])
  test.serial(`${firmware}: sc_auth setup, two questions, sudo id`, async (t) => {
    const sandbox = await factorySandbox(t, firmware);
    const pty = sandbox.pty(['sc_auth', 'setup'], { user: sandbox.user });
    const { code, screen } = await person.answer(pty, [
      [NEW_PIN, '123456'],
      [NEW_PIN, PIN],
      [AGAIN, PIN],
      [person.PASSWORD_PROMPT, sandbox.password],
    ]);
    t.is(code, 0, `${screen}\n${sandbox.logs()}`);
    t.regex(screen, /That is the factory's PIN/);
    t.regex(screen, /Paired [0-9A-F]{40} with ada/);
    t.regex(screen, /spare card/);
    const puk = /PUK: (\d{8})/.exec(screen)?.[1] ?? '';
    t.notRegex(screen, new RegExp(PIN));
    const opened = await person.sudo(sandbox, [person.PIN_PROMPT, PIN]);
    t.is(opened.code, 0, opened.screen);
    t.regex(opened.screen, person.ROOT);

    const info = await sandbox.exec(['ykman', '--reader', 'Virtual PCD 00 00', 'piv', 'info']);
    t.regex(info.stdout, /Management key is stored on the YubiKey, protected by PIN/, info.stderr);
    t.notRegex(info.stdout, /WARNING/);
    t.regex(info.stdout, /Slot 9a:[\s\S]*Slot 9d:[\s\S]*Slot 9e:/);
    // ykman uses the management key that is behind the PIN.
    const more = ['keys', 'generate', '-P', PIN, '-a', 'ECCP256', '9c', '-'];
    const made = await sandbox.exec(['ykman', '--reader', 'Virtual PCD 00 00', 'piv', ...more]);
    t.is(made.code, 0, made.stderr);
    const status = await sandbox.exec([...PIV_TOOL, '-a', 'status']);
    t.regex(status.stdout, /CHUID:\s+3019[\s\S]*CCC:\s+f015[\s\S]*Slot 9a:[\s\S]*PIN tries left:\s+3/);
    const { stdout: log } = await sandbox.exec(['sh', '-c', 'cat "$SCAUTH_AUDIT_LOG"']);
    t.regex(log, /set-up/);
    t.notRegex(log, new RegExp(`${PIN}|${puk}`));

    await finderGetsNothing(t, sandbox);
    const again = await sandbox.exec(['sc_auth', 'setup', '-u', sandbox.user]);
    t.is(again.code, 3);
    t.regex(again.stderr, /9A, 9C, 9D, 9E are in use/);
    // The PUK that was shown is the card's.
    const unblocked = await sandbox.exec(['sc_auth', 'unblock'], {
      user: sandbox.user,
      input: `${puk}\n161803\n161803\n`,
    });
    t.is(unblocked.code, 0, unblocked.stderr);
  });

test.serial(
  'root, for somebody, with the PUK sealed to an officer; two cards; a card that is in use',
  async (t) => {
    const sandbox = await factorySandbox(t, '5.7.1');
    const officer = testKey('rsa2048', 3);
    const certificate = makeCertificate(officer, {
      cn: 'Officer',
      only: [['2.5.29.15', Buffer.from('03020520', 'hex')]],
    });
    writeFileSync(sandbox.path('/run/setup/officer.pem'), toPem(certificate));
    const past = new Date('2020-01-01');
    const ended = makeCertificate(officer, {
      cn: 'Officer',
      notBefore: past,
      notAfter: new Date('2021-01-01'),
    });
    writeFileSync(sandbox.path('/run/setup/ended.pem'), toPem(ended));
    const setUp = (...args: readonly string[]) =>
      sandbox.exec(['sc_auth', 'setup', '-u', sandbox.user, ...args], {
        cwd: FOLDER,
        input: `${PIN}\n${PIN}\n`,
      });
    const refused = await setUp('--escrow', '/run/setup/ended.pem');
    t.not(refused.code, 0);
    t.regex(refused.stderr, /ended on 2021-01-01/);

    const other = await sandbox.addCard(['--key', 'p256:2', '--serial', '7']);
    const which = await setUp('--escrow', '/run/setup/officer.pem');
    t.is(which.code, 2, which.stderr);
    t.regex(which.stderr, /Several cards are in/);
    const { tokens } = JSON.parse((await sandbox.exec(['sc_auth', 'list-smartcards', '--json'])).stdout) as {
      tokens: { id: string; reader: string }[];
    };
    const full = await setUp('--reader', tokens.find(({ id }) => !id.endsWith('12345678'))?.reader ?? '');
    t.is(full.code, 3, full.stderr);
    t.regex(full.stderr, /9A, 9C, 9D, 9E are in use/);
    t.deepEqual((await other.state()).pukTriesLeft, 3);
    other.close();

    const id = tokens.find((token) => token.id.endsWith('12345678'))?.id ?? '';
    const done = await setUp('-t', id, '--escrow', '/run/setup/officer.pem', '--json');
    t.is(done.code, 0, `${done.stderr}\n${sandbox.logs()}`);
    const { puk, pairing } = JSON.parse(done.stdout) as { puk: string; pairing: { user: string } };
    t.is(pairing.user, sandbox.user);
    t.notRegex(`${done.stdout}${done.stderr}`, /PUK: \d/);
    const key = sandbox.path('/run/setup/officer.key');
    writeFileSync(key, officer.export({ format: 'pem', type: 'pkcs8' }));
    const sealed = ['-inform', 'DER', '-in', sandbox.path(`/run/setup/${puk}`)];
    const recipient = ['-recip', sandbox.path('/run/setup/officer.pem'), '-inkey', key];
    const opened = execFileSync('openssl', ['cms', '-decrypt', ...sealed, ...recipient], {
      encoding: 'utf8',
    });
    t.regex(opened, /^\d{8}$/);
    await finderGetsNothing(t, sandbox);
  },
);

test.serial('a request, an authority, and its certificate; one for another key is refused', async (t) => {
  const sandbox = await factorySandbox(t, '5.7.1');
  const asUser = (argv: readonly string[], input: string) =>
    sandbox.exec(['sc_auth', ...argv], { user: sandbox.user, cwd: FOLDER, input });
  const options = ['--algorithm', 'rsa2048', '--name', 'Ada Lovelace', '--csr', '/run/setup/ada.csr'];
  const made = await asUser(['setup', ...options], `${PIN}\n${PIN}\n`);
  t.is(made.code, 0, `${made.stderr}\n${sandbox.logs()}`);
  t.regex(made.stderr, /PUK: \d{8}/);
  const csr = sandbox.path('/run/setup/ada.csr');
  const said = execFileSync('openssl', ['req', '-in', csr, '-verify', '-noout', '-text'], {
    stdio: 'pipe',
  }).toString();
  t.regex(said, /CN ?= ?Ada Lovelace/);
  t.regex(said, /Public-Key: \(2048 bit\)/);

  const ca = testAuthority('Test CA');
  const pem = (cn: string, own: boolean): string => {
    const key = execFileSync('openssl', ['req', '-in', csr, '-pubkey', '-noout']).toString();
    const subject = own ? createPublicKey(key) : testKey('rsa2048', 4);
    return toPem(makeCertificate(subject, { cn }, ca));
  };
  writeFileSync(sandbox.path('/run/setup/other.pem'), pem('Somebody', false));
  writeFileSync(sandbox.path('/run/setup/ada.pem'), pem('Ada Lovelace', true));
  const other = await asUser(['import-certificate', '--certificate', '/run/setup/other.pem'], `${PIN}\n`);
  t.is(other.code, 4, other.stderr);
  const imported = await asUser(['import-certificate', '--certificate', '/run/setup/ada.pem'], `${PIN}\n`);
  t.is(imported.code, 0, `${imported.stderr}\n${sandbox.logs()}`);
  const read = await sandbox.exec([...PIV_TOOL, '-a', 'read-certificate', '-s', '9a']);
  t.is(new X509Certificate(read.stdout).issuer, 'CN=Test CA');
  const paired = await asUser(['pair'], `${sandbox.password}\n${PIN}\n`);
  t.is(paired.code, 0, paired.stderr);
});

test.serial(
  "a card that was paired while it was away: sc_auth changepin --factory makes both its holder's",
  async (t) => {
    const sandbox = await Sandbox.start({ card: 'p256', pin: '123456', cardArgs: ['--puk', FACTORY_PUK] });
    t.teardown(() => sandbox.stop());
    const hash = await person.cardHash(sandbox);
    await person.pullCard(sandbox);
    t.is((await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash])).code, 0);
    await person.insertCard(sandbox);
    await noSudo(t, sandbox, '123456');
    const pty = sandbox.pty(['sc_auth', 'changepin', '--factory'], { user: sandbox.user });
    const { code, screen } = await person.answer(pty, [
      [NEW_PIN, PIN],
      [AGAIN, PIN],
    ]);
    t.is(code, 0, `${screen}\n${sandbox.logs()}`);
    t.regex(screen, /PUK: \d{8}/);
    await person.reinsertCard(sandbox);
    const opened = await person.sudo(sandbox, [person.PIN_PROMPT, PIN]);
    t.is(opened.code, 0, opened.screen);
    await finderGetsNothing(t, sandbox);
  },
);

test.serial(
  "a card with the factory's PIN and PUK and a key: changed on the spot, then paired",
  async (t) => {
    const cardArgs = ['--puk', FACTORY_PUK];
    const sandbox = await Sandbox.start({ card: 'p256', pin: '123456', cardArgs });
    t.teardown(() => sandbox.stop());
    const pty = sandbox.pty(['sc_auth', 'pair'], { user: sandbox.user });
    const { code, screen } = await person.answer(pty, [
      [/Enter = yes: $/, 'y'],
      [/Change them now\?[^\n]*: $/, 'y'],
      [NEW_PIN, PIN],
      [AGAIN, PIN],
      [person.PASSWORD_PROMPT, sandbox.password],
      [person.PIN_PROMPT, PIN],
    ]);
    t.is(code, 0, `${screen}\n${sandbox.logs()}`);
    t.regex(screen, /PUK: \d{8}/);
    const opened = await person.sudo(sandbox, [person.PIN_PROMPT, PIN]);
    t.is(opened.code, 0, opened.screen);
    await finderGetsNothing(t, sandbox);
  },
);
