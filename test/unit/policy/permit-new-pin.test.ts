import test from 'ava';
import { weakPin } from '../../../policy/permit-new-pin.ts';

const cases: [pin: string, why: ReturnType<typeof weakPin>][] = [
  ['', 'too-short'],
  ['24681', 'too-short'],
  ['123456', 'factory'],
  ['12345678', 'factory'],
  ['77777777', 'few-characters'],
  ['000000', 'few-characters'],
  ['78787878', 'few-characters'],
  ['234567', 'ladder'],
  ['78901234', 'ladder'],
  ['98765432', 'ladder'],
  ['21098765', 'ladder'],
  ['abcdef', 'ladder'],
  ['246813', null],
  ['234568', null],
  ['77788999', null],
];

for (const [pin, why] of cases)
  test(`a new PIN '${pin}': ${why ?? 'will do'}`, (t) => {
    t.is(weakPin(Buffer.from(pin)), why);
  });
