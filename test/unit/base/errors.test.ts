// Errors and the texts that are made safe for terminals and logs.

import test from 'ava';
import fc from 'fast-check';
import { anyText } from '../../kit/any-text.ts';
import { AgentError, asAgentError, describeError, printable } from '../../../agent/base/errors.ts';

test('any thrown value becomes an AgentError', (t) => {
  const own = new AgentError('wrong-pin', { triesLeft: 2, detail: '63C2' });
  t.is(asAgentError(own), own);
  t.is(own.triesLeft, 2);
  t.is(asAgentError(new TypeError('x')).code, 'internal');
  t.is(asAgentError('x').detail, 'x');
  t.is(asAgentError(undefined).code, 'internal');
});

test('a line for the log names code, detail and causes, four at most', (t) => {
  const error = new AgentError('card-fault', { detail: 'no\nway', cause: new Error('because') });
  t.is(describeError(error), 'card-fault: no?way <- Error: because');
  const circular = new AgentError('internal');
  circular.cause = circular;
  t.is(describeError(circular), Array(4).fill('internal: internal').join(' <- '));
  t.is(describeError('\u001b[31m'), '?[31m');
});

test('printable text cannot steer a terminal or split a line', (t) => {
  for (const hostile of [
    '\u001b[2J',
    'a\nb',
    'a\rb',
    '\u0007',
    '\u009b31m',
    '\u202egnp.exe',
    '\u2028',
    '\u2029',
    '\ud800',
  ]) {
    t.notRegex(printable(hostile), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  }
  t.is(printable('Zoë Müller 日本'), 'Zoë Müller 日本');
  t.is(printable('x'.repeat(300)).length, 200);
  fc.assert(
    fc.property(anyText(400), fc.integer({ min: 1, max: 300 }), (text, max) => {
      const clean = printable(text, max);
      return clean.length <= max && !/[\p{Cc}\p{Cf}]/u.test(clean);
    }),
  );
});
