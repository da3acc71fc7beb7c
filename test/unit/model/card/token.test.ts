// The id of a token, as it comes from people and programs: it names files and stands in the log, so it has one form.

import test from 'ava';
import { parseTokenId } from '../../../../agent/model/card/token.ts';

test('a token id is a driver and a serial, in few characters, and nothing else', (t) => {
  for (const id of ['org.scauth.piv:0123ABCD', 'a:b', `${'d'.repeat(100)}:${'s'.repeat(100)}`, 'x-1:y_2.z'])
    t.is(String(parseTokenId(id)), id);
  for (const id of [
    ...['', ':', 'a', 'a:', ':b', 'a:b:c', 'a b:c', 'a:b\n', 'a/../b:c', 'ä:b', '*:b'],
    ...[`${'d'.repeat(101)}:s`, `d:${'s'.repeat(101)}`],
  ])
    t.throws(() => parseTokenId(id), { code: 'invalid-argument' }, id);
});
