// APDU exchange: short, chained, extended, GET RESPONSE and 6Cxx; hostile cards cost bounded work.
import test from 'ava';
import fc from 'fast-check';
import { AgentError } from '../../../../agent/base/errors.ts';
import { freeSecretSlots } from '../../../../agent/base/secret.ts';
import { ApduExchange, MAX_REPLY_BYTES, type Command } from '../../../../agent/token/piv/apdu.ts';
import { ScriptedSlot } from './card-slot.ts';

const GET: Command = {
  ins: 0xcb,
  p1: 0x3f,
  p2: 0xff,
  data: Buffer.from('5C035FC105', 'hex'),
  expected: MAX_REPLY_BYTES,
};

async function run(slot: ScriptedSlot, command: Command): Promise<{ data: string; sw: number }> {
  const reply = await new ApduExchange(await slot.open()).send(command);
  return { data: reply.data.toString('hex').toUpperCase(), sw: reply.sw };
}

test('a command without data and reply is four bytes: no Lc, no Le', async (t) => {
  const slot = new ScriptedSlot(() => '63C3');
  t.deepEqual(await run(slot, { ins: 0x20, p1: 0, p2: 0x80 }), { data: '', sw: 0x63c3 });
  t.deepEqual(slot.commands, ['00200080']);
});

test('a short command has Lc and Le, and its reply loses the status word', async (t) => {
  const slot = new ScriptedSlot(() => '53009000');
  t.deepEqual(await run(slot, GET), { data: '5300', sw: 0x9000 });
  t.deepEqual(slot.commands, ['00CB3FFF055C035FC10500']);
});

test('long data goes in chained pieces of 255 bytes, Le with the last only', async (t) => {
  const slot = new ScriptedSlot((command) => (command.startsWith('10') ? '9000' : 'AA9000'));
  await run(slot, { ins: 0x87, p1: 7, p2: 0x9a, data: Buffer.alloc(600, 1), expected: 256 });
  t.deepEqual(
    slot.commands.map((command) => [command.slice(0, 10), command.length / 2]),
    [
      ['1087079AFF', 260],
      ['1087079AFF', 260],
      ['0087079A5A', 96],
    ],
  );
});

test('a chain stops at any word other than 9000', async (t) => {
  const slot = new ScriptedSlot((_, index) => (index === 1 ? '6982' : '9000'));
  t.is((await run(slot, { ins: 0x87, p1: 7, p2: 0x9a, data: Buffer.alloc(900) })).sw, 0x6982);
  t.is(slot.commands.length, 2);
});

test('255 bytes are not chained', async (t) => {
  const slot = new ScriptedSlot(() => '9000');
  await run(slot, { ins: 0x87, p1: 7, p2: 0x9a, data: Buffer.alloc(255) });
  t.is(slot.commands.length, 1);
});

test('with extended length long data goes in one command, and a long reply comes in one', async (t) => {
  const slot = new ScriptedSlot(() => '9000', true);
  await run(slot, { ins: 0x87, p1: 7, p2: 0x9a, data: Buffer.alloc(266, 1), expected: 272 });
  t.is(slot.commands[0], `0087079A00010A${'01'.repeat(266)}0000`);
  await run(slot, { ins: 0xf7, p1: 0, p2: 0x9a, expected: 1000 });
  t.is(slot.commands[1], '00F7009A000000');
});

test('a card that refuses extended length with 6700 gets the chain', async (t) => {
  const slot = new ScriptedSlot((_, index) => (index === 0 ? '6700' : '9000'), true);
  t.is((await run(slot, { ins: 0x87, p1: 7, p2: 0x9a, data: Buffer.alloc(266) })).sw, 0x9000);
  t.deepEqual(
    slot.commands.map((command) => command.slice(0, 2)),
    ['00', '10', '00'],
  );
});

