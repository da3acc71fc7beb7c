// Where words go: lines for people or one JSON document on standard output, notes and errors on standard error.
// Everything passes printable() here, so that no text of a card or of a peer reaches the terminal as it is.

import { printable } from '../../base/errors.ts';
import { EXIT, type CommandError, type ExitCode, type FailureCode } from '../exit-codes.ts';
import { renderLine, tabbed, type Line, type Screen } from './style.ts';

/** Standard output and standard error. */
export interface Writers {
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
  /** The terminal that standard output is. Absent: it is none. */
  readonly screen?: Screen;
}

/** A line that a program reads again: an anchor with an RSA-4096 signature has 1,900 characters. */
const MAX_LONG_LINE = 8000;

/** Makes text of several lines safe, line by line; tabs are ours and stay. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => tabbed(...line.split('\t')))
    .join('\n');
}

/** What printable() would replace, but for the ends of lines, as \uXXXX: JSON stays the same, and a terminal obeys none of it. */
export function escaped(json: string): string {
  if (!/[^ -~\n]/.test(json)) return json;
  return json.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

function toJson(value: unknown): string {
  return escaped(JSON.stringify(value, null, 2));
}

export class Output {
  /** Whether the caller wants one JSON document instead of lines. */
  readonly json: boolean;
  /** null: lines go into a pipe. */
  readonly screen: Screen | null;
  readonly #to: Writers;
  #exitCode: ExitCode = EXIT.ok;

  constructor(to: Writers, json: boolean) {
    this.#to = to;
    this.json = json;
    this.screen = to.screen ?? null;
  }

  /** The result: `lines` for people, `document` for scripts. Called once. */
  result(document: Readonly<Record<string, unknown>>, lines: readonly Line[]): void {
    if (this.json) this.document(document);
    else this.lines(lines);
  }

  /**
   * A result that is one list, written as it comes: `parts` of it, each with its lines; last what `end` says of the whole.
   * With --json the document has the list first. Called once.
   */
  async list<T extends object>(
    name: string,
    parts: AsyncIterable<readonly T[]>,
    linesOf: (part: readonly T[]) => readonly Line[],
    end: () => { readonly document?: Readonly<Record<string, unknown>>; readonly lines?: readonly Line[] },
  ): Promise<void> {
    const indent = (text: string): string => text.replaceAll('\n', '\n    ');
    let written = 0;
    for await (const part of parts) {
      if (!this.json) this.lines(linesOf(part));
      else
        for (const item of part) {
          this.#to.writeOut(`${written === 0 ? `{\n  "${name}": [` : ','}\n    ${indent(toJson(item))}`);
          written += 1;
        }
    }
    const { document = {}, lines = [] } = end();
    if (!this.json) this.lines(lines);
    else if (written === 0) this.document({ [name]: [], ...document });
    else {
      const rest = toJson(document).slice(1, -1).trimEnd();
      this.#to.writeOut(`\n  ]${rest === '' ? '' : `,${rest}`}\n}\n`);
    }
  }

  /** Lines before the result. */
  lines(lines: readonly Line[]): void {
    for (const line of lines) this.#to.writeOut(`${renderLine(line, this.screen)}\n`);
  }

  /** The result as JSON, whatever was said on the command line. */
  document(document: Readonly<Record<string, unknown>>): void {
    this.#to.writeOut(`${toJson(document)}\n`);
  }

  /** A result of one long line that a program reads again; it is made of printable ASCII. */
  long(document: Readonly<Record<string, unknown>>, line: string): void {
    if (this.json) this.document(document);
    else this.#to.writeOut(`${printable(line, MAX_LONG_LINE)}\n`);
  }

  /** The result is there, and it is bad news: the run ends with this code. */
  failed(exitCode: FailureCode = EXIT.failure): void {
    this.#exitCode = exitCode;
  }

  /** Of a run that threw nothing. */
  get exitCode(): ExitCode {
    return this.#exitCode;
  }

  /** A remark that is no result: standard error, also with --json. */
  note(text: string): void {
    this.#to.writeErr(`${printableLines(text)}\n`);
  }

  /** A failure: standard error, or the JSON document {error, message, triesLeft}. */
  failure(error: Pick<CommandError, 'code' | 'message' | 'triesLeft'>): void {
    const { code, message, triesLeft } = error;
    if (this.json) this.#to.writeOut(`${toJson({ error: code, message, triesLeft })}\n`);
    else this.note(message);
  }
}
