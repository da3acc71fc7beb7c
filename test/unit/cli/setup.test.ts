// sc_auth setup, import-certificate and the change on the spot, with the real server of io.scauth and a software card
// behind it: what is shown, what is kept for an officer, and what stands in files.

import test, { type ExecutionContext } from 'ava';
import { execFileSync } from 'node:child_process';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NOT_EVALUATED } from '../../../agent/model/inventory.ts';
import { testKey } from '../../kit/card/algorithms.ts';
import { makeCertificate, toPem, type CertificateFields } from '../../kit/card/certificate.ts';
import { pinBlock } from '../../kit/card/pin.ts';
import type { CardOptions } from '../../kit/card/profile.ts';
import { serve, type Place } from '../socket/admin-place.ts';
import { Readers } from '../token/piv/readers.ts';
import { OnTerminal, runHere, type Outcome } from './run-sc-auth.ts';

const PIN = '271828';
const LINES = `${PIN}\n${PIN}\n`;
/** keyEncipherment, keyAgreement. */
const FOR_RSA = Buffer.from('03020520', 'hex');
const FOR_EC = Buffer.from('03020308', 'hex');

interface Scene extends Place {
  readonly readers: Readers;
  readonly folder: string;
}

async function scene(t: ExecutionContext, ...cards: readonly CardOptions[]): Promise<Scene> {
  const readers = await Readers.with(...cards);
  const place = await serve(t, {
    tokens: readers,
    inventory: {
      drivers: () => [],
      readers: () => readers.shown(),
      readerDrivers: () => [],
      trustOf: () => Promise.resolve(NOT_EVALUATED),
    },
  });
  return { ...place, readers, folder: mkdtempSync(join(tmpdir(), 'scauth-setup-')) };
}

/** In this process, where the card is too: on a busy machine it makes its keys for longer than a program waits for a word. */
const PATIENCE = { replyTimeoutMs: 300_000, silenceTimeoutMs: 300_000 };

async function run(path: string, args: readonly string[], input: string): Promise<Outcome> {
  const lines = join(mkdtempSync(join(tmpdir(), 'scauth-setup-')), 'lines');
  writeFileSync(lines, input);
  const stdinFd = openSync(lines, 'r');
  let err = '';
  const writeErr = (text: string): void => {
    err += text;
  };
  const writeSecret = (secret: Uint8Array): void => {
    err += Buffer.from(secret).toString();
  };
  try {
    const { code, out } = await runHere(path, args, { stdinFd, writeErr, writeSecret, ...PATIENCE });
    return { code, out, err };
  } finally {
    closeSync(stdinFd);
  }
}

/** An officer's certificate as a file. */
function officer(
  folder: string,
  key: KeyObject,
  usage: Buffer,
  more: Partial<CertificateFields> = {},
): string {
  const path = join(folder, 'officer.pem');
  writeFileSync(path, toPem(makeCertificate(key, { cn: 'Officer', only: [['2.5.29.15', usage]], ...more })));
  writeFileSync(join(folder, 'officer.key'), key.export({ format: 'pem', type: 'pkcs8' }));
  return path;
}

test.serial('a new card: PIN twice, the PUK on standard error, paired', async (t) => {
  const { path, readers, table, audit } = await scene(t, { factory: true });
  const { code, out, err } = await run(path, ['setup', '-u', 'nobody'], LINES);
  t.is(code, 0, err);
  t.regex(out, /^The card is set up\.\nPaired [0-9A-F]{40} with nobody\.\n$/);
  const puk = /PUK: (\d{8})\n/.exec(err)?.[1] ?? '';
  readers.slot.card.applet.pins.puk.check(pinBlock(puk));
  readers.slot.card.applet.pins.application.check(pinBlock(PIN));
  t.is(table.rows.length, 1);
  t.false(JSON.stringify(audit.events).includes(puk));
  t.regex(err, /spare card/);
});

