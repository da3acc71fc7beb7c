// Varlink framing and shapes, and that io-scauth.ts and io.scauth.varlink say the same.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import ts from 'typescript';
import { AgentError } from '../../../agent/base/errors.ts';
import {
  encodeMessage,
  MAX_MESSAGE_BYTES,
  MessageSplitter,
  parseCall,
  parseReply,
} from '../../../agent/protocol/varlink.ts';
import { nodesOf, parseSource } from '../../import-graph.ts';

const malformed = { instanceOf: AgentError, code: 'malformed' } as const;
const folder = join(import.meta.dirname, '../../../agent/protocol');

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

/** `a: ?int, b: []string` → { a: 'int?', b: 'string[]' } */
function fieldsOf(list: string): Record<string, string> {
  const pairs = [...list.matchAll(/(\w+):\s*(\??)(\[\])?(\w+)/g)];
  return Object.fromEntries(
    pairs.map(([, name = '', optional = '', array = '', type = '']) => [name, `${type}${array}${optional}`]),
  );
}

/** The members of a TypeScript type in the same words. */
function membersOf(members: ts.NodeArray<ts.TypeElement>): Record<string, string> {
  const words: Record<string, string> = { number: 'int', boolean: 'bool', string: 'string' };
  return Object.fromEntries(
    members.filter(ts.isPropertySignature).map((member) => {
      const text = (member.type?.getText() ?? '').replace(/^readonly /, '');
      const nullable = text.endsWith(' | null');
      const base = text.replace(' | null', '').replace(/^Wire/, '');
      const array = base.endsWith('[]') ? '[]' : '';
      const name = base.replace('[]', '').replace(/^Wire/, '');
      return [member.name.getText(), `${words[name] ?? name}${array}${nullable ? '?' : ''}`];
    }),
  );
}

test('io-scauth.ts and io.scauth.varlink name the same methods, parameters and types', (t) => {
  const varlink = readFileSync(join(folder, 'io.scauth.varlink'), 'utf8').replace(/#.*$/gm, '');
  const { tree } = parseSource('io-scauth.ts', readFileSync(join(folder, 'io-scauth.ts'), 'utf8'));
  const interfaces = [...nodesOf(tree)].filter(ts.isInterfaceDeclaration);
  const namedInterface = (name: string): Record<string, string> =>
    membersOf(interfaces.find((one) => one.name.text === name)?.members ?? ts.factory.createNodeArray());

  for (const type of ['Token', 'Identity', 'Pairing']) {
    const list = new RegExp(`^type ${type} \\(([^)]*)\\)`, 'm').exec(varlink)?.[1] ?? '';
    t.deepEqual(namedInterface(`Wire${type}`), fieldsOf(list), type);
  }
  t.deepEqual(namedInterface('WireFailure'), fieldsOf(/^error Failed \(([^)]*)\)/m.exec(varlink)?.[1] ?? ''));

  const methods = Object.fromEntries(
    [...varlink.matchAll(/^method (\w+)\(([^)]*)\) -> \(([^)]*)\)/gm)].map(
      ([, name = '', takes = '', gives = '']) => [
        name,
        { parameters: fieldsOf(takes), reply: fieldsOf(gives) },
      ],
    ),
  );
  const table: readonly ts.TypeElement[] =
    interfaces.find((one) => one.name.text === 'Methods')?.members ?? [];
  const typed = Object.fromEntries(
    table.filter(ts.isPropertySignature).map((method) => {
      const parts: readonly ts.TypeElement[] =
        method.type && ts.isTypeLiteralNode(method.type) ? method.type.members : [];
      const part = (name: string): Record<string, string> => {
        const found = parts.filter(ts.isPropertySignature).find((one) => one.name.getText() === name)?.type;
        return found && ts.isTypeLiteralNode(found) ? membersOf(found.members) : {};
      };
      return [method.name.getText(), { parameters: part('parameters'), reply: part('reply') }];
    }),
  );
  t.true(Object.keys(methods).length >= 9);
  t.deepEqual(typed, methods);
});
