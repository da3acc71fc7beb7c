// Judge: yubico-piv-tool. To it the software card is a YubiKey: status, PINs, management key, generate, import, attest, reset.
// It compares signatures and decryptions with the certificate itself ("Successful … verification").
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { X509Certificate, createPublicKey } from 'node:crypto';
import { makeCertificate, toPem } from '../../kit/card/certificate.ts';
import { testKey } from '../../kit/card/algorithms.ts';
import { testAuthority } from '../../kit/card/profile.ts';
import { VirtualReader } from './reader.ts';
import type { RunResult } from './reader.ts';

const PIN = ['-a', 'verify-pin', '-P', '123456'] as const;

interface Judge {
  readonly reader: VirtualReader;
  /** Runs yubico-piv-tool. */
  readonly tool: (...args: readonly string[]) => Promise<RunResult>;
}

async function withCard(
  t: ExecutionContext,
  options: readonly string[],
  work: (judge: Judge) => Promise<void>,
): Promise<void> {
  const reader = await VirtualReader.start();
  t.teardown(() => reader.stop());
  // This release of the tool takes each factory's management key for 3DES, which it is up to firmware 5.6.
  await reader.insert(['--firmware', '5.4.3', ...options]);
  await work({ reader, tool: (...args) => reader.run('yubico-piv-tool', '-r', 'Virtual PCD', ...args) });
}

for (const [key, shown] of [
  ['rsa2048', 'RSA2048'],
  ['p256', 'ECCP256'],
  ['p384', 'ECCP384'],
] as const) {
  test.serial(`${key}: status, test-signature and test-decipher with the card's own certificates`, (t) =>
    withCard(t, ['--key', key, '--cn', 'Grace Hopper', '--serial', '7654321'], async ({ reader, tool }) => {
      const { output } = await tool('-a', 'status');
      t.regex(output, /Version:\s+5\.4\.3\nSerial Number:\s+7654321\nCHUID:\s+3019/u);
      t.regex(
        output,
        new RegExp(`Slot 9a:\\s+Algorithm:\\s+${shown}\\s+Subject DN:\\s+CN=Grace Hopper\n`, 'u'),
      );
      t.regex(output, /PIN tries left:\s+3/u);
      for (const slot of ['9a', '9c', '9e']) {
        reader.write('/run/cert.pem', (await tool('-a', 'read-certificate', '-s', slot)).stdout);
        const signed = await tool(...PIN, '-a', 'test-signature', '-s', slot, '-i', '/run/cert.pem');
        t.regex(signed.output, /Successful (RSA|ECDSA) verification/u, slot);
      }
      reader.write('/run/cert.pem', (await tool('-a', 'read-certificate', '-s', '9d')).stdout);
      const deciphered = await tool(...PIN, '-a', 'test-decipher', '-s', '9d', '-i', '/run/cert.pem');
      t.regex(deciphered.output, /Successfully performed (RSA decryption|ECDH exchange)/u);
    }),
  );
}

test.serial('rsa4096: status reads a certificate that takes eight GET RESPONSEs', (t) =>
  withCard(t, ['--key', 'rsa4096', '--cn', 'Grace Hopper'], async ({ tool }) => {
    const { stdout } = await tool('-a', 'read-certificate', '-s', '9a');
    t.is(new X509Certificate(stdout).publicKey.asymmetricKeyDetails?.modulusLength, 4096);
  }),
);

test.serial('PIN and PUK: wrong, changed, blocked, unblocked', (t) =>
  withCard(t, ['--key', 'p256'], async ({ tool }) => {
    const says = async (expected: RegExp, ...args: readonly string[]): Promise<void> => {
      t.regex((await tool(...args)).output, expected, args.join(' '));
    };
    await says(/2 tries left before pin is blocked/u, '-a', 'verify-pin', '-P', '000000');
    await says(/Successfully verified PIN/u, ...PIN);
    await says(/Successfully changed the pin code/u, '-a', 'change-pin', '-P', '123456', '-N', '654321');
    await says(/Successfully verified PIN/u, '-a', 'verify-pin', '-P', '654321');
    await says(/Successfully changed the puk code/u, '-a', 'change-puk', '-P', '12345678', '-N', '87654321');
    for (const left of [/2 tries/u, /1 tries/u, /blocked/u])
      await says(left, '-a', 'verify-pin', '-P', '000000');
    await says(/Pin code blocked/u, '-a', 'verify-pin', '-P', '654321');
    await says(/Successfully unblocked/u, '-a', 'unblock-pin', '-P', '87654321', '-N', '123456');
    await says(/Successfully verified PIN/u, ...PIN);
  }),
);