test('61xx is followed by GET RESPONSE with that Le until the end', async (t) => {
  const replies = ['AA6100', 'BB6102', 'CCDD9000'];
  const slot = new ScriptedSlot((_, index) => replies[index] ?? '6F00');
  t.deepEqual(await run(slot, GET), { data: 'AABBCCDD', sw: 0x9000 });
  t.deepEqual(slot.commands.slice(1), ['00C0000000', '00C0000002']);
});

test('6Cxx is followed by the same command with that Le, once', async (t) => {
  const slot = new ScriptedSlot((_, index) => (index === 0 ? '6C05' : '01020304059000'));
  t.is((await run(slot, GET)).data, '0102030405');
  t.is(slot.commands[1], '00CB3FFF055C035FC10505');
  const stubborn = new ScriptedSlot(() => '6C05');
  t.is((await run(stubborn, GET)).sw, 0x6c05);
  t.is(stubborn.commands.length, 2);
});

test('S4: what expects nothing is not sent again, whatever length a card asks for', async (t) => {
  for (const ins of [0x20, 0x24, 0x2c]) {
    const slot = new ScriptedSlot(() => '6C00');
    t.is((await run(slot, { ins, p1: 0, p2: 0x80, data: Buffer.alloc(8) })).sw, 0x6c00);
    t.is(slot.commands.length, 1);
  }
});

test('L10: 61FF for ever ends at the budget', async (t) => {
  const slot = new ScriptedSlot(() => `${'00'.repeat(255)}61FF`);
  await t.throwsAsync(run(slot, GET), { instanceOf: AgentError, code: 'card-fault' });
  t.true(slot.commands.length < 300);
});

test('L10: one byte and 61FF for ever ends at the budget of rounds', async (t) => {
  const slot = new ScriptedSlot(() => '0061FF');
  await t.throwsAsync(run(slot, GET), { code: 'card-fault' });
  t.true(slot.commands.length <= 302);
});

test('L10: 6100 and then nothing is a fault at once', async (t) => {
  const slot = new ScriptedSlot(() => '6100');
  await t.throwsAsync(run(slot, GET), { code: 'card-fault' });
  t.is(slot.commands.length, 2);
});

test('L10: a transaction has a budget of commands', async (t) => {
  const slot = new ScriptedSlot(() => '9000');
  const exchange = new ApduExchange(await slot.open());
  const flood = async (): Promise<void> => {
    for (let i = 0; i < 2000; i++) await exchange.send(GET);
  };
  await t.throwsAsync(flood(), { code: 'card-fault' });
  t.is(slot.commands.length, 1000);
});

test('L10: a reply of less than two bytes is a fault', async (t) => {
  for (const reply of ['', '90'])
    await t.throwsAsync(run(new ScriptedSlot(() => reply), GET), { code: 'card-fault' });
});

// Serial: other tests hold secret buffers meanwhile.
test.serial(
  'any replies at all end in a reply or an AgentError, and give back all secret buffers',
  async (t) => {
    const before = freeSecretSlots();
    const word = fc.oneof(
      fc.constantFrom('9000', '6100', '61FF', '6101', '6C00', '6C10', '6700', '6982'),
      fc.integer({ min: 0, max: 0xffff }).map((sw) => sw.toString(16).padStart(4, '0')),
    );
    const reply = fc.tuple(fc.uint8Array({ maxLength: 300 }), word, fc.boolean()).map(([data, sw, cut]) => {
      const hex = Buffer.from(data).toString('hex') + sw;
      return cut ? hex.slice(0, 2) : hex;
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(reply, { minLength: 1, maxLength: 8 }),
        fc.nat(700),
        fc.boolean(),
        async (replies, length, extended) => {
          const slot = new ScriptedSlot((_, index) => replies[index % replies.length] ?? '', extended);
          try {
            await run(slot, { ...GET, data: Buffer.alloc(length) });
          } catch (error) {
            if (!(error instanceof AgentError)) throw error;
          }
          return slot.commands.length <= 1000 && freeSecretSlots() === before;
        },
      ),
    );
    t.pass();
  },
);
