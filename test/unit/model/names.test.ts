// Login names and token ids: what is taken and what is refused.

import test from 'ava';
import { AgentError } from '../../../agent/base/errors.ts';
import { parseUsername } from '../../../agent/model/request.ts';
import { parseTokenId } from '../../../agent/model/card/token.ts';

test('login names', (t) => {
  for (const name of [
    'root',
    'alice',
    'a',
    'EXAMPLE\\alice',
    'alice@example.org',
    'jürgen',
    'a-b_c.d$',
    '1000',
    'x'.repeat(256),
  ]) {
    t.is<string, string>(parseUsername(name), name);
  }
  for (const name of [
    '',
    '-rf',
    'a b',
    ' a',
    'a\n',
    'a:b',
    '../etc',
    'a/b',
    'a\0',
    'a\u001b[2J',
    'a\u202e',
    'a\u00a0b',
    '\u2028',
    'x'.repeat(257),
  ]) {
    t.throws(
      () => parseUsername(name),
      { instanceOf: AgentError, code: 'unknown-user' },
      JSON.stringify(name),
    );
  }
});

test('token ids', (t) => {
  for (const id of ['org.scauth.piv:0123ABCD', 'a:b', 'com.example_1-x:9.9'])
    t.is<string, string>(parseTokenId(id), id);
  for (const id of ['', 'a', ':', 'a:', ':b', 'a:b:c', 'a b:c', 'a:b\n', '../a:b', `${'a'.repeat(101)}:b`]) {
    t.throws(
      () => parseTokenId(id),
      { instanceOf: AgentError, code: 'invalid-argument' },
      JSON.stringify(id),
    );
  }
});
