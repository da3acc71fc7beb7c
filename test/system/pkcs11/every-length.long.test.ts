// L10, S4: a module that gives wrong lengths and counts: the person has an answer, nobody is let in by it, another person's
// card goes on, and the module's own card does once it behaves. `npm run soak` has each length at each call.
import test from 'ava';
import { CodeMatrix, GIVES_LENGTHS } from './code-matrix.ts';

/** Nothing, and more than there was room for. */
const SOME = ['0', '10001'];

for (const what of GIVES_LENGTHS)
  test.serial(`L10: ${what} gives a wrong length`, async (t) => {
    const matrix = await CodeMatrix.start();
    const problems: string[] = [];
    try {
      for (const length of SOME)
        problems.push(...(await matrix.play({ what, code: 0, after: true, length }, true)));
      t.deepEqual(problems, []);
    } finally {
      matrix.stop();
    }
  });
