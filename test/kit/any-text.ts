// Any text of Unicode for fast-check. Its own string({ unit }) makes a table of all characters first, a second's work.

import fc from 'fast-check';

const character = fc.oneof(
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 0xff }) },
  fc.integer({ min: 0, max: 0xd7ff }),
  fc.integer({ min: 0xe000, max: 0x10_ffff }),
);

/** @param maxLength in characters */
export function anyText(maxLength: number): fc.Arbitrary<string> {
  return fc.array(character, { maxLength }).map((points) => String.fromCodePoint(...points));
}
