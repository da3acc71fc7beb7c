// POSIX extended regular expressions (regex(7)) as JavaScript's. What has another meaning there, or none, is refused:
// a rule must not match more than its author thinks.

const CLASSES: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '!-\\/:-@\\[-`{-~',
  space: ' \\t\\n\\r\\f\\v',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};

/** @returns the JavaScript bracket and the index behind the closing `]` */
function bracket(text: string, start: number): [bracket: string, end: number] {
  let at = start + 1;
  let out = '[';
  if (text[at] === '^') {
    out += '^';
    at += 1;
  }
  for (let first = true; ; first = false) {
    const character = text[at];
    if (character === undefined) throw new SyntaxError('a bracket is not closed');
    if (character === ']' && !first) return [`${out}]`, at + 1];
    const named = /^\[:([a-z]+):\]/.exec(text.slice(at));
    if (named !== null) {
      const members = CLASSES[named[1] ?? ''];
      if (members === undefined) throw new SyntaxError(`${named[0]} is no character class`);
      out += members;
      at += named[0].length;
      continue;
    }
    if (/^\[[.=]/.test(text.slice(at))) throw new SyntaxError('collating elements are not supported');
    // A backslash is an ordinary character here; `-` keeps its meaning of a range.
    out += /[\\[\]^{}()|/.*+?$&]/.test(character) ? `\\${character}` : character;
    at += 1;
  }
}

function escaped(character: string | undefined): string {
  if (character === undefined) throw new SyntaxError('a backslash at the end');
  if (/[0-9]/.test(character)) throw new SyntaxError('back references are not supported');
  // GNU's word and space escapes mean the same in both; any other letter stands for itself.
  if (/[bBwWsS]/.test(character)) return `\\${character}`;
  return /[\^$\\.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

/** @throws SyntaxError */
export function posixPattern(text: string): RegExp {
  let out = '';
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? '';
    if (character === '[') {
      const [part, end] = bracket(text, at);
      out += part;
      at = end;
      continue;
    }
    if (character === '\\') {
      out += escaped(text[at + 1]);
      at += 2;
      continue;
    }
    if (character === '(' && text[at + 1] === '?') throw new SyntaxError('(? has no meaning');
    out += character === ']' || character === '/' ? `\\${character}` : character;
    at += 1;
  }
  return new RegExp(out, 'us');
}