for (const algorithm of ['ECCP256', 'RSA2048', 'ECCP384']) {
  test.serial(`generate ${algorithm}, put a certificate on it, use and attest it`, (t) =>
    withCard(t, ['--key', 'p256'], async ({ reader, tool }) => {
      const generated = await tool('-a', 'generate', '-s', '9a', '-A', algorithm);
      t.regex(generated.output, /Successfully generated a new private key/u);
      const publicKey = createPublicKey(generated.stdout);
      reader.write(
        '/run/cert.pem',
        toPem(makeCertificate(publicKey, { cn: 'New' }, testAuthority('Test CA'))),
      );
      await tool('-a', 'import-certificate', '-s', '9a', '-i', '/run/cert.pem');
      const read = await tool('-a', 'read-certificate', '-s', '9a');
      t.is(new X509Certificate(read.stdout).subject, 'CN=New');
      const signed = await tool(...PIN, '-a', 'test-signature', '-s', '9a', '-i', '/run/cert.pem');
      t.regex(signed.output, /Successful (RSA|ECDSA) verification/u);
      const attested = new X509Certificate((await tool('-a', 'attest', '-s', '9a')).stdout);
      t.true(attested.publicKey.equals(publicKey));
      t.true(attested.verify(createPublicKey(testKey('attestation', 1))));
    }),
  );
}

for (const [type, algorithm] of [
  ['p256', 'ECCP256'],
  ['p384', 'ECCP384'],
  ['rsa2048', 'RSA2048'],
  ['rsa1024', 'RSA1024'],
] as const) {
  test.serial(`import-key ${algorithm} and use it`, (t) =>
    withCard(t, ['--key', 'p256', '--slots', '9A'], async ({ reader, tool }) => {
      const key = testKey(type, 7);
      const pem = key.export({ format: 'pem', type: type.startsWith('rsa') ? 'pkcs1' : 'sec1' });
      reader.write('/run/key.pem', pem);
      reader.write('/run/cert.pem', toPem(makeCertificate(key, { cn: 'Imported' })));
      const imported = await tool('-a', 'import-key', '-s', '9c', '-A', algorithm, '-i', '/run/key.pem');
      t.regex(imported.output, /Successfully imported a new private key/u);
      await tool('-a', 'import-certificate', '-s', '9c', '-i', '/run/cert.pem');
      const signed = await tool(...PIN, '-a', 'test-signature', '-s', '9c', '-i', '/run/cert.pem');
      t.regex(signed.output, /Successful (RSA|ECDSA) verification/u);
      t.not((await tool('-a', 'attest', '-s', '9c')).code, 0, 'an imported key is not attested');
    }),
  );
}

test.serial('CHUID, CCC, retries, management key, reset', (t) =>
  withCard(t, ['--key', 'p256'], async ({ tool }) => {
    const before = (await tool('-a', 'status')).output;
    t.regex((await tool('-a', 'set-chuid', '-a', 'set-ccc')).output, /new CHUID[\s\S]*new CCC/u);
    const after = (await tool('-a', 'status')).output;
    t.not(after.match(/CHUID.*/u)?.[0], before.match(/CHUID.*/u)?.[0]);

    const retries = ['-a', 'pin-retries', '--pin-retries', '2', '--puk-retries', '1'];
    t.regex((await tool(...PIN, ...retries)).output, /Successfully changed pin retries to 2/u);

    const newKey = 'ffffffffffffffff0102030405060708aabbccddeeff0011';
    t.regex((await tool('-a', 'set-mgm-key', '-n', newKey)).output, /Successfully set new management key/u);
    t.regex((await tool('-a', 'set-chuid')).output, /Failed authentication/u);
    t.regex((await tool(`--key=${newKey}`, '-a', 'set-chuid')).output, /Successfully set new CHUID/u);

    t.not((await tool('-a', 'reset')).code, 0, 'no reset while PIN and PUK have tries');
    for (let i = 0; i < 2; i++) await tool('-a', 'verify-pin', '-P', '000000');
    await tool('-a', 'unblock-pin', '-P', '00000000', '-N', '123456');
    t.regex((await tool('-a', 'reset')).output, /Successfully reset/u);
    t.regex((await tool('-a', 'status')).output, /CHUID:\s+No data available[\s\S]*PIN tries left:\s+3/u);
  }),
);
