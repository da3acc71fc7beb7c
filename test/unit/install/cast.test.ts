// The demo's recording: what was shown, as an asciicast and as a picture, and nothing that a page could take for markup.

import test from 'ava';
import { Cast } from '../../../install/demo/cast.ts';

function recorded(...pieces: readonly string[]): Cast {
  const cast = new Cast();
  for (const piece of pieces) cast.write(piece);
  return cast;
}

test('an asciicast has a header and one event a piece, in time', (t) => {
  const cast = recorded('one\n');
  cast.pause();
  cast.write('two\r\n');
  const [header, ...events] = cast
    .toAsciicast('a title')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  t.like(header, { version: 2, width: 116, title: 'a title' });
  t.deepEqual(
    events.map((event) => (event as unknown[]).slice(1)),
    [
      ['o', 'one\r\n'],
      ['o', 'two\r\n'],
    ],
  );
  const [first = 0, second = 0] = events.map((event) => (event as number[])[0] ?? 0);
  t.true(second >= first + 1.5);
});

test('a picture shows lines without control sequences or markup, the long ones wrapped', (t) => {
  const cast = recorded('# About\r\n', 'ada$ sudo id\n\x1b[31m<b>&\x1b[0m\n', `${'x'.repeat(120)}\n`);
  t.deepEqual(cast.lines, ['# About', 'ada$ sudo id', '<b>&', 'x'.repeat(116), 'xxxx']);
  const svg = cast.toSvg('A <title>');
  t.regex(svg, /<text class="c"[^>]*># About<\/text>/);
  t.regex(svg, /<text class="p"[^>]*>ada\$ sudo id<\/text>/);
  t.regex(svg, />&lt;b&gt;&amp;<\/text>/);
  t.true(svg.includes('aria-label="A &lt;title&gt;"'));
});
