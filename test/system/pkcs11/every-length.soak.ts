// L10, S4: every length that is wrong in its own way, at each call that gives one, wherever it is asked for.
import test from 'ava';
import { CodeMatrix, GIVES_LENGTHS, LENGTHS, WHERE } from './code-matrix.ts';

for (const what of GIVES_LENGTHS)
  test.serial(`L10: ${what} gives each wrong length`, async (t) => {
    const matrix = await CodeMatrix.start();
    const problems: string[] = [];
    try {
      for (const length of LENGTHS.flatMap((one) => WHERE.map((where) => one + where)))
        problems.push(...(await matrix.play({ what, code: 0, after: true, length }, true)));
      t.deepEqual(problems, []);
    } finally {
      matrix.stop();
    }
  });
