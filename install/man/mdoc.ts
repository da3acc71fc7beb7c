// mdoc(7) words: escapes text for man pages and writes lists. It knows nothing of what the pages say.

/** Text in which nothing is a macro or an escape. */
export function plain(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll('’', "'")
    .split('\n')
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n');
}

/** Running text: a sentence a line, as mdoc wants it. */
export function prose(text: string): string {
  return plain(text.replace(/\s+/g, ' ').trim()).replace(/([.!?]) (?=[A-Z"<*])/g, '$1\n');
}

/** A block that is shown as it is. */
export function literal(lines: readonly string[]): string {
  return ['.Bd -literal -offset indent', ...lines.map(plain), '.Ed'].join('\n');
}

/** `.Bl -tag`: terms and what they mean. */
export function tagged(items: readonly (readonly [term: string, meaning: string])[]): string {
  const entries = items.map(([term, meaning]) => `.It Sy ${plain(term)}\n${prose(meaning)}`);
  return ['.Bl -tag -width Ds', ...entries, '.El'].join('\n');
}

const WIDTH = 78;

/** Breaks long lines of running text, outside of literal blocks and macros, at spaces. */
export function folded(text: string): string {
  let isLiteral = false;
  return text
    .split('\n')
    .flatMap((line) => {
      if (line.startsWith('.Bd')) isLiteral = true;
      if (line.startsWith('.Ed')) isLiteral = false;
      if (isLiteral || line.startsWith('.') || line.length <= WIDTH) return [line];
      const lines = [''];
      for (const word of line.split(' ')) {
        const last = lines.at(-1) ?? '';
        if (last !== '' && last.length + 1 + word.length > WIDTH) lines.push(word);
        else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
      }
      return lines;
    })
    .join('\n');
}

/** A whole page. `date` as `November 24, 2026`. */
export function page(head: {
  readonly date: string;
  readonly name: string;
  readonly section: number;
  readonly about: string;
  readonly body: string;
}): string {
  const { date, name, section, about, body } = head;
  return `.\\" Made by install/man; change it there.
.Dd ${date}
.Dt ${name.toUpperCase()} ${section}
.Os
.Sh NAME
.Nm ${name}
.Nd ${plain(about)}
${folded(body.trim().replace(/\n{2,}/g, '\n'))}
`;
}
