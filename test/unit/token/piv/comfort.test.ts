// What no login needs of a card costs none: odd answers to the question for tries, PIN references, retired keys.
import test from 'ava';
import { Pin } from '../../../../agent/base/pin.ts';
import { Challenge } from '../../../../agent/model/challenge.ts';
import { verifyProof } from '../../../../agent/model/proof.ts';
import type { Identity, PinTry } from '../../../../agent/model/card/token.ts';
import { PivDriver } from '../../../../agent/token/piv/driver.ts';
import type { PivToken } from '../../../../agent/token/piv/token.ts';
import type { CardOptions } from '../../../kit/card/profile.ts';
import { probe, SoftwareSlot } from './card-slot.ts';

const PLAIN: CardOptions = { firmware: 'none', atr: '3B8D018073C021C057736F66747061' };
const pin = (text = '123456'): PinTry => ({ pin: new Pin(Buffer.from(text)), permit: () => undefined });
const challengeFor = (): Challenge =>
  Challenge.create({ purpose: 'login', hostId: Buffer.alloc(16, 7), user: 'ada', service: 'sudo' });
const loginKey = (token: PivToken): Identity => {
  const identity = token.identities.find(({ slot }) => slot === '9A');
  if (identity === undefined) throw new Error('no 9A');
  return identity;
};
/** GET DATA since the last look. */
const gets = (slot: SoftwareSlot): number =>
  slot.commands.splice(0).filter((command) => command.startsWith('00cb')).length;

test('K2: retired keys are read when somebody asks, as far as Key History says, in a transaction each', async (t) => {
  const slot = new SoftwareSlot({ ...PLAIN, slots: ['9A', '82', '83'] });
  const token = await probe(slot);
  if (token === null) throw new Error('not read');
  const names = (): string[] => token.identities.map((identity) => `${identity.slot} ${identity.use}`);
  t.deepEqual(names(), ['9A authentication']);
  t.is(gets(slot), 3 + 4, 'what a card without retired keys takes');
  slot.closed.length = 0;
  await Promise.all([token.readRest(), token.readRest()]);
  t.deepEqual(names(), ['9A authentication', '82 retired', '83 retired']);
  t.is(gets(slot), 2);
  t.deepEqual(slot.closed, ['leave', 'leave']);
  await token.readRest();
  t.deepEqual(slot.commands, [], 'not read again');
  t.deepEqual(token.notes, []);
});

test('K2: a retired key that cannot be read is noted; the next who asks goes on from there', async (t) => {
  const slot = new SoftwareSlot({ ...PLAIN, slots: ['9A', '82', '83', '84'] });
  const token = await probe(slot);
  if (token === null) throw new Error('not read');
  slot.card.faults.arm({ kind: 'truncate', bytes: 40, ins: 'CB' });
  slot.card.faults.arm({ kind: 'eject', ins: 'CB' });
  await t.throwsAsync(token.readRest(), { code: 'no-card' });
  t.is(token.notes.length, 2);
  t.regex(token.notes.join('\n'), /^82 Retired .*\n2 of the retired keys could not be read: no-card/);
  slot.card.power();
  await token.readRest();
  t.deepEqual(
    token.identities.map((identity) => identity.slot),
    ['9A', '83', '84'],
  );
  t.is(token.notes.length, 1);
});

const NO_COUNT = ['6700', '6A80', '6A82', '6A86', '6A88', '6D00', '6982', '6985', '6E00', '6F00'];

test('K2: a card that does not say how many tries are left is read, with a note', async (t) => {
  for (const sw of NO_COUNT) {
    const slot = new SoftwareSlot({ ...PLAIN, key: 'p256' });
    slot.card.faults.arm({ kind: 'status', sw, ins: '20', p1: '00', body: false, times: 'always' });
    const token = await probe(slot);
    t.is(token?.identities.length, 4, sw);
    t.deepEqual(token?.lastPinState, { triesLeft: null, triesTotal: null }, sw);
    t.is(token?.pins[0].id, '80');
    t.regex(token?.notes.join('\n') ?? '', new RegExp(`^PIN: the card does not say its tries: .*${sw}`));
  }
});

test('K2: where the card has no PIN of the stated reference, the other one is asked, once', async (t) => {
  for (const [sw, discovery, has] of [
    ['6A88', 'none', '00'],
    ['6A86', '4000', '00'],
    ['6A88', '6020', '80'],
  ] as const) {
    const slot = new SoftwareSlot({ ...PLAIN, key: 'p256', discovery, globalPin: '654321' });
    const not = has === '00' ? '80' : '00';
    slot.card.faults.arm({ kind: 'status', sw, ins: '20', p2: not, times: 'always' });
    const token = await probe(slot);
    t.is(token?.pins[0].id, has);
    t.is(token?.lastPinState.triesLeft, 3);
    t.regex(token?.notes.join() ?? '', / instead of /);
    const asked = slot.commands.filter((command) => /^00200000|^00200080/.test(command));
    t.deepEqual(asked, [`002000${not}`, `002000${has}`]);
  }
});

test('K2: a card whose word says nothing logs in, and is never taken for unverified', async (t) => {
  for (const sw of ['6700', '6A86', '6A88', '6D00', '6982', '6F00']) {
    const slot = new SoftwareSlot({ key: 'p256', globalPin: '654321' });
    slot.card.faults.arm({ kind: 'status', sw, ins: '20', p1: '00', body: false, times: 'always' });
    // It says yes to a de-verify, and does not do it: nothing that it says would tell.
    slot.card.faults.arm({ kind: 'ignore-deverify', times: 'always' });
    const token = await probe(slot);
    if (token === null) throw new Error('not read');
    t.is((await token.pinState()).triesLeft, null, sw);
    const login = async (): Promise<void> => {
      const challenge = challengeFor();
      const { proof, released } = await token.prove(loginKey(token), challenge, pin());
      await released;
      t.notThrows(() => verifyProof(challenge, proof, loginKey(token).publicKey));
      t.false(slot.card.applet.pins.verified, sw);
      t.is(slot.closed.at(-1), 'reset', sw);
    };
    await login();
    await login();
  }
});

test('K2: a card that knows the PIN reference 00 alone logs in by it', async (t) => {
  const slot = new SoftwareSlot({ key: 'p256', discovery: 'none', globalPin: '654321' });
  slot.card.faults.arm({ kind: 'status', sw: '6A88', ins: '20', p2: '80', times: 'always' });
  const token = await probe(slot);
  if (token === null) throw new Error('not read');
  await (
    await token.prove(loginKey(token), challengeFor(), pin('654321'))
  ).released;
  t.false(slot.card.applet.pins.verified);
  await t.throwsAsync(token.verifyPin(pin('999999')), { code: 'wrong-pin' });
  t.is(token.lastPinState.triesLeft, 2);
});

test('K2: what is known of the tries stays when retired keys were read', async (t) => {
  const driver = new PivDriver();
  const slot = new SoftwareSlot({ slots: ['9A', '82'] });
  const token = await probe(slot, driver);
  await t.throwsAsync(token?.verifyPin(pin('999999')) ?? Promise.resolve(), { code: 'wrong-pin' });
  await token?.readRest();
  // Verified by another program, it says no count.
  slot.card.applet.pins.application.verified = true;
  t.is((await probe(slot, driver))?.lastPinState.triesLeft, 2);
});
