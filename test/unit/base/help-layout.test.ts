// The layout of --help: where lines end, and no word less.
import fc from 'fast-check';
import test from 'ava';
import { layOutHelp } from '../../../agent/base/help-layout.ts';

const LONG = 'word '.repeat(30).trimEnd();

test('prose is filled, items keep their column, examples stay', (t) => {
  const text = `sc_auth x [-v]

Does what x does, and that takes a line of the sources which is longer than the screen of
those who read it.
A new sentence on a line of its own.

  -v, --verbose  says more than it would say without this, which is a good deal more
                 than anybody reads
  on             ${'x'.repeat(90)}

Examples:
  sc_auth x --with-a-long-option ${'y'.repeat(80)}
Exit codes: 0 done; 1 failed, as all of them may fail that are waited for here; 2 wrong usage.
`;
  t.is(
    layOutHelp(text),
    `sc_auth x [-v]

Does what x does, and that takes a line of the sources which is longer than the
screen of those who read it.
A new sentence on a line of its own.

  -v, --verbose  says more than it would say without this, which is a good deal
                 more than anybody reads
  on             ${'x'.repeat(90)}

Examples:
  sc_auth x --with-a-long-option ${'y'.repeat(80)}
Exit codes: 0 done; 1 failed, as all of them may fail that are waited for here;
2 wrong usage.
`,
  );
});

test('a way to call it that is too long goes on indented', (t) => {
  t.true(layOutHelp(`sc_auth x ${LONG}\n`).startsWith('sc_auth x word'));
  t.regex(layOutHelp(`sc_auth x ${LONG}\nsc_auth y\n`), /\n {4}word[^]*\nsc_auth y\n$/);
});

test('no word goes, comes or changes its place', (t) => {
  const line = fc.oneof(fc.constant(''), fc.string({ maxLength: 200 }), fc.constant(`  -x  ${LONG}`));
  const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      t.deepEqual(words(layOutHelp(lines.join('\n'))), words(lines.join('\n')));
    }),
  );
});
