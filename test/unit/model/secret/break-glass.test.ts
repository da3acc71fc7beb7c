// The break-glass code: any writing of it is right, nothing else is, and what cannot be one is known as such.

import test from 'ava';
import fc from 'fast-check';
import { Pin } from '../../../../agent/base/pin.ts';
import { freeSecretSlots } from '../../../../agent/base/secret.ts';
import {
  compareCode,
  makeBreakGlassCode,
  parseCodeHash,
} from '../../../../agent/model/secret/break-glass.ts';

const typed = (text: string): Pin => new Pin(Buffer.from(text));

test.serial('a code is five groups of five, and each is another', async (t) => {
  const codes = await Promise.all(Array.from({ length: 4 }, makeBreakGlassCode));
  for (const { text, hash } of codes) {
    t.regex(text, /^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$/);
    t.is(hash.salt.length, 16);
    t.is(hash.hash.length, 32);
  }
  t.is(new Set(codes.map(({ text }) => text)).size, 4);
  t.is(new Set(codes.map(({ hash }) => hash.salt.toString('hex'))).size, 4);
});

test.serial('right in any writing', async (t) => {
  const { text, hash } = await makeBreakGlassCode();
  const free = freeSecretSlots();
  const writings = [
    text,
    text.toLowerCase(),
    text.replaceAll('-', ''),
    ` ${text.replaceAll('-', '  ')} `,
    text.replaceAll('0', 'O').replaceAll('1', 'l'),
    text.replaceAll('0', 'o').replaceAll('1', 'I'),
  ];
  for (const writing of writings) t.is(await compareCode(typed(writing), hash), 'right', writing);
  t.is(freeSecretSlots(), free);
});

test.serial('another code is wrong, and so is another salt', async (t) => {
  const [one, other] = await Promise.all([makeBreakGlassCode(), makeBreakGlassCode()]);
  t.is(await compareCode(typed(other.text), one.hash), 'wrong');
  t.is(await compareCode(typed(one.text), { ...one.hash, salt: other.hash.salt }), 'wrong');
});

test.serial('nothing that somebody types instead is a code', async (t) => {
  const { hash } = await makeBreakGlassCode();
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 60 }), async (text) => {
      fc.pre(Buffer.byteLength(text) <= 512);
      return (await compareCode(typed(text), hash)) === 'malformed';
    }),
    { numRuns: 300 },
  );
  for (const text of ['', '123456', '-----', 'U'.repeat(25)])
    t.is(await compareCode(typed(text), hash), 'malformed', text);
});

test.serial('a slip of the finger is known as one, but for one in a thousand', async (t) => {
  const { text, hash } = await makeBreakGlassCode();
  let taken = 0;
  for (const at of [0, 1, 7, 13, 20, 28])
    for (const symbol of '0123456789ABCDEFGHJKMNPQRSTVWXYZ') {
      if (text[at] === symbol) continue;
      const slip = text.slice(0, at) + symbol + text.slice(at + 1);
      if ((await compareCode(typed(slip), hash)) !== 'malformed') taken += 1;
    }
  t.true(taken <= 4, String(taken));
});

test.serial('what is no hash of ours is refused', (t) => {
  t.is(parseCodeHash(Buffer.alloc(15), Buffer.alloc(32)), null);
  t.is(parseCodeHash(Buffer.alloc(16), Buffer.alloc(0)), null);
  t.not(parseCodeHash(Buffer.alloc(16), Buffer.alloc(32)), null);
});