test.serial('on a terminal: the card is chosen by number, the PUK is shown and the PIN is not', async (t) => {
  const { path, readers } = await scene(t, { factory: true, serial: 1 }, { factory: true, serial: 2 });
  const terminal = new OnTerminal(path, '$SC_AUTH setup -u nobody');
  await terminal.expect('Enter = none: ');
  terminal.send('2\r');
  await terminal.expect('Enter new PIN for');
  terminal.send('123456\r');
  await terminal.expect("the factory's PIN");
  await terminal.expect('Enter new PIN for');
  terminal.send(`${PIN}\r`);
  await terminal.expect('Enter new PIN again: ');
  terminal.send(`${PIN}\r`);
  await terminal.expect('PUK: ');
  await terminal.expect('Paired');
  t.is(await terminal.exit, 0);
  t.false(terminal.screen.includes(PIN));
  const [first, second] = readers.slots;
  t.true(first?.card.applet.pins.application.isDefault);
  second?.card.applet.pins.puk.check(pinBlock(/PUK: (\d{8})/.exec(terminal.screen)?.[1] ?? ''));
});

for (const [name, key, usage] of [
  ['RSA', testKey('rsa2048', 3), FOR_RSA],
  ['P-256', testKey('p256', 3), FOR_EC],
  ['P-384', testKey('p384', 3), FOR_EC],
] as const)
  test.serial(`the PUK for an officer with ${name}: nobody sees it, openssl opens it`, async (t) => {
    const { path, readers, folder } = await scene(t, { factory: true });
    const file = join(folder, 'puk.cms');
    const args = [
      'setup',
      '-u',
      'nobody',
      '--escrow',
      officer(folder, key, usage),
      ...['--puk-file', file, '--desk-file', join(folder, 'desk.json')],
      '--json',
    ];
    const { code, out, err } = await run(path, args, LINES);
    t.is(code, 0, err);
    t.is((JSON.parse(out) as { puk: string }).puk, file);
    for (const one of [file, join(folder, 'desk.json')]) t.is(statSync(one).mode & 0o777, 0o600);
    const recipient = ['-recip', join(folder, 'officer.pem'), '-inkey', join(folder, 'officer.key')];
    const puk = execFileSync('openssl', [
      'cms',
      '-decrypt',
      '-inform',
      'DER',
      '-in',
      file,
      ...recipient,
    ]).toString();
    readers.slot.card.applet.pins.puk.check(pinBlock(puk));
    t.false(`${out}${err}${readFileSync(file, 'latin1')}`.includes(puk));
  });

test.serial(
  'an officer to whom nothing is sealed, and files that are there: before anything is asked',
  async (t) => {
    const { path, readers, folder } = await scene(t, { factory: true });
    const setUp = (...args: readonly string[]) => run(path, ['setup', '-u', 'nobody', ...args], LINES);
    const key = testKey('rsa2048', 3);
    const past = new Date('2020-01-01');
    for (const [usage, more, says] of [
      [FOR_RSA, { notBefore: past, notAfter: new Date('2021-01-01') }, /ended on 2021-01-01/],
      [FOR_RSA, { notBefore: new Date('2048-01-01') }, /begins on 2048-01-01/],
      [Buffer.from('03020780', 'hex'), {}, /not for encryption/],
    ] as const) {
      const { code, err } = await setUp('--escrow', officer(folder, key, usage, more));
      t.is(code, 1, err);
      t.regex(err, says);
    }
    const there = join(folder, 'there');
    writeFileSync(there, '');
    const good = officer(folder, key, FOR_RSA);
    for (const args of [
      ['--escrow', good, '--puk-file', there],
      ['--csr', there],
      ['--puk-file', there],
    ]) {
      const { code, err } = await setUp(...args);
      t.is(code, 2, err);
    }
    t.true(readers.slot.card.applet.pins.application.isDefault);
    t.deepEqual(readers.slot.card.applet.keys.slots(), [0xf9]);
  },
);

test.serial('a PUK that cannot be kept is not set', async (t) => {
  const { path, readers, folder } = await scene(t, { factory: true });
  const good = officer(folder, testKey('rsa2048', 3), FOR_RSA);
  const file = join(folder, 'no', 'folder', 'puk.cms');
  const { code, err } = await run(
    path,
    ['setup', '-u', 'nobody', '--escrow', good, '--puk-file', file, '--desk-file', join(folder, 'desk.json')],
    LINES,
  );
  t.is(code, 2, err);
  t.regex(err, /cannot be written/);
  t.true(readers.slot.card.applet.pins.puk.isDefault);
});

