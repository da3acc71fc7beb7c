// L26: a writer that is killed at any moment, 500 times.

import test from 'ava';
import { killedOften } from './killed-often.ts';

test('L26: killed 500 times, no record is lost, double or torn', async (t) => {
  await killedOften(t, 500);
});
