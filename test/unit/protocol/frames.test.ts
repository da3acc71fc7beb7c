// Frames: the vectors that the C reads as well, whole and byte by byte; and properties over made-up frames and bytes.

import test from 'ava';
import fc from 'fast-check';
import { anyText } from '../../kit/any-text.ts';
import { AgentError } from '../../../agent/base/errors.ts';
import { freeSecretSlots, secretBlock } from '../../../agent/base/secret.ts';
import { FrameStream } from '../../../agent/protocol/frame-stream.ts';
import {
  encodeFrame,
  HEADER_BYTES,
  FRAME_VERSION,
  HIGHEST_VERSION,
  MAX_FIELD_BYTES,
  MAX_FRAME_BYTES,
  parseBody,
  parseHeader,
  type Frame,
} from '../../../agent/protocol/frames.ts';
import { isTokenName } from '../../../agent/model/card/token.ts';
import { readFrameVectors, receiveOne, wireFields } from '../socket/frame-vectors.ts';

const malformed = { instanceOf: AgentError, code: 'malformed' } as const;
const vectors = readFrameVectors();

function byteByByte(bytes: Buffer): Buffer[] {
  return [...bytes].map((byte) => Buffer.from([byte]));
}

test('there are vectors of each kind', (t) => {
  for (const type of ['begin', 'ask', 'tell', 'wait', 'answer', 'verdict', 'hold', 'skip', 'take']) {
    const mine = vectors.filter((vector) => vector.name.startsWith(`${type}: `));
    t.true(mine.some((vector) => vector.valid) && mine.filter((vector) => !vector.valid).length > 20, type);
  }
});

test('L13: valid vectors give their fields and their bytes again', (t) => {
  for (const { name, bytes, fields, from } of vectors.filter((vector) => vector.valid)) {
    for (const chunks of [[bytes], byteByByte(bytes)]) {
      const frame = receiveOne(chunks, from);
      t.deepEqual(wireFields(frame), { ...fields }, name);
      t.deepEqual(encodeFrame(frame, undefined, bytes[2]), bytes, name);
    }
  }
});

test('L13: invalid vectors are malformed, and nothing else is thrown', (t) => {
  const free = freeSecretSlots();
  for (const { name, bytes, from } of vectors.filter((vector) => !vector.valid)) {
    for (const chunks of [[bytes], byteByByte(bytes)]) {
      t.throws(() => receiveOne(chunks, from), malformed, name);
    }
  }
  t.is(freeSecretSlots(), free);
});

const text = anyText(60).filter((s) => !s.includes('\0') && s.isWellFormed());
const optional = fc.oneof(text, fc.constant(null));
const bytes = fc.uint8Array({ maxLength: MAX_FIELD_BYTES }).map((array) => Buffer.from(array));
const versions = fc
  .tuple(fc.integer({ min: 1, max: 255 }), fc.integer({ min: 1, max: 255 }))
  .map(([a, b]) => ({ minVersion: Math.min(a, b), maxVersion: Math.max(a, b) }));

const frames: fc.Arbitrary<Frame> = fc.oneof(
  fc
    .record({
      type: fc.constant('begin' as const),
      phase: fc.constantFrom(
        'authenticate',
        'account',
        'setcred',
        'open-session',
        'close-session',
        'chauthtok',
      ),
      flags: fc.integer({ min: 0, max: 0xffff_ffff }),
      service: text,
      user: optional,
      tty: optional,
      rhost: optional,
      ruser: optional,
    })
    .chain((frame) => versions.map((range) => ({ ...frame, ...range }))),
  fc.record({ type: fc.constant('ask' as const), echo: fc.boolean(), text }),
  fc.record({ type: fc.constant('tell' as const), kind: fc.constantFrom('information', 'error'), text }),
  fc.constant({ type: 'wait' as const }),
  fc.record({
    type: fc.constant('answer' as const),
    status: fc.constant('answered' as const),
    secret: bytes,
  }),
  fc.constant({ type: 'answer' as const, status: 'failed' as const, secret: Buffer.alloc(0) }),
  fc.record({
    type: fc.constant('verdict' as const),
    code: fc.constantFrom(
      'granted',
      'denied',
      'unavailable',
      'cancelled',
      'unknown-user',
      'card-required',
      'permitted',
    ),
    user: optional,
    authtok: fc.oneof(bytes, fc.constant(null)),
    message: optional,
  }),
  fc.record({ type: fc.constant('result' as const), json: text }),
  fc.record({ type: fc.constant('hold' as const), text, plain: text }),
  fc.constant({ type: 'skip' as const }),
  fc.constant({ type: 'take' as const, item: 1 as const }),
  fc.constant({ type: 'recall' as const }),
  fc.constant({ type: 'measure' as const }),
  fc.record({ type: fc.constant('measured' as const), columns: fc.integer({ min: 0, max: 0xffff }) }),
  fc.record({
    type: fc.constant('token' as const),
    name: anyText(12).filter(isTokenName),
  }),
  fc.record({ type: fc.constant('show' as const), text, secret: bytes }),
  fc.record({
    type: fc.constant('happened' as const),
    happened: fc.constantFrom('nothing', 'verdict', 'no-verdict'),
  }),
);

