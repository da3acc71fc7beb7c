// Pin and the locked block: wiped on each path, never printed, slots given back.

import { inspect } from 'node:util';
import test from 'ava';
import { AgentError } from '../../../agent/base/errors.ts';
import { Pin } from '../../../agent/base/pin.ts';
import { freeSecretSlots, MAX_SECRET_BYTES, secretBlock, SecretBuffer } from '../../../agent/base/secret.ts';

const marker = Buffer.from('7294816350');

test.serial('a PIN is in the block while it lives and nowhere in it afterwards', async (t) => {
  const free = freeSecretSlots();
  const pin = new Pin(marker);
  t.true(secretBlock().includes(marker));
  t.is(freeSecretSlots(), free - 1);
  await pin.use(async (bytes) => {
    await Promise.resolve();
    t.true(bytes.equals(marker));
  });
  t.false(secretBlock().includes(marker));
  t.is(freeSecretSlots(), free);
  await t.throwsAsync(
    pin.use(() => Promise.resolve()),
    { instanceOf: AgentError },
  );
  t.throws(() => pin.peek((bytes) => bytes.length), { instanceOf: AgentError });
  t.throws(() => pin.copy(), { instanceOf: AgentError });
});

test.serial('a PIN is wiped when its use fails, and the failure goes on', async (t) => {
  const free = freeSecretSlots();
  const failure = new Error('card pulled');
  t.is(await t.throwsAsync(new Pin(marker).use(() => Promise.reject(failure))), failure);
  t.false(secretBlock().includes(marker));
  t.is(freeSecretSlots(), free);
});

test.serial('wiping twice gives one slot back', (t) => {
  const free = freeSecretSlots();
  const pin = new Pin(marker);
  pin.wipe();
  pin.wipe();
  t.is(freeSecretSlots(), free);
});

test.serial('a copy lives on its own', (t) => {
  const pin = new Pin(marker);
  const copy = pin.copy();
  t.true(pin.equals(copy));
  pin.wipe();
  t.false(copy.equals(pin));
  t.true(copy.peek((bytes) => bytes.equals(marker)));
  copy.wipe();
});

test.serial('a PIN prints itself as [PIN]', (t) => {
  const pin = new Pin(marker);
  for (const text of [
    String(pin),
    pin.toString(),
    JSON.stringify({ pin }),
    inspect(pin),
    inspect({ pin }, { showHidden: true }),
  ]) {
    t.true(text.includes('[PIN]'));
    t.false(text.includes(marker.toString()));
  }
  pin.wipe();
});

test.serial('shapes: empty, digits, too long', (t) => {
  for (const [text, empty, digits] of [
    ['', true, false],
    ['123456', false, true],
    ['12345a', false, false],
    ['１２３', false, false],
    ['12 34', false, false],
  ] as const) {
    const pin = new Pin(Buffer.from(text));
    t.is(pin.isEmpty, empty);
    t.is(pin.isDigits, digits);
    pin.wipe();
  }
  const free = freeSecretSlots();
  t.throws(() => new Pin(Buffer.alloc(MAX_SECRET_BYTES + 1)), {
    instanceOf: AgentError,
    code: 'pin-malformed',
  });
  t.is(freeSecretSlots(), free);
});

test.serial('slots do not overlap, run out with an error and come back', (t) => {
  const free = freeSecretSlots();
  const taken = Array.from({ length: free }, () => new SecretBuffer(4352));
  taken.forEach((buffer, index) => buffer.bytes.fill(index % 251));
  t.true(taken.every((buffer, index) => buffer.bytes.every((byte) => byte === index % 251)));
  t.throws(() => new SecretBuffer(1), { instanceOf: RangeError });
  for (const buffer of taken) buffer.release();
  t.is(freeSecretSlots(), free);
  t.throws(() => new SecretBuffer(4353), { instanceOf: RangeError });
  t.true(secretBlock().every((byte) => byte === 0));
});
