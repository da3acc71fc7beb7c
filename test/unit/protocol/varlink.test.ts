// Varlink framing and shapes, and that io-scauth.ts and io.scauth.varlink say the same.

import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { GENERATED, protocolTypes } from '../../../install/protocol-types.ts';
import { METHODS, TYPES } from '../../../agent/protocol/io-scauth.generated.ts';
import { readFields } from '../../../agent/protocol/io-scauth.ts';
import { AgentError } from '../../../agent/base/errors.ts';
import {
  encodeMessage,
  MAX_MESSAGE_BYTES,
  MessageSplitter,
  parseCall,
  parseReply,
} from '../../../agent/protocol/varlink.ts';

const malformed = { instanceOf: AgentError, code: 'malformed' } as const;

test('messages come out whole, however the bytes are cut', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { maxLength: 5 }),
      fc.integer({ min: 1, max: 50 }),
      (values, step) => {
        const all = Buffer.concat(values.map((value) => encodeMessage({ value })));
        const splitter = new MessageSplitter();
        const got: string[] = [];
        for (let at = 0; at < all.length; at += step) {
          splitter.push(all.subarray(at, at + step));
          for (let message = splitter.next(); message !== null; message = splitter.next())
            got.push(message.toString());
        }
        t.deepEqual(
          got,
          values.map((value) => JSON.stringify({ value })),
        );
      },
    ),
  );
});

test('a message above the cap is refused, whole or growing; the rest after an upgrade is given out', (t) => {
  const splitter = new MessageSplitter();
  splitter.push(Buffer.alloc(MAX_MESSAGE_BYTES, 0x20));
  t.throws(() => {
    splitter.push(Buffer.from(' '));
  }, malformed);
  t.throws(() => {
    new MessageSplitter().push(Buffer.concat([Buffer.alloc(MAX_MESSAGE_BYTES + 1, 0x20), Buffer.from([0])]));
  }, malformed);
  t.throws(() => {
    new MessageSplitter().push(Buffer.alloc(2 * MAX_MESSAGE_BYTES + 1));
  }, malformed);
  const upgraded = new MessageSplitter();
  upgraded.push(Buffer.from('{}\0SC'));
  t.is(upgraded.next()?.toString(), '{}');
  t.is(upgraded.takeRest().toString(), 'SC');
  t.is(upgraded.takeRest().length, 0);
});

test('what is no call or reply is malformed', (t) => {
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '1',
    '"x"',
    '{}',
    '{"method":1}',
    '{"method":"x","parameters":[]}',
    '{"method":"x","parameters":"y"}',
    '{"method":"\ud800',
    '\ufeff{}x',
  ]) {
    t.throws(() => parseCall(Buffer.from(text)), malformed, text);
  }
  t.throws(() => parseCall(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])), malformed);
  t.throws(() => parseReply(Buffer.from('{"error":1}')), malformed);
  t.deepEqual(parseCall(Buffer.from('{"method":"a.B","parameters":null,"upgrade":1}')), {
    method: 'a.B',
    parameters: {},
    more: false,
    upgrade: false,
    oneway: false,
  });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json().map((json) => Buffer.from(json)),
        fc.uint8Array(),
      ),
      (bytes) => {
        for (const parse of [parseCall, parseReply]) {
          try {
            parse(bytes);
          } catch (error) {
            if (!(error instanceof AgentError)) return false;
          }
        }
        return true;
      },
    ),
  );
});

test('the generated table is what io.scauth.varlink says', (t) => {
  t.is(readFileSync(GENERATED, 'utf8'), protocolTypes(), 'npm run protocol makes it anew');
  t.deepEqual(TYPES.Failed, { code: 'string', message: 'string', triesLeft: '?int' });
  t.deepEqual(METHODS.StartEnforcement.parameters, {
    by: '?string',
    shutOut: '?[]string',
    salt: 'string',
    codeHash: 'string',
  });
});

/** A value that fits, of a type of the table. */
function fitting(type: string): fc.Arbitrary<unknown> {
  if (type.startsWith('?')) return fc.option(fitting(type.slice(1)), { nil: null });
  if (type.startsWith('[]')) return fc.array(fitting(type.slice(2)), { minLength: 1, maxLength: 3 });
  if (type === 'string') return fc.string();
  if (type === 'int') return fc.integer();
  if (type === 'bool') return fc.boolean();
  return fc.record(
    Object.fromEntries(
      Object.entries(TYPES[type as keyof typeof TYPES]).map(([name, of]) => [name, fitting(of)]),
    ),
  );
}

const OTHER: Readonly<Record<string, unknown>> = { string: 7, int: '7', bool: 'true' };

/** One field of an object, or of an object in it, is of another type. */
function spoil(value: unknown, type: string): unknown[] {
  if (type.startsWith('?')) return value === null ? [] : spoil(value, type.slice(1));
  if (type.startsWith('[]'))
    return Array.isArray(value)
      ? ['x', {}, ...spoil(value[0], type.slice(2)).map((bad) => [bad, ...(value as unknown[]).slice(1)])]
      : [];
  const other = OTHER[type];
  if (other !== undefined) return [other, {}, [], ...(type === 'int' ? [1.5, 2 ** 53] : [])];
  const fields = value as Readonly<Record<string, unknown>>;
  const spoilt = Object.entries(TYPES[type as keyof typeof TYPES]).flatMap(([name, of]) =>
    spoil(fields[name], of).map((bad) => ({ ...fields, [name]: bad })),
  );
  return ['x', [], ...spoilt];
}

for (const type of Object.keys(TYPES) as (keyof typeof TYPES)[])
  test(`${type}: what fits is read as it is, more is left out, and one field of another type is refused`, (t) => {
    fc.assert(
      fc.property(fitting(type), (value) => {
        const more = { ...(value as object), more: 1, ['__proto__']: { hash: 'x' } };
        t.deepEqual(readFields(more, TYPES[type]), value as never);
        for (const bad of spoil(value, type))
          t.throws(() => readFields(bad, TYPES[type]), { instanceOf: AgentError }, JSON.stringify(bad));
      }),
      { numRuns: 20 },
    );
  });

test('what is null may be left out, and nothing else', (t) => {
  t.is(readFields({ code: 'a', message: 'b' }, TYPES.Failed).triesLeft, null);
  t.throws(() => readFields({ code: 'a' }, TYPES.Failed), { message: /field message/ });
  t.throws(() => readFields(Object.create({ code: 'a', message: 'b' }), TYPES.Failed));
  t.throws(() => readFields(null, TYPES.Failed));
});
