// Short words that are typed at a prompt are recognised without ever becoming a string.

import test from 'ava';
import { Pin } from '../../../agent/base/pin.ts';

test('yes in any case, and nothing else', (t) => {
  for (const [typed, yes] of [
    ['yes', true],
    ['YES', true],
    ['Yes', true],
    ['', false],
    ['y', false],
    ['yes ', false],
    ['yess', false],
    ['no', false],
    ['yés', false],
  ] as const) {
    const pin = new Pin(Buffer.from(typed));
    t.is(pin.says('yes'), yes, typed);
    pin.wipe();
  }
});
