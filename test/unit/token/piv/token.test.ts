// The token on the software card in this process: what is sent, in which order, and that the card is never left verified.
import test from 'ava';
import { freeSecretSlots, secretBlock } from '../../../../agent/base/secret.ts';
import { AgentError } from '../../../../agent/base/errors.ts';
import { Pin } from '../../../../agent/base/pin.ts';
import { Challenge } from '../../../../agent/model/challenge.ts';
import { FRESH_MS, TryMemory } from '../../../../agent/model/card/pin-tries.ts';
import { verifyProof } from '../../../../agent/model/proof.ts';
import type { Identity, PinTry, TryPermit } from '../../../../agent/model/card/token.ts';
import { PivDriver } from '../../../../agent/token/piv/driver.ts';
import type { PivToken } from '../../../../agent/token/piv/token.ts';
import { KEY_TYPES } from '../../../kit/card/constants.ts';
import { insert, insertKnown, probe, ScriptedSlot, SoftwareSlot } from './card-slot.ts';

const pin = (text = '123456', permit: TryPermit = () => undefined): PinTry & { readonly pin: Pin } => ({
  pin: new Pin(Buffer.from(text)),
  permit,
});
const challengeFor = (): Challenge =>
  Challenge.create({ purpose: 'login', hostId: Buffer.alloc(16, 7), user: 'ada', service: 'sudo' });
const loginKey = (token: PivToken): Identity => {
  const identity = token.identities.find(({ slot }) => slot === '9A');
  if (identity === undefined) throw new Error('no 9A');
  return identity;
};
/** Whether this text stands anywhere in the memory for secrets. */
const lingers = (text: string): boolean => secretBlock().includes(text);
const SECURE = 'a4 20 87 20';

for (const key of KEY_TYPES.filter((type) => type !== 'rsa1024' && type !== 'x25519')) {
  test(`${key}: the proof verifies, and the card is unverified afterwards`, async (t) => {
    for (const extended of [false, true]) {
      const { slot, token } = await insert({ key, extended });
      const challenge = challengeFor();
      const { proof, released } = await token.prove(loginKey(token), challenge, pin());
      await released;
      t.notThrows(() => verifyProof(challenge, proof, loginKey(token).publicKey));
      t.false(slot.card.applet.pins.verified);
      t.deepEqual(slot.closed, ['leave']);
      t.is(slot.open_, 0);
    }
  });
}

test('a login takes 4 APDUs with P-256, 6 with RSA-2048, 4 with RSA-2048 and extended length', async (t) => {
  const expected = { p256: SECURE, rsa2048: 'a4 20 87 87 c0 20', extended: SECURE };
  for (const [name, instructions] of Object.entries(expected)) {
    const { slot, token } = await insertKnown(
      name === 'extended' ? { key: 'rsa2048', extended: true } : { key: name },
    );
    await (
      await token.prove(loginKey(token), challengeFor(), pin())
    ).released;
    t.is(slot.instructions(), instructions, name);
  }
});

test('the proof is there after three APDUs, before the de-verify', async (t) => {
  const { slot, token } = await insert({ key: 'p256' });
  slot.card.faults.arm({ kind: 'hang', ins: '20', p1: 'FF' });
  const { released } = await token.prove(loginKey(token), challengeFor(), pin());
  t.is(slot.card.release(), 1);
  await released;
  t.deepEqual(slot.closed.length, 1);
});

test('pinState takes SELECT and an empty VERIFY, and reports the tries', async (t) => {
  const { slot, token } = await insert({ pinTries: 5 });
  slot.card.applet.pins.application.tries = 2;
  t.deepEqual(await token.pinState(), { triesLeft: 2, triesTotal: 5 });
  t.is(slot.instructions(), 'a4 20');
  t.deepEqual(token.lastPinState, { triesLeft: 2, triesTotal: 5 });
  slot.card.applet.pins.application.tries = 0;
  await t.throwsAsync(token.pinState(), { code: 'pin-blocked' });
  t.deepEqual(slot.closed, ['leave']);
});

