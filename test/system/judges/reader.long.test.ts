// The software card in the real reader: in and out, two cards, pcscd restarted, pulled and hanging in the middle of a command.
// Judges: opensc-tool and yubico-piv-tool, as programs that know nothing of any of this.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { VirtualReader } from './reader.ts';

async function start(t: ExecutionContext): Promise<VirtualReader> {
  const reader = await VirtualReader.start();
  t.teardown(() => reader.stop());
  return reader;
}

const NAME = ['opensc-tool', '-n', '-r', '0'] as const;

test.serial('a card taken out is gone, and back in is there, as a fresh one', async (t) => {
  const reader = await start(t);
  const control = await reader.insert(['--key', 'p256']);
  t.is((await reader.run(...NAME)).code, 0);
  await control.eject();
  t.deepEqual([(await control.state()).inserted, (await control.state()).powered], [false, false]);
  while ((await reader.run(...NAME)).code === 0); // pcscd looks every 400 ms
  await control.insert();
  t.is((await reader.run(...NAME)).code, 0);
});

test.serial('after pcscd is restarted the card is there again', async (t) => {
  const reader = await start(t);
  const control = await reader.insert(['--key', 'p256']);
  const back = control.nextPowerOn();
  await reader.restartPcscd();
  await back;
  t.is((await reader.run(...NAME)).code, 0);
});

test.serial('two cards in the two slots are two cards', async (t) => {
  const reader = await start(t);
  const [first, second] = [
    await reader.insert(['--key', 'p256', '--serial', '111']),
    await reader.insert(['--key', 'p256:2', '--serial', '222'], 35964),
  ];
  t.regex(
    (await reader.run('yubico-piv-tool', '-r', 'Virtual PCD 00 00', '-a', 'status')).output,
    /Number:\s+111\n/u,
  );
  t.regex(
    (await reader.run('yubico-piv-tool', '-r', 'Virtual PCD 00 01', '-a', 'status')).output,
    /Number:\s+222\n/u,
  );
  t.not(await first.getCertificate('9A'), await second.getCertificate('9A'));
});

test.serial(
  'a card pulled in the middle of VERIFY: the program gets an error, the card was asked once',
  async (t) => {
    const reader = await start(t);
    const control = await reader.insert(['--key', 'p256']);
    await control.misbehave({ kind: 'eject', ins: '20' });
    const { code } = await reader.run(
      'opensc-tool',
      '-r',
      '0',
      '-s',
      '00A4040005A000000308',
      '-s',
      '0020008008313233343536FFFF',
    );
    t.not(code, 0);
    t.is((await control.log()).at(-1)?.sw, null);
    t.is(await control.getTries(), 3);
  },
);

test.serial(
  'a hanging command waits until it is released, and a test can wait for the command',
  async (t) => {
    const reader = await start(t);
    const control = await reader.insert(['--key', 'p256']);
    await control.misbehave({ kind: 'hang', ins: 'cb', p1: '3f' });
    const seen = control.waitFor({ ins: 'CB', p1: '3F' });
    const run = reader.run(
      'opensc-tool',
      '-r',
      '0',
      '-s',
      '00A4040005A000000308',
      '-s',
      '00CB3FFF035C017E00',
    );
    await seen;
    t.is(await control.release(), 1);
    t.is((await run).code, 0);
  },
);

test.serial('extended length: refused with 6700 without, served with it in one exchange', async (t) => {
  const reader = await start(t);
  const control = await reader.insert(['--key', 'rsa2048', '--slots', '9A']);
  const read = ['00A4040005A000000308', '00CB3FFF0000055C035FC1050000'];
  const [, refused] = await reader.transmit(...read);
  t.is(refused, '6700');
  await control.eject();
  await control.setExtended(true);
  await control.insert();
  const [, certificate = ''] = await reader.transmit(...read);
  t.regex(certificate, /^53820[0-9a-f]{5}.*9000$/u);
  t.true(certificate.length > 2 * 700);
});

test.serial('the delay is added to each APDU, and the log shows it', async (t) => {
  const reader = await start(t);
  const control = await reader.insert(['--key', 'p256']);
  await control.setDelay(5);
  await control.clearLog();
  await reader.run('opensc-tool', '-r', '0', '-c', 'default', '-s', '00A4040005A000000308');
  const log = await control.log();
  t.true(log.length > 0 && log.every(({ durationUs }) => durationUs >= 4900));
});

test.serial(
  'L3: a card with the certificate of one key and another key signs, and the signature does not fit',
  async (t) => {
    const reader = await start(t);
    const control = await reader.insert(['--key', 'p256']);
    const victim = await control.getCertificate('9A');
    await control.setKey('9A', 'p256:2');
    t.is(await control.getCertificate('9A'), victim);
    reader.write('/run/cert.pem', victim);
    const sign = [
      '-a',
      'verify-pin',
      '-P',
      '123456',
      '-a',
      'test-signature',
      '-s',
      '9a',
      '-i',
      '/run/cert.pem',
    ];
    const { output } = await reader.run('yubico-piv-tool', '-r', 'Virtual PCD', ...sign);
    t.notRegex(output, /Successful ECDSA/u);
    await control.setKey('9A', 'p256');
    t.regex((await reader.run('yubico-piv-tool', '-r', 'Virtual PCD', ...sign)).output, /Successful ECDSA/u);
  },
);

test.serial('L11: a gzip bomb and a malformed certificate object lie on the card as told', async (t) => {
  const reader = await start(t);
  const control = await reader.insert(['--key', 'p256']);
  await control.putGzipBomb('9A', 2 * 1024 * 1024);
  const read = await reader.run(
    'yubico-piv-tool',
    '-r',
    'Virtual PCD',
    '-a',
    'read-object',
    '--id',
    '0x5fc105',
  );
  const bytes = read.stdout.toString().trim().length / 2;
  t.true(bytes > 1500 && bytes < 3000, `${bytes} bytes`);
  await control.putWholeObject('5FC105', '5384ffffffff70');
  t.not(
    (await reader.run('yubico-piv-tool', '-r', 'Virtual PCD', '-a', 'read-certificate', '-s', '9a')).code,
    0,
  );
});
