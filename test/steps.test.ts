// Every test is run by one step of the tests, and continuous integration runs the steps.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { filesOfStep, isMainStory, STEPS } from './steps.ts';
import { filesOf } from './together.ts';

const root = join(import.meta.dirname, '..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** The default of .ci/run, and what .ci/nightly gives it. */
const stepsOf = (script: string, pattern: RegExp): string[] =>
  pattern.exec(readFileSync(join(root, '.ci', script), 'utf8'))?.[1]?.split(' ') ?? [];

test('each test file is in one step', (t) => {
  const run = STEPS.flatMap((step) => filesOfStep(step)).sort();
  t.true(STEPS.every((step) => filesOfStep(step).length > 20));
  t.deepEqual(run, filesOf(['test/**/*.test.ts']));
});

test('each folder of test/system has its main story in npm test, unless all in it is long', (t) => {
  const inFolder = filesOf(['test/system/**/*.test.ts']);
  t.deepEqual(
    inFolder.filter((file) => file.split('/').length !== 4),
    [],
  );
  const short = inFolder.filter((file) => !file.endsWith('.long.test.ts'));
  const told = new Set(filesOfStep('test').filter(isMainStory).map(dirname));
  t.deepEqual(
    short.map(dirname).filter((folder) => !told.has(folder)),
    [],
  );
});

test('continuous integration runs npm test and test:system, and at night all of them', (t) => {
  t.deepEqual(stepsOf('run', /steps=\((.+)\)/), ['test', 'test:system']);
  const all = Object.keys(scripts).filter((name) => /^test(:|$)/.test(name));
  t.deepEqual(stepsOf('nightly', /\/run" (.+)$/m).sort(), all.sort());
});
