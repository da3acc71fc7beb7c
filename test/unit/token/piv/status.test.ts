// Status words and what they mean.
import test from 'ava';
import { pinStatusOf, verifyResultOf, type StatusWord } from '../../../../agent/token/piv/status.ts';

const sw = (word: number): StatusWord => word as StatusWord;

test('an empty VERIFY tells the tries, blocked, verified, or nothing', (t) => {
  t.deepEqual(pinStatusOf(sw(0x63c3)), { triesLeft: 3 });
  t.deepEqual(pinStatusOf(sw(0x63cf)), { triesLeft: 15 });
  t.deepEqual(pinStatusOf(sw(0x63c0)), { triesLeft: 0 });
  t.deepEqual(pinStatusOf(sw(0x6983)), { triesLeft: 0 });
  t.deepEqual(pinStatusOf(sw(0x6303)), { triesLeft: 3 }, 'a NEO');
  t.is(pinStatusOf(sw(0x9000)), 'verified');
  t.deepEqual(pinStatusOf(sw(0x6300)), { triesLeft: null });
  for (const word of [0x6a88, 0x6d00, 0x6a82, 0x6f00]) t.is(pinStatusOf(sw(word)), 'unknown');
});

test('a VERIFY with a PIN is verified, wrong, blocked, malformed or a fault', (t) => {
  const outcome = (word: number): [string, number | undefined] => {
    const result = verifyResultOf(sw(word));
    return result.verified ? ['verified', undefined] : [result.error.code, result.error.triesLeft];
  };
  t.deepEqual(outcome(0x9000), ['verified', undefined]);
  t.deepEqual(outcome(0x63c2), ['wrong-pin', 2]);
  t.deepEqual(outcome(0x6302), ['wrong-pin', 2]);
  t.deepEqual(outcome(0x6300), ['wrong-pin', undefined]);
  t.deepEqual(outcome(0x63c0), ['wrong-pin', 0]);
  t.deepEqual(outcome(0x6983), ['pin-blocked', 0]);
  t.deepEqual(outcome(0x6a80), ['pin-malformed', undefined]);
  t.deepEqual(outcome(0x6984), ['pin-malformed', undefined]);
  t.deepEqual(outcome(0x6982), ['card-fault', undefined]);
});
