// The counting behind the last line of `npm test`: what ava reports is neither lost nor made better.
import test from 'ava';
import { TapReader } from '../../kit/tap.ts';

function read(text: string): TapReader {
  const tap = new TapReader();
  for (const line of text.split('\n')) tap.read(line);
  return tap;
}

test('counts passed, failed and left-out tests, by file', (t) => {
  const tap = read(`TAP version 13
ok 1 - a › b › L5: good
not ok 2 - c › bad
  ---
    message: no
  ...
ok 3 - c › left out # SKIP
not ok 4 - c › later # TODO
not ok 5 - test/d.test.ts exited with a non-zero exit code: 1

1..5`);
  t.is(tap.passed, 1);
  t.is(tap.failed, 2);
  t.is(tap.skipped, 2);
  t.true(tap.planned);
  t.deepEqual(tap.failures[0], { title: 'c › bad', detail: ['  ---', '    message: no', '  ...'] });
  t.deepEqual(tap.files(), [
    { file: '', passed: 0, total: 1 },
    { file: 'a › b', passed: 1, total: 1 },
    { file: 'c', passed: 0, total: 1 },
  ]);
});

test('output that stops before the plan is seen', (t) => {
  t.false(read('TAP version 13\nok 1 - a › b').planned);
});

test('a file that ended before its tests did is a failure with its name', (t) => {
  const tap = read(`TAP version 13
ok 1 - a › b › good
# 2 tests remaining in test/unit/a/b.test.ts

1..3`);
  t.is(tap.passed, 1);
  t.deepEqual(tap.failures, [{ title: '2 tests remaining in test/unit/a/b.test.ts', detail: [] }]);
});
