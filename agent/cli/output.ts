// Where words go: lines for people or one JSON document on standard output, notes and errors on standard error.
// Everything passes printable() here, so that no text of a card or of a peer reaches the terminal as it is.

import { printable } from '../base/errors.ts';
import { EXIT, type CommandError, type ExitCode, type FailureCode } from './exit-codes.ts';

/** Standard output and standard error. */
export interface Writers {
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
}

/** Longest line: a label, a hash and a user's name fit well. */
const MAX_LINE = 1000;
const MAX_LONG_LINE = 8000;

/** Makes text of several lines safe, line by line; tabs are ours and stay. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => tabbed(...line.split('\t')))
    .join('\n');
}

/** One line of fields with tabs in between; a tab inside a field cannot shift the others. */
export function tabbed(...fields: readonly string[]): string {
  return fields.map((field) => printable(field, MAX_LINE)).join('\t');
}

/** JSON that is also safe to look at on a terminal: what printable() would replace is written as \uXXXX. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) =>
    character === '\n'
      ? character
      : [...Array(character.length).keys()]
          .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
          .join(''),
  );
}

export class Output {
  /** Whether the caller wants one JSON document instead of lines. */
  readonly json: boolean;
  readonly #to: Writers;
  #exitCode: ExitCode = EXIT.ok;

  constructor(to: Writers, json: boolean) {
    this.#to = to;
    this.json = json;
  }

  /** The result: `lines` for people, `document` for scripts. Called once. */
  result(document: Readonly<Record<string, unknown>>, lines: readonly string[]): void {
    if (this.json) this.#to.writeOut(`${toJson(document)}\n`);
    else for (const line of lines) this.#to.writeOut(`${tabbed(...line.split('\t'))}\n`);
  }

  /** A result of one long line that a program reads again; it is made of printable ASCII. */
  long(document: Readonly<Record<string, unknown>>, line: string): void {
    if (this.json) this.#to.writeOut(`${toJson(document)}\n`);
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
