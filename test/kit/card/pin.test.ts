// The card's PIN rules: tries, the three forms of VERIFY, PUK, de-verify, and which key wants what of the PIN.
import test from 'ava';
import { SoftwareCard } from './card.ts';
import { makeProfile } from './profile.ts';
import type { CardOptions } from './profile.ts';
import { Terminal } from './terminal.ts';

async function insert(options: CardOptions = { key: 'p256' }): Promise<Terminal> {
  const terminal = new Terminal(new SoftwareCard(makeProfile(options)));
  await terminal.select();
  return terminal;
}

const HASH = Buffer.alloc(32, 7);
const P256 = 0x11;

test('the empty VERIFY says how many tries are left, and 9000 once the PIN is verified', async (t) => {
  const terminal = await insert();
  t.is((await terminal.raw('00200080')).sw, 0x63c3);
  t.is((await terminal.verify('000000')).sw, 0x63c2);
  t.is((await terminal.raw('00200080')).sw, 0x63c2);
  t.is((await terminal.verify('123456')).sw, 0x9000);
  t.is((await terminal.raw('00200080')).sw, 0x9000);
  t.is(terminal.card.log.verifyCount(), 2);
});

test('three wrong PINs block the card; the right one does not help any more', async (t) => {
  const terminal = await insert();
  const words: number[] = [];
  for (const pin of ['000000', '000000', '000000', '123456']) words.push((await terminal.verify(pin)).sw);
  t.deepEqual(words, [0x63c2, 0x63c1, 0x63c0, 0x6983]);
  t.is((await terminal.raw('00200080')).sw, 0x63c0);
});

test('a right PIN gives all tries back', async (t) => {
  const terminal = await insert();
  await terminal.verify('000000');
  await terminal.verify('123456');
  t.is(terminal.card.applet.pins.application.tries, 3);
});

test('a block that is not padded to 8 bytes costs a try', async (t) => {
  const terminal = await insert();
  t.is((await terminal.raw('0020008006313233343536')).sw, 0x63c2);
});

test('a wrong PIN ends an earlier verification', async (t) => {
  const terminal = await insert();
  await terminal.verify('123456');
  await terminal.verify('000000');
  t.is((await terminal.authenticate(P256, 0x9a, HASH)).sw, 0x6982);
});

test('VERIFY with P1 = FF takes the verification back and costs no try', async (t) => {
  const terminal = await insert();
  await terminal.verify('123456');
  t.is((await terminal.authenticate(P256, 0x9a, HASH)).sw, 0x9000);
  t.is((await terminal.raw('0020ff80')).sw, 0x9000);
  t.is((await terminal.authenticate(P256, 0x9a, HASH)).sw, 0x6982);
  t.is((await terminal.raw('00200080')).sw, 0x63c3);
});

test('a reset takes the verification back and deselects; SELECT does not', async (t) => {
  const terminal = await insert();
  await terminal.verify('123456');
  await terminal.select();
  t.is((await terminal.raw('00200080')).sw, 0x9000);
  terminal.card.power();
  t.is((await terminal.raw('00200080')).sw, 0x6d00);
  await terminal.select();
  t.is((await terminal.raw('00200080')).sw, 0x63c3);
});

test('an unknown AID changes nothing', async (t) => {
  const terminal = await insert();
  await terminal.verify('123456');
  t.is((await terminal.send('00a40400', Buffer.from('a000000151', 'hex'))).sw, 0x6a82);
  t.is((await terminal.raw('00200080')).sw, 0x9000);
});

test('9A: one VERIFY serves many signatures', async (t) => {
  const terminal = await insert();
  t.is((await terminal.authenticate(P256, 0x9a, HASH)).sw, 0x6982);
  await terminal.verify('123456');
  t.is((await terminal.authenticate(P256, 0x9a, HASH)).sw, 0x9000);
  t.is((await terminal.authenticate(P256, 0x9a, HASH)).sw, 0x9000);
});

test('9C: VERIFY must be the command just before, and serves one signature', async (t) => {
  const terminal = await insert();
  await terminal.verify('123456');
  t.is((await terminal.authenticate(P256, 0x9c, HASH)).sw, 0x9000);
  t.is((await terminal.authenticate(P256, 0x9c, HASH)).sw, 0x6982);
  for (const between of ['00200080', '00a4040005a000000308', '00cb3fff035c017e00']) {
    await terminal.verify('123456');
    await terminal.raw(between);
    t.is((await terminal.authenticate(P256, 0x9c, HASH)).sw, 0x6982, between);
  }
});

test('9C: a chained GENERAL AUTHENTICATE counts as one command', async (t) => {
  const terminal = await insert({ key: 'rsa2048' });
  await terminal.verify('123456');
  t.is((await terminal.authenticate(0x07, 0x9c, Buffer.alloc(256, 1))).sw, 0x9000);
});

test('9E wants no PIN', async (t) => {
  const terminal = await insert();
  t.is((await terminal.authenticate(P256, 0x9e, HASH)).sw, 0x9000);
});

test('the PUK gives a blocked card a new PIN, and has tries of its own', async (t) => {
  const terminal = await insert();
  for (const pin of ['000000', '000000', '000000']) await terminal.verify(pin);
  const block = (text: string): string => Buffer.from(text.padEnd(8, '\xff'), 'latin1').toString('hex');
  t.is((await terminal.raw(`002c008010${block('00000000')}${block('654321')}`)).sw, 0x63c2);
  t.is((await terminal.raw(`002c008010${block('12345678')}${block('654321')}`)).sw, 0x9000);
  t.is((await terminal.verify('123456')).sw, 0x63c2);
  t.is((await terminal.verify('654321')).sw, 0x9000);
});

test('CHANGE REFERENCE DATA wants the old PIN and a new one of 6 to 8 bytes', async (t) => {
  const terminal = await insert();
  const block = (text: string): string => Buffer.from(text.padEnd(8, '\xff'), 'latin1').toString('hex');
  t.is((await terminal.raw(`0024008010${block('000000')}${block('654321')}`)).sw, 0x63c2);
  t.is((await terminal.raw(`0024008010${block('123456')}${block('654')}`)).sw, 0x6a80);
  t.is((await terminal.raw(`0024008010${block('123456')}${block('654321')}`)).sw, 0x9000);
  t.is((await terminal.verify('654321')).sw, 0x9000);
});

test('the global PIN is there only where the card has one', async (t) => {
  const without = await insert();
  t.is((await without.raw('00200000')).sw, 0x6a88);
  const terminal = await insert({ key: 'p256', globalPin: '777777', discovery: '6020' });
  t.is(
    (await terminal.raw(`0020000008${Buffer.from('777777\xff\xff', 'latin1').toString('hex')}`)).sw,
    0x9000,
  );
  t.is((await terminal.authenticate(P256, 0x9a, HASH)).sw, 0x9000);
});

test('no PIN stands in the log', async (t) => {
  const terminal = await insert();
  await terminal.verify('123456');
  await terminal.raw(`0024008010${Buffer.from('123456\xff\xff654321\xff\xff', 'latin1').toString('hex')}`);
  const log = JSON.stringify(terminal.card.log.entries());
  t.false(log.includes('313233') || log.includes('363534'));
  t.true(log.includes('08****************'));
});