/** In the version that knows all of them but one. */
function encodeNewest(frame: Frame): Buffer {
  return encodeFrame(frame, undefined, frame.type === 'show' ? FRAME_VERSION : HIGHEST_VERSION);
}

function parseWhole(whole: Buffer): Frame {
  const { version, typeNumber, bodyLength } = parseHeader(whole.subarray(0, HEADER_BYTES));
  if (bodyLength !== whole.length - HEADER_BYTES) throw new AgentError('malformed');
  return parseBody(typeNumber, whole.subarray(HEADER_BYTES), version);
}

test('what is encoded is parsed to the same frame', (t) => {
  fc.assert(
    fc.property(frames, (frame) => {
      const encoded = encodeNewest(frame);
      t.deepEqual(wireFields(parseWhole(encoded)), wireFields(frame));
      return encodeNewest(parseWhole(encoded)).equals(encoded);
    }),
    { numRuns: 1000 },
  );
});

test('a stream gives the same frames however the bytes are cut', (t) => {
  fc.assert(
    fc.property(
      fc.array(frames, { maxLength: 5 }),
      fc.array(fc.nat(700), { maxLength: 10 }),
      (sent, cuts) => {
        const all = Buffer.concat(sent.map((frame) => encodeNewest(frame)));
        const got: Record<string, unknown>[] = [];
        const stream = new FrameStream((frame) => got.push(wireFields(frame)));
        const borders = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
        borders.slice(1).forEach((to, index) => {
          stream.push(all.subarray(borders[index], to));
        });
        stream.release();
        t.deepEqual(got, sent.map(wireFields));
      },
    ),
    { numRuns: 300 },
  );
});

test('random and changed bytes never throw anything but AgentError', (t) => {
  const onlyMalformed = (act: () => unknown): boolean => {
    try {
      act();
      return true;
    } catch (error) {
      return error instanceof AgentError && error.code === 'malformed';
    }
  };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 600 }), (type, body) =>
      onlyMalformed(() => parseBody(type, body)),
    ),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(frames, fc.nat(5000), fc.integer({ min: 0, max: 255 }), (frame, at, byte) => {
      const changed = Buffer.from(encodeNewest(frame));
      changed[at % changed.length] = byte;
      return (
        onlyMalformed(() => receiveOne([changed], 'relay')) &&
        onlyMalformed(() => receiveOne([changed], 'agent'))
      );
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('long wording is cut at a character, and never breaks a frame', (t) => {
  for (const [long, bytesLeft] of [
    ['x'.repeat(600), 512],
    ['é'.repeat(300), 512],
    [`x${'é'.repeat(300)}`, 511],
    ['😀'.repeat(200), 512],
    [`xyz${'😀'.repeat(200)}`, 511],
  ] as const) {
    const frame = parseWhole(encodeNewest({ type: 'tell', kind: 'error', text: long }));
    t.is(frame.type === 'tell' ? Buffer.byteLength(frame.text) : 0, bytesLeft);
    t.true(frame.type === 'tell' && long.startsWith(frame.text));
  }
  t.deepEqual(parseWhole(encodeNewest({ type: 'ask', echo: false, text: 'a\0b' })), {
    type: 'ask',
    echo: false,
    text: 'a?b',
  });
});

test('secrets and results above their caps are refused', (t) => {
  const secret = Buffer.alloc(MAX_FIELD_BYTES + 1);
  t.throws(() => encodeNewest({ type: 'answer', status: 'answered', secret }), malformed);
  t.throws(
    () => encodeNewest({ type: 'verdict', code: 'denied', user: null, authtok: secret, message: null }),
    malformed,
  );
  t.throws(() => encodeNewest({ type: 'result', json: 'x'.repeat(4097) }), malformed);
  t.is(encodeNewest({ type: 'result', json: 'x'.repeat(4096) }).length, MAX_FRAME_BYTES);
});

test('a frame is wiped from the stream when its handler returns, and when it throws', (t) => {
  const secret = Buffer.from('8206617394');
  const whole = Buffer.from(encodeNewest({ type: 'answer', status: 'answered', secret }));
  for (const fail of [false, true]) {
    const stream = new FrameStream(() => {
      t.true(secretBlock().includes(secret));
      if (fail) throw new RangeError('no secret buffer is free');
    });
    if (fail)
      t.throws(() => {
        stream.push(whole);
      }, malformed);
    else stream.push(whole);
    t.false(secretBlock().includes(secret));
    stream.push(whole.subarray(0, -1));
    t.true(secretBlock().includes(secret.subarray(0, -1)));
    stream.release();
    t.false(secretBlock().includes(secret.subarray(0, -1)));
  }
});
