// Judge: OpenSC. The software card under the real pcscd and vpcd is, to opensc-tool, pkcs15-tool and pkcs11-tool
// (through opensc-pkcs11.so), a PIV card like any other: found, listed, read, and its signatures hold.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { X509Certificate, constants, createHash, publicEncrypt, verify } from 'node:crypto';
import { TOKEN_NAMES } from '../../vectors/names/token-names.ts';
import { VirtualReader } from './reader.ts';

/** OpenSC asks the management key for random numbers, as one of 3DES: from firmware 5.7 on it is none. */
const FIRMWARE = ['--firmware', '5.4.3'] as const;

const PKCS11 = ['pkcs11-tool', '--module', 'opensc-pkcs11.so'] as const;
const LOGIN = ['--login', '--pin', '123456'] as const;

async function withReader(
  t: ExecutionContext,
  work: (reader: VirtualReader) => Promise<void>,
): Promise<void> {
  const reader = await VirtualReader.start();
  t.teardown(() => reader.stop());
  await work(reader);
}

test.serial('opensc-tool finds the reader, the card and its answers', (t) =>
  withReader(t, async (reader) => {
    await reader.insert([...FIRMWARE, '--key', 'p256']);
    t.regex((await reader.run('opensc-tool', '--list-readers')).output, /0 +Yes +Virtual PCD 00 00/u);
    t.regex((await reader.run('opensc-tool', '-n')).output, /Personal Identity Verification Card/u);
    const select = ['-s', '00A4040009A00000030800001000', '-s', '00200080'];
    const { output, code } = await reader.run('opensc-tool', ...select);
    t.is(code, 0);
    t.regex(output, /SW1=0x90, SW2=0x00\)[\s\S]*61 11 4F 06[\s\S]*SW1=0x63, SW2=0xC3/u);
  }),
);

for (const [key, privateKeys] of [
  ['rsa2048', 4],
  ['rsa3072', 4],
  ['rsa4096', 4],
  ['p256', 4],
  ['p384', 4],
  ['ed25519', 2], // OpenSC 0.23 knows no Ed25519 on PIV: 9D and 9E (P-256) are what it sees
] as const) {
  test.serial(`${key}: pkcs15-tool and pkcs11-tool list the card`, (t) =>
    withReader(t, async (reader) => {
      const control = await reader.insert([...FIRMWARE, '--key', key, '--cn', 'Grace Hopper']);
      const dump = await reader.run('pkcs15-tool', '-D');
      t.is(dump.code, 0, dump.output);
      t.regex(dump.output, /X\.509 Certificate \[Certificate for PIV Authentication\]/u);
      t.regex(dump.output, /PIN \[PIN\][\s\S]*Reference +: 128 \(0x80\)/u);
      const objects = await reader.run(...PKCS11, ...LOGIN, '-O');
      t.is(objects.output.match(/^Private Key Object/gmu)?.length, privateKeys, objects.output);
      t.regex(objects.output, /subject: +DN: CN=Grace Hopper\n/u);
      t.is(await control.verifyCount(), 1);
    }),
  );
}

for (const [key, options] of [
  ['rsa2048', []],
  ['rsa2048', ['--extended']],
  ['rsa2048', ['--gzip']],
  ['p256', []],
  ['p384', []],
] as const) {
  test.serial(`${[key, ...options].join(' ')}: pkcs11-tool --test finds no errors`, (t) =>
    withReader(t, async (reader) => {
      await reader.insert([...FIRMWARE, '--key', key, ...options]);
      const { code, output } = await reader.run(...PKCS11, '--test', ...LOGIN);
      t.is(code, 0, output);
      t.regex(output, /^No errors$/mu);
      if (key === 'rsa2048') t.regex(output, /testing key 0 \(PIV AUTH key\)[\s\S]*SHA256-RSA-PKCS: OK/u);
    }),
  );
}

for (const [key, hash, mechanism, options] of [
  ['rsa2048', 'sha256', 'SHA256-RSA-PKCS', []],
  ['rsa2048', 'sha256', 'SHA256-RSA-PKCS', ['--extended']],
  ['p256', 'sha256', 'ECDSA', []],
  ['p384', 'sha384', 'ECDSA', []],
] as const) {
  test.serial(
    `${[key, ...options].join(' ')}: what pkcs11-tool --sign makes, the certificate's key verifies`,
    (t) =>
      withReader(t, async (reader) => {
        const control = await reader.insert([...FIRMWARE, '--key', key, ...options]);
        const message = Buffer.from('a message of no importance');
        const input = mechanism === 'ECDSA' ? createHash(hash).update(message).digest() : message;
        reader.write('/run/in', input);
        const sign = ['--sign', '--id', '01', '-m', mechanism, '-i', '/run/in', '-o', '/run/out'];
        const format = mechanism === 'ECDSA' ? ['--signature-format', 'openssl'] : [];
        const { code, output } = await reader.run(...PKCS11, ...LOGIN, ...sign, ...format);
        t.is(code, 0, output);
        const { publicKey } = new X509Certificate(await control.getCertificate('9A'));
        t.true(verify(hash, message, publicKey, reader.read('/run/out')));
      }),
  );
}

// ECDH is for yubico-piv-tool (yubico.long.test.ts): OpenSC 0.23 derives nothing with 9D here (CKR_KEY_TYPE_INCONSISTENT).
test.serial('rsa2048: pkcs11-tool --decrypt opens what was encrypted to 9D', (t) =>
  withReader(t, async (reader) => {
    const control = await reader.insert([...FIRMWARE, '--key', 'rsa2048']);
    const { publicKey: key } = new X509Certificate(await control.getCertificate('9D'));
    const message = Buffer.from('a message of no importance');
    reader.write('/run/in', publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, message));
    const decrypt = ['--decrypt', '--id', '03', '-m', 'RSA-PKCS', '-i', '/run/in', '-o', '/run/out'];
    const { code, output } = await reader.run(...PKCS11, ...LOGIN, ...decrypt);
    t.is(code, 0, output);
    t.deepEqual(reader.read('/run/out'), message);
  }),
);

test.serial('a wrong PIN costs OpenSC one try, and the card tells how many are left', (t) =>
  withReader(t, async (reader) => {
    const control = await reader.insert([...FIRMWARE, '--key', 'p256']);
    const { code, output } = await reader.run(...PKCS11, '--login', '--pin', '000000', '-O');
    t.not(code, 0);
    t.regex(output, /CKR_PIN_INCORRECT/u);
    t.is(await control.getTries(), 2);
  }),
);

for (const [subject, name] of TOKEN_NAMES.filter((one) => one[1] !== null))
  test.serial(`C1: the token of '${subject}' is called ${name ?? ''}`, (t) =>
    withReader(t, async (reader) => {
      await reader.insert([...FIRMWARE, '--key', 'p256', '--subject', subject]);
      const { output } = await reader.run(...PKCS11, '-L');
      t.is(/^ *token label *: (.*?) *$/mu.exec(output)?.[1] ?? null, name, output);
    }),
  );
