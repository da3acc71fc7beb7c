// How a --help text is laid out: each line within 80 columns, as terminals and man pages have them. The texts themselves
// are written as long as the sources' lines are. It changes where lines end and no word.

const COLUMNS = 80;
/** A line of a list: what it is about, a gap, what is said of it. */
const ITEM = /^( {2,}\S.*? {2,})(\S.*)$/;
/** What goes on with the item above it. */
const CONTINUED = /^ {6,}(\S.*)$/;
interface Paragraph {
  /** In front of its first line; the others are indented by `indent` blanks. */
  readonly head: string;
  readonly indent: number;
  text: string;
}

function fill({ head, indent, text }: Paragraph): string {
  const lines: string[] = [];
  let line = head;
  let empty = true;
  // A number stays with what it counts or stands for.
  for (const word of text.split(/(?<! \d{1,3}) /)) {
    if (!empty && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = ' '.repeat(indent);
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].join('\n');
}

/**
 * @param text as a command has it: the ways to call it up to the first empty line; then prose from the margin, lists and
 *   examples indented by two
 */
export function layOutHelp(text: string): string {
  const out: (Paragraph | string)[] = [];
  let calls = true;
  for (const line of text.split('\n')) {
    const above = out.at(-1);
    const item = ITEM.exec(line);
    const continued = CONTINUED.exec(line);
    if (continued !== null && typeof above === 'object' && above.head !== '') {
      above.text += ` ${continued[1] ?? ''}`;
    } else if (item !== null) {
      const [, head = '', said = ''] = item;
      out.push({ head, indent: head.length, text: said });
    } else if (calls && /^\S/.test(line)) {
      out.push({ head: '', indent: 4, text: line });
    } else if (/^\S/.test(line)) {
      // A sentence that ends with its line is the author's end of line.
      if (typeof above === 'object' && above.head === '' && above.indent === 0 && !/[.:]$/.test(above.text))
        above.text += ` ${line}`;
      else out.push({ head: '', indent: 0, text: line });
    } else {
      calls &&= line !== '';
      out.push(line);
    }
  }
  return out.map((part) => (typeof part === 'string' ? part : fill(part))).join('\n');
}
