// How wide a text is on a terminal.

/** Printable ASCII: a place for each character. */
const PLAIN = /^[ -~]*$/;
let graphemes: Intl.Segmenter | null = null;

/** What stands together on the screen. */
export function places(text: string): string[] {
  if (PLAIN.test(text)) return Array.from(text);
  graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** East Asian wide characters and pictures (UAX #11), as far as names have them: two columns each. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns that a text takes. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  return places(text).reduce((sum, place) => sum + (WIDE.test(place) ? 2 : 1), 0);
}
