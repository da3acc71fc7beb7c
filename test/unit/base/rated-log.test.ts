// What a peer can have written into the log is rated by owner and in all; what was left out is counted.

import { mock } from 'node:test';
import test from 'ava';
import { RatedLog } from '../../../agent/base/rated-log.ts';

test.serial('S5: a flood of refused calls leaves a few lines and their number', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => {
    mock.timers.reset();
  });
  const lines: string[] = [];
  const log = new RatedLog((line) => lines.push(line));
  for (let count = 0; count < 1000; count += 1) log.say('uid 1', 'malformed');
  log.say('uid 2', 'another');
  t.is(lines.length, 11);
  mock.timers.tick(60_000);
  t.is(lines.at(-1), '990 more lines about what was asked of the sockets are left out');
  for (let uid = 0; uid < 1000; uid += 1) log.say(`uid ${uid}`, 'malformed');
  t.is(lines.length, 12 + 60);
});
