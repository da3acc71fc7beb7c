// The bar of long work: what stands on the screen, by a clock of the test's own.

import test from 'ava';
import { Bar } from '../../../../agent/cli/terminal/bar.ts';

function barFor(errIsTerminal: boolean, total = 100) {
  let now = 0;
  let written = '';
  const context = { errIsTerminal, writeErr: (text: string) => void (written += text) };
  const bar = new Bar(context, total, () => now);
  /** What is written while so much is done at that time. */
  const at = (ms: number, act: (bar: Bar) => void): string => {
    now = ms;
    written = '';
    act(bar);
    return written;
  };
  const show = (ms: number, done: number) =>
    at(ms, (one) => {
      one.show(done);
    });
  return { at, show, write: context.writeErr };
}

test('a bar comes with work that takes its time, moves ten times a second, and goes without a trace', (t) => {
  const { at, show, write } = barFor(true);
  t.is(show(600, 10), '', 'soon done');
  t.is(show(700, 50), `\r${'█'.repeat(15)}${'░'.repeat(15)}  50 %`);
  t.is(show(750, 60), '');
  t.is(show(800, 100), `\r${'█'.repeat(30)} 100 %`);
  const lines = at(810, (bar) => {
    bar.above(() => {
      write('line 7, ada: paired\n');
    });
  });
  t.regex(lines, /^\r {38}\rline 7, ada: paired\n\r█{30} 100 %$/);
  t.is(
    at(900, (bar) => {
      bar.clear();
    }),
    `\r${' '.repeat(38)}\r`,
  );
});

test('no bar in a pipe, for nothing, or of more than there is', (t) => {
  t.is(barFor(false).show(900, 50), '');
  t.is(barFor(true, 0).show(900, 0), '');
  t.regex(barFor(true).show(900, 300), /█{30} 100 %$/);
});
