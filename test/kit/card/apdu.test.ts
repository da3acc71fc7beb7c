// The card's transport: the seven APDU cases, chaining, 61xx and GET RESPONSE, short against extended length.
import test from 'ava';
import fc from 'fast-check';
import { ApduTransport, parseCommand } from './apdu.ts';
import type { Command } from './apdu.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** A transport whose applet answers with so many bytes and remembers its commands. */
function makeTransport(replyBytes: number, extended = false): { transport: ApduTransport; seen: Command[] } {
  const seen: Command[] = [];
  const transport = new ApduTransport((command) => {
    seen.push(command);
    return { data: Buffer.alloc(replyBytes, 0xab), sw: 0x9000 };
  }, extended);
  return { transport, seen };
}

test('each of the seven cases of ISO 7816-4 is parsed', (t) => {
  const cases: readonly (readonly [string, string, number | null, boolean])[] = [
    ['00 a4 04 00', '', null, false],
    ['00 a4 04 00 00', '', 256, false],
    ['00 a4 04 00 10', '', 16, false],
    ['00 a4 04 00 02 a0 00', 'a000', null, false],
    ['00 a4 04 00 02 a0 00 00', 'a000', 256, false],
    ['00 a4 04 00 00 00 00', '', 65536, true],
    ['00 a4 04 00 00 00 02 a0 00', 'a000', null, true],
    ['00 a4 04 00 00 00 02 a0 00 01 00', 'a000', 256, true],
  ];
  for (const [bytes, data, le, extended] of cases) {
    const command = parseCommand(hex(bytes));
    t.deepEqual([command?.data.toString('hex'), command?.le, command?.extended], [data, le, extended], bytes);
  }
});

test('lengths that do not fit are refused with 6700', (t) => {
  const { transport, seen } = makeTransport(0, true);
  for (const bytes of [
    '00',
    '00a404',
    '00a40400 02 a0',
    '00a40400 02 a0000000',
    '00a40400 000002a0',
    '00a40400 0000',
  ]) {
    t.is(transport.transmit(hex(bytes)).toString('hex'), '6700', bytes);
  }
  t.is(seen.length, 0);
});

test('any data survives chaining in parts of any size', (t) => {
  const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 255 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(parts, (chunks) => {
      const { transport, seen } = makeTransport(0);
      chunks.forEach((chunk, index) => {
        const cla = index === chunks.length - 1 ? 0x00 : 0x10;
        const apdu = Buffer.concat([Buffer.from([cla, 0x87, 0x07, 0x9a, chunk.length]), chunk]);
        t.is(transport.transmit(apdu).toString('hex'), '9000');
      });
      t.is(seen.length, 1);
      t.deepEqual(seen[0]?.data, Buffer.concat(chunks));
    }),
  );
});

test('another command in the middle of a chain drops what was sent before', (t) => {
  const { transport, seen } = makeTransport(0);
  transport.transmit(hex('10 87 07 9a 02 1111'));
  transport.transmit(hex('00 20 00 80'));
  transport.transmit(hex('00 87 07 9a 02 2222'));
  t.deepEqual(
    seen.map(({ ins, data }) => [ins, data.toString('hex')]),
    [
      [0x20, ''],
      [0x87, '2222'],
    ],
  );
});

test('a chain that goes on for ever is cut off at 64 KiB', (t) => {
  const { transport } = makeTransport(0);
  const part = Buffer.concat([hex('10 87 07 9a ff'), Buffer.alloc(255)]);
  const answers = Array.from({ length: 300 }, () => transport.transmit(part).toString('hex'));
  t.true(answers.includes('6700'));
});

test('a reply longer than 256 bytes is fetched by GET RESPONSE, and 6100 says "256 or more"', (t) => {
  const { transport } = makeTransport(600);
  const replies = ['00 cb 3f ff 00', '00 c0 00 00 00', '00 c0 00 00 58'].map((apdu) =>
    transport.transmit(hex(apdu)),
  );
  t.deepEqual(
    replies.map((reply) => [reply.length - 2, reply.subarray(-2).toString('hex')]),
    [
      [256, '6100'],
      [256, '6158'],
      [88, '9000'],
    ],
  );
});

test('GET RESPONSE takes as few bytes as it asks for', (t) => {
  const { transport } = makeTransport(300);
  t.is(transport.transmit(hex('00 cb 3f ff 10')).subarray(16).toString('hex'), '6100');
  t.is(transport.transmit(hex('00 c0 00 00 ff')).subarray(255).toString('hex'), '611d');
  t.is(transport.transmit(hex('00 c0 00 00 1d')).subarray(29).toString('hex'), '9000');
});

test('anything between 61xx and GET RESPONSE loses the rest of the reply', (t) => {
  for (const between of ['00 20 00 80', '10 87 07 9a 02 1111', '0c 20 00 80', '00 20']) {
    const seen: number[] = [];
    const transport = new ApduTransport(({ ins }) => {
      seen.push(ins);
      return { data: Buffer.alloc(ins === 0xcb ? 300 : 0), sw: 0x9000 };
    }, false);
    t.is(transport.transmit(hex('00 cb 3f ff 00')).subarray(256).toString('hex'), '612c');
    transport.transmit(hex(between));
    transport.transmit(hex('00 c0 00 00 2c'));
    t.is(seen.at(-1), 0xc0, `after ${between} GET RESPONSE reaches the applet, which has nothing`);
  }
});

test('extended length is refused with 6700 until the card speaks it', (t) => {
  const { transport } = makeTransport(600);
  const apdu = hex('00 cb 3f ff 00 00 05 5c035fc105 00 00');
  t.is(transport.transmit(apdu).toString('hex'), '6700');
  transport.extended = true;
  t.is(transport.transmit(apdu).subarray(600).toString('hex'), '9000');
});

test('a class other than 00 and 10 is refused', (t) => {
  const { transport } = makeTransport(0);
  for (const cla of ['0c', '80', '01', 'ff'])
    t.is(transport.transmit(hex(`${cla} a4 04 00`)).toString('hex'), '6e00');
});