test('the look at the counter gives the card back by itself, while a person types', async (t) => {
  const { slot, token } = await insertKnown();
  await token.pinState();
  t.is(slot.open_, 1);
  while (slot.open_ > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  t.deepEqual(slot.closed, ['leave']);
  slot.instructions();
  await (
    await token.prove(loginKey(token), challengeFor(), pin())
  ).released;
  t.is(slot.instructions(), 'a4 20 87 87 c0 20');
});

test('a PIN that is there at once: counter and proof are one transaction', async (t) => {
  const { slot, token } = await insertKnown();
  await token.pinState();
  await (
    await token.prove(loginKey(token), challengeFor(), pin())
  ).released;
  t.is(slot.instructions(), 'a4 20 20 87 87 c0 20');
  t.deepEqual(slot.closed, ['leave']);
  t.false(slot.card.applet.pins.verified);
});

test('a card that another program verified has all its tries; to ask disturbs nothing', async (t) => {
  const { slot, token } = await insert();
  slot.card.applet.pins.application.verified = true;
  t.is((await token.pinState()).triesLeft, 3);
  t.true(slot.card.applet.pins.verified);
});

test('a wrong PIN says how many tries are left, a blocked one that it is blocked', async (t) => {
  const { slot, token } = await insert({ pinTries: 2 });
  const attempt = (): Promise<unknown> => token.prove(loginKey(token), challengeFor(), pin('999999'));
  const wrong = await t.throwsAsync(attempt());
  t.like(wrong, { code: 'wrong-pin', triesLeft: 1 });
  t.is(token.lastPinState.triesLeft, 1);
  t.like(await t.throwsAsync(attempt()), { code: 'wrong-pin', triesLeft: 0 });
  t.like(await t.throwsAsync(attempt()), { code: 'pin-blocked', triesLeft: 0 });
  t.is(slot.open_, 0);
});

test('L6: with the card verified by another program a wrong PIN still fails, and the card is unverified', async (t) => {
  const { slot, token } = await insert();
  slot.card.applet.pins.application.verified = true;
  await t.throwsAsync(token.prove(loginKey(token), challengeFor(), pin('999999')), { code: 'wrong-pin' });
  t.false(slot.card.applet.pins.verified);
});

test('L6: what cannot be a PIN never reaches the card', async (t) => {
  const { slot, token } = await insert({ firmware: 'none', atr: '3B8D018073C021C057736F66747061' });
  for (const text of ['', '12345', '123456789', 'passwd', '12345a', '12345\0']) {
    const typed = pin(text);
    t.false(token.acceptsPin(typed.pin));
    await t.throwsAsync(token.prove(loginKey(token), challengeFor(), typed), { code: 'pin-malformed' });
    await t.throwsAsync(token.verifyPin(pin(text)), { code: 'pin-malformed' });
  }
  t.deepEqual(slot.commands, []);
});

test('a YubiKey takes 6 to 8 printable bytes', async (t) => {
  const { token } = await insert();
  for (const text of ['123456', 'aB3 !~', '12345678']) t.true(token.acceptsPin(pin(text).pin), text);
  for (const text of ['', 'abcde', 'abcdefghi', 'abc\tdef', 'pässwö'])
    t.false(token.acceptsPin(pin(text).pin), text);
});

test('L7: a card without de-verify is known at insertion, and reset at the end of the login', async (t) => {
  const slot = new SoftwareSlot({ key: 'p256' });
  slot.card.faults.arm({ kind: 'status', sw: '6A86', ins: '20', p1: 'FF', times: 'always' });
  const token = await probe(slot);
  slot.closed.length = 0;
  slot.commands.length = 0;
  if (token === null) throw new Error('not read');
  await (
    await token.prove(loginKey(token), challengeFor(), pin())
  ).released;
  t.deepEqual(slot.closed, ['reset']);
  t.is(slot.instructions(), 'a4 20 87');
  t.false(slot.card.applet.pins.verified);
});

test('L7: a card that ignores P1 and so answers 9000 when verified is known at insertion', async (t) => {
  // It takes VERIFY FF for an empty VERIFY: 63C3 at insertion.
  const slot = new SoftwareSlot({ key: 'p256' });
  slot.card.faults.arm({ kind: 'status', sw: '63C3', ins: '20', p1: 'FF' });
  slot.card.faults.arm({ kind: 'ignore-deverify', times: 'always' });
  const token = await probe(slot);
  if (token === null) throw new Error('not read');
  await (
    await token.prove(loginKey(token), challengeFor(), pin())
  ).released;
  t.is(slot.closed.at(-1), 'reset');
  t.false(slot.card.applet.pins.verified);
});

test('L7: a card that says 9000 to a de-verify and does not do it is found out at the first use of the PIN', async (t) => {
  const driver = new PivDriver();
  const slot = new SoftwareSlot({ key: 'p256' });
  slot.card.faults.arm({ kind: 'ignore-deverify', skip: 1, times: 'always' });
  const token = await probe(slot, driver);
  if (token === null) throw new Error('not read');
  slot.closed.length = 0;
  await (
    await token.prove(loginKey(token), challengeFor(), pin())
  ).released;
  await (
    await token.prove(loginKey(token), challengeFor(), pin())
  ).released;
  const again = await probe(slot, driver);
  if (again === null) throw new Error('not read again');
  await (
    await again.prove(loginKey(again), challengeFor(), pin())
  ).released;
  t.deepEqual(slot.closed, ['reset', 'reset', 'leave', 'reset']);
});

test('K1: what was seen of one card’s de-verify is not believed of another with the same id', async (t) => {
  const driver = new PivDriver();
  const guid = '11'.repeat(16);
  const honest = await probe(new SoftwareSlot({ key: 'p256', guid }), driver);
  const slot = new SoftwareSlot({ key: 'p256:2', guid });
  slot.card.faults.arm({ kind: 'ignore-deverify', skip: 1, times: 'always' });
  const other = await probe(slot, driver);
  if (honest === null || other === null) throw new Error('not read');
  t.is(honest.id, other.id);
  await honest.verifyPin(pin());
  await other.verifyPin(pin());
  t.is(slot.closed.at(-1), 'reset');
  t.false(slot.card.applet.pins.verified);
});

test('K15: what is known of the card afterwards: it was asked the first time, then told, or reset', async (t) => {
  const lefts = async (slot: SoftwareSlot, driver = new PivDriver()): Promise<string> => {
    const token = await probe(slot, driver);
    if (token === null) throw new Error('not read');
    return (await token.prove(loginKey(token), challengeFor(), pin())).released;
  };
  const [driver, honest] = [new PivDriver(), new SoftwareSlot({ key: 'p256' })];
  t.deepEqual([await lefts(honest, driver), await lefts(honest, driver)], ['asked', 'told']);
  const lying = new SoftwareSlot({ key: 'p256' });
  lying.card.faults.arm({ kind: 'ignore-deverify', skip: 1, times: 'always' });
  t.is(await lefts(lying), 'reset');
});

test('L7: verified by another program at insertion: the de-verify is confirmed', async (t) => {
  const slot = new SoftwareSlot({ key: 'p256' });
  slot.card.applet.pins.application.verified = true;
  const token = await probe(slot);
  if (token === null) throw new Error('not read');
  t.true(slot.card.applet.pins.verified, 'not disturbed');
  slot.commands.length = 0;
  await (
    await token.prove(loginKey(token), challengeFor(), pin())
  ).released;
  t.is(slot.instructions(), `${SECURE} 20`);
});

test('L7: after an error between VERIFY and the signature the card is unverified', async (t) => {
  for (const fault of [
    { kind: 'status', sw: '6F00', ins: '87' },
    { kind: 'reply', hex: '7C0082009000', ins: '87' },
    { kind: 'empty-61', ins: '87' },
    { kind: 'endless-61', ins: '87' },
    { kind: 'signature-length', bytes: 0 },
    { kind: 'signature-length', bytes: 65_536 },
  ] as const) {
    const { slot, token } = await insert();
    slot.card.faults.arm(fault);
    await t.throwsAsync(
      token.prove(loginKey(token), challengeFor(), pin()),
      { code: 'card-fault' },
      fault.kind,
    );
    t.false(slot.card.applet.pins.verified, fault.kind);
    t.is(slot.open_, 0);
  }
});

test('L7: when the card fails in VERIFY itself it is reset', async (t) => {
  const { slot, token } = await insert();
  slot.card.faults.arm({ kind: 'eject-after', ins: '20' });
  await t.throwsAsync(token.prove(loginKey(token), challengeFor(), pin()), { code: 'no-card' });
  t.deepEqual(slot.closed, ['reset']);
});

// Serial: other tests hold secret buffers meanwhile.
test.serial('L8: the PIN is wiped on each path', async (t) => {
  const before = freeSecretSlots();
  const secret = '73519204';
  const faults = [null, ...(['20', '87', 'A4'] as const)];
  for (const ins of faults) {
    const { slot, token } = await insert({ pin: secret });
    if (ins !== null) slot.card.faults.arm({ kind: 'eject', ins });
    const typed = pin(secret);
    await token.prove(loginKey(token), challengeFor(), typed).then(
      ({ released }) => released,
      () => undefined,
    );
    t.false(lingers(secret), ins ?? 'no fault');
    t.throws(() => typed.pin.peek(() => 0), { code: 'internal' });
    t.true(slot.sent.every((bytes) => !Buffer.from(bytes).includes(secret)));
  }
  const { token } = await insert({ pin: secret });
  await t.throwsAsync(token.verifyPin(pin('111111')));
  await token.verifyPin(pin(secret));
  t.false(lingers(secret));
  t.is(freeSecretSlots(), before);
});

test('only 9A, and only an identity of this token, may log in', async (t) => {
  const { slot, token } = await insert();
  const other = await insert({ guid: 'AB'.repeat(16) });
  const refused = [...token.identities.filter((identity) => identity.slot !== '9A'), loginKey(other.token)];
  for (const identity of refused) {
    await t.throwsAsync(token.prove(identity, challengeFor(), pin()), { code: 'no-identity' });
  }
  t.deepEqual(slot.commands, []);
});

test('verifyPin verifies, and leaves the card unverified', async (t) => {
  const { slot, token } = await insert();
  await token.verifyPin(pin());
  t.is(slot.instructions(), 'a4 20 20 20');
  t.false(slot.card.applet.pins.verified);
  await t.throwsAsync(token.verifyPin(pin('999999')), { code: 'wrong-pin' });
});

test('the global PIN is used where Discovery says that it is primary', async (t) => {
  const { slot, token } = await insert({ discovery: '6020', globalPin: '654321' });
  await token.verifyPin(pin('654321'));
  t.deepEqual(
    slot.commands.filter((command) => command.startsWith('0020')).map((command) => command.slice(6, 8)),
    ['00', '00', '00'],
  );
  // The PUK would set another PIN than the one that is used.
  const sent = slot.commands.length;
  await t.throwsAsync(token.unblockPin(pin('12345678'), pin('111222').pin), { code: 'not-supported' });
  t.is(slot.commands.length, sent);
});

test('a card whose application is gone is a fault, and nothing is verified', async (t) => {
  const { slot, token } = await insert();
  slot.card.faults.arm({ kind: 'status', sw: '6A82', ins: 'A4', times: 'always' });
  await t.throwsAsync(token.prove(loginKey(token), challengeFor(), pin()), { code: 'card-fault' });
  t.is(slot.instructions(), 'a4');
});

test('the PIN block is eight bytes, padded with FF', async (t) => {
  const { slot, token } = await insert();
  await token.verifyPin(pin());
  t.is(slot.commands[1], '0020008008313233343536ffff');
});

test('not a PIV card: null, after one SELECT', async (t) => {
  for (const sw of ['6A82', '6D00', '6E00', '6999', '6A86']) {
    const slot = new ScriptedSlot(() => sw);
    t.is(await probe(slot), null);
    t.is(slot.commands.length, 1);
  }
});

test('K8: a PIV card that is put in again, and does not say how many tries it has, has those that it had', async (t) => {
  const driver = new PivDriver();
  const slot = new SoftwareSlot();
  await t.throwsAsync((await probe(slot, driver))?.verifyPin(pin('999999')) ?? Promise.resolve(), {
    code: 'wrong-pin',
  });
  slot.card.applet.pins.application.verified = true;
  t.is((await probe(slot, driver))?.lastPinState.triesLeft, 2);
  t.is((await probe(slot))?.lastPinState.triesLeft, null, 'who has not seen it does not know');
});

test('S4: an old count is read in the transaction of the proof; what the permit refuses is not sent', async (t) => {
  const time = { now: 0, nowMs: () => 0, monotonicMs: () => time.now };
  const slot = new SoftwareSlot();
  const token = await probe(slot, new PivDriver(null, new TryMemory(time)));
  if (token === null) throw new Error('no token');
  const asked: (number | null)[] = [];
  const refuse: TryPermit = ({ triesLeft }) => {
    asked.push(triesLeft);
    throw new AgentError('pin-reserve');
  };
  slot.card.applet.pins.application.tries = 1;
  for (const [elapsed, instructions] of [
    [0, 'a4'],
    [FRESH_MS + 1, 'a4 20'],
  ] as const) {
    time.now += elapsed;
    slot.commands.length = 0;
    await t.throwsAsync(token.prove(loginKey(token), challengeFor(), pin('999999', refuse)), {
      code: 'pin-reserve',
    });
    t.is(slot.instructions(), instructions);
    t.false(slot.commands.some((command) => command.startsWith('00200080') && command.length > 8));
  }
  t.deepEqual(asked, [3, 1]);
  t.is(slot.card.applet.pins.application.tries, 1);
  t.deepEqual(slot.closed.slice(-2), ['leave', 'leave'], 'and the card is left as it was');
});
