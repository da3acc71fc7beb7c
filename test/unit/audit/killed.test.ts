// L26: a writer that is killed at any moment. 500 times: killed.soak.ts.

import test from 'ava';
import { killedOften } from './killed-often.ts';

test('L26: killed 50 times, no record is lost, double or torn', async (t) => {
  await killedOften(t, 50);
});