test.serial('a request, and the certificate that comes of it; one for another key is refused', async (t) => {
  const { path, readers, folder, table } = await scene(t, { factory: true });
  const csr = join(folder, 'ada.csr');
  const args = ['setup', '-u', 'nobody', '--csr', csr, '--name', 'Ada Lovelace'];
  const made = await run(path, args, LINES);
  t.is(made.code, 0, made.err);
  t.regex(made.out, /import-certificate/);
  t.deepEqual(table.rows, []);
  const key = execFileSync('openssl', ['req', '-in', csr, '-verify', '-noout', '-pubkey'], {
    stdio: 'pipe',
  }).toString();
  const ca = { cn: 'Test CA', privateKey: testKey('ca', 1) };
  const write = (name: string, subject: KeyObject): string => {
    const file = join(folder, name);
    writeFileSync(file, toPem(makeCertificate(subject, { cn: 'Ada Lovelace' }, ca)));
    return file;
  };
  const put = (file: string) => run(path, ['import-certificate', '--certificate', file], `${PIN}\n`);
  const other = await put(write('other.pem', testKey('p256', 4)));
  t.is(other.code, 4, other.err);
  const own = await put(write('ada.pem', createPublicKey(key)));
  t.is(own.code, 0, own.err);
  const [token] = await readers.present();
  t.is(token?.identities[0]?.certificate?.issuer, 'CN=Test CA');
});

test.serial('wrong words and several cards without a terminal', async (t) => {
  const { path, readers } = await scene(t, { factory: true, serial: 1 }, { factory: true, serial: 2 });
  for (const args of [
    [],
    ['-t', 'org.scauth.piv:9'],
    ['--reader', 'nowhere'],
    ['-t', 'a:b', '--reader', 'c'],
  ]) {
    const { code, err } = await run(path, ['setup', '-u', 'nobody', ...args], LINES);
    t.is(code, 2, err);
  }
  const [first] = await readers.present();
  const chosen = ['-t', first?.id ?? ''];
  for (const more of [
    ['--algorithm', 'p521'],
    ['--pin-policy', 'never'],
    ['--touch-policy', 'often'],
  ]) {
    const { code, err } = await run(path, ['setup', '-u', 'nobody', ...chosen, ...more], LINES);
    t.is(code, 2, err);
  }
  t.true(readers.slot.card.applet.pins.application.isDefault);
});

test.serial("on a terminal pair offers to change what is the factory's, and pairs then", async (t) => {
  const { path, readers, table } = await scene(t, { key: 'p256', pin: '123456', puk: '12345678' });
  const terminal = new OnTerminal(path, '$SC_AUTH pair -u nobody');
  await terminal.expect('Enter = yes: ');
  terminal.send('y\r');
  await terminal.expect('Change them now?');
  terminal.send('y\r');
  await terminal.expect('Enter new PIN for');
  terminal.send(`${PIN}\r`);
  await terminal.expect('again: ');
  terminal.send(`${PIN}\r`);
  await terminal.expect('PUK: ');
  await terminal.expect('Paired');
  t.is(await terminal.exit, 0);
  t.is(table.rows.length, 1);
  const { pins } = readers.slot.card.applet;
  t.false(pins.application.isDefault || pins.puk.isDefault);
});

test.serial('without a terminal, and where the answer is no, nothing is changed', async (t) => {
  const { path, readers, table } = await scene(t, { key: 'p256', pin: '123456', puk: '12345678' });
  t.is((await run(path, ['pair', '-u', 'nobody'], 'y\n')).code, 3);
  const terminal = new OnTerminal(path, '$SC_AUTH pair -u nobody');
  await terminal.expect('Enter = yes: ');
  terminal.send('y\r');
  await terminal.expect('Change them now?');
  terminal.send('n\r');
  t.is(await terminal.exit, 3);
  t.deepEqual(table.rows, []);
  t.true(readers.slot.card.applet.pins.puk.isDefault);
});
