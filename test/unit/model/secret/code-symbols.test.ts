// Codes as people type them: how they are read, and what is none.

import test from 'ava';
import { Pin } from '../../../../agent/base/pin.ts';
import { freeSecretSlots } from '../../../../agent/base/secret.ts';
import { grouped, readSymbols } from '../../../../agent/model/secret/code-symbols.ts';

function read(typed: string, count = 4): number[] | null {
  const pin = new Pin(Buffer.from(typed));
  const symbols = readSymbols(pin, count);
  pin.wipe();
  const values = symbols === null ? null : [...symbols.bytes];
  symbols?.release();
  return values;
}

test('case, blanks and hyphens do not count, and what looks alike is one symbol', (t) => {
  const free = freeSecretSlots();
  t.deepEqual(read('0AZ9'), [0, 10, 31, 9]);
  t.deepEqual(read(' 0a-z 9-'), [0, 10, 31, 9]);
  t.deepEqual(read('oOiL'), [0, 0, 1, 1]);
  for (const none of ['', '0AZ', '0AZ99', '0AZU', '0AZ!', '0AZé', 'UUUU', '----'])
    t.is(read(none), null, none);
  t.is(grouped(Buffer.from([0, 10, 31, 9, 1]), 4).toString(), '0AZ9-1');
  t.is(freeSecretSlots(), free);
});
