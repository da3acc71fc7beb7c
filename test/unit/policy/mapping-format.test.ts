// [mapping]'s format: what stands for a field, a $ and text, and what is no format.
import test from 'ava';
import { formatFields, isMappingFormat } from '../../../policy/mapping-format.ts';

test('fields by their numbers, $$ for a $, everything else as it is', (t) => {
  t.is(formatFields('$1', ['ada']), 'ada');
  t.is(formatFields('$2@$1', ['example.org', 'ada']), 'ada@example.org');
  t.is(formatFields('$$1 $1$$', ['ada']), '$1 ada$');
  t.is(formatFields('cn=$1, ou=staff', ['ada']), 'cn=ada, ou=staff');
});

test('what a field holds is text: no $ in it stands for another field', (t) => {
  t.is(formatFields('$1 $2', ['$2', 'lovelace']), '$2 lovelace');
});

test('a field that is missing or empty is nobody, whatever stands around it', (t) => {
  for (const values of [[], [null], [''], ['ada', null], ['ada', '']])
    t.is(formatFields('x$1$2', values), null, JSON.stringify(values));
});

test('a format without a field, or with a $ that stands for nothing, is none', (t) => {
  for (const format of ['', 'staff', '$$', '$', '$0', '$a', '$1$', '$1$x']) {
    t.false(isMappingFormat(format), format);
    t.is(formatFields(format, ['ada']), null, format);
  }
  t.true(isMappingFormat('a$9'));
});
