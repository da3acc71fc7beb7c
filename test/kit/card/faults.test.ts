// The card's misbehaviour does what its name says: what the agent's hostile-card tests rely on.
import test from 'ava';
import { SoftwareCard } from './card.ts';
import type { Fault } from './faults.ts';
import { makeProfile } from './profile.ts';
import { Terminal } from './terminal.ts';

async function insert(...faults: readonly Fault[]): Promise<Terminal> {
  const terminal = new Terminal(new SoftwareCard(makeProfile({ key: 'p256', slots: ['9A'] })));
  await terminal.select();
  await terminal.verify('123456');
  for (const fault of faults) terminal.card.faults.arm(fault);
  return terminal;
}

const sign = (terminal: Terminal, byte = 7): Promise<{ data: Buffer; sw: number }> =>
  terminal.authenticate(0x11, 0x9a, Buffer.alloc(32, byte));

test('a fault strikes at its instruction, after those it lets through, as often as it says', async (t) => {
  const terminal = await insert({ kind: 'status', sw: '6F00', ins: '20', skip: 1, times: 2 });
  const words: number[] = [];
  for (let i = 0; i < 5; i++) {
    words.push((await terminal.raw('00200080')).sw);
    await terminal.select();
  }
  t.deepEqual(words, [0x9000, 0x6f00, 0x6f00, 0x9000, 0x9000]);
});

test('a lasting fault ends with clear()', async (t) => {
  const terminal = await insert({ kind: 'reply', hex: '01029000', ins: 'cb', times: 'always' });
  t.is((await terminal.getData('7E')).data.toString('hex'), '0102');
  t.is((await terminal.getData('7E')).data.toString('hex'), '0102');
  terminal.card.faults.clear();
  t.is((await terminal.getData('7E')).data.length, 20);
});

test('a hanging command is answered on release; the card had not processed it', async (t) => {
  const terminal = await insert({ kind: 'hang', ins: '20' });
  const arrived = new Promise<void>((resolve) => {
    terminal.card.onCommand = () => {
      resolve();
    };
  });
  const answer = terminal.verify('000000');
  await arrived;
  t.is(terminal.card.applet.pins.application.tries, 3);
  t.is(terminal.card.release(), 1);
  t.is((await answer).sw, 0x63c2);
});

test('a card pulled in the middle does not answer, and has (or has not) done the work', async (t) => {
  for (const [kind, triesLeft] of [
    ['eject', 3],
    ['eject-after', 2],
  ] as const) {
    const terminal = await insert({ kind, ins: '20' });
    await t.throwsAsync(terminal.verify('000000'));
    t.is(terminal.card.applet.pins.application.tries, triesLeft);
    t.is(terminal.card.log.entries().at(-1)?.sw, null);
  }
});

test('a card pulled while it hangs never answers', async (t) => {
  const terminal = await insert({ kind: 'hang', ins: '20' });
  const answer = t.throwsAsync(terminal.verify('000000'), { message: /pulled/u });
  terminal.card.pulled();
  await answer;
  t.is(terminal.card.log.entries().at(-1)?.sw, null);
});

test('replies are cut short', async (t) => {
  const terminal = await insert({ kind: 'truncate', bytes: 1, ins: 'cb' });
  t.is((await terminal.card.transmit(Buffer.from('00cb3fff035c017e00', 'hex')))?.length, 1);
});

test('L10: 61FF for ever, and 6100 with nothing, until another command', async (t) => {
  for (const [kind, bytes, sw] of [
    ['endless-61', 256, 0x61ff],
    ['empty-61', 0, 0x6100],
  ] as const) {
    const terminal = await insert({ kind, ins: 'cb' });
    for (const apdu of ['00cb3fff035c017e00', ...Array.from({ length: 50 }, () => '00c0000000')]) {
      const answer = await terminal.raw(apdu);
      t.deepEqual([answer.data.length, answer.sw], [bytes, sw]);
    }
    t.is((await terminal.getData('7E')).sw, 0x9000);
  }
});

test('L8, L9: wrong, replayed, empty and 64-KiB signatures', async (t) => {
  const terminal = await insert();
  const first = await sign(terminal, 1);
  terminal.card.faults.arm({ kind: 'replay-signature' });
  t.deepEqual((await sign(terminal, 2)).data, first.data);
  terminal.card.faults.arm({ kind: 'wrong-signature' });
  t.notDeepEqual((await sign(terminal, 1)).data, first.data);
  for (const bytes of [0, 65536]) {
    terminal.card.faults.arm({ kind: 'signature-length', bytes });
    const { data, sw } = await sign(terminal);
    t.deepEqual([data.length, sw], [bytes, 0x9000]);
  }
  t.deepEqual((await sign(terminal, 1)).data, first.data);
});

test('L7: a card that ignores de-verify says 9000 and stays verified', async (t) => {
  const terminal = await insert({ kind: 'ignore-deverify' });
  t.is((await terminal.raw('0020ff80')).sw, 0x9000);
  t.is((await terminal.raw('00200080')).sw, 0x9000);
  await terminal.raw('0020ff80');
  t.is((await terminal.raw('00200080')).sw, 0x63c3);
});
