// Looks of words, and tables: on a terminal only. What is written into a pipe is the same words without either, fields
// with tabs in between. Texts are made printable here, before anything of ours is put around them.

import { columnsOf, places } from '../../base/columns.ts';
import { printable } from '../../base/errors.ts';
import { util } from '../../base/node-util.ts';

/** Longest piece of a line: a label, a hash and a user's name fit well. */
const MAX_PIECE = 1000;
/** A column that gives way keeps so much. */
const LEAST_WIDTH = 12;

/** The terminal that standard output is. */
export interface Screen {
  readonly columns: number;
  /** false where NO_COLOR or the kind of terminal says so. */
  readonly colour: boolean;
}

const LOOKS = { heading: 'bold', good: 'green', bad: 'red', warning: 'yellow', quiet: 'dim' } as const;
export type Look = keyof typeof LOOKS;

export interface Styled {
  readonly look: Look;
  readonly text: string;
}
export type Piece = string | Styled;
/** A line as it is, or in pieces. */
export type Line = string | readonly Piece[];

export function styled(look: Look, text: string): Styled {
  return { look, text };
}

/** One line of fields with tabs in between; a tab inside a field cannot shift the others. */
export function tabbed(...fields: readonly string[]): string {
  return fields.map((field) => printable(field, MAX_PIECE)).join('\t');
}

function textOf(piece: Piece): string {
  return typeof piece === 'string' ? piece : piece.text;
}

function rendered(piece: Piece, colour: boolean): string {
  if (typeof piece === 'string') return tabbed(...piece.split('\t'));
  const safe = printable(piece.text, MAX_PIECE);
  // Whether the stream has colours is known already (Screen), and is not asked of process.stdout again.
  return colour ? util.styleText(LOOKS[piece.look], safe, { validateStream: false }) : safe;
}

/** A line without its end. @param screen null: a pipe */
export function renderLine(line: Line, screen: Screen | null): string {
  const pieces = typeof line === 'string' ? [line] : line;
  return pieces.map((piece) => rendered(piece, screen?.colour === true)).join('');
}

export interface Column {
  readonly title: string;
  /** Is cut where the table is wider than the screen; others are not: ids are copied from there. */
  readonly givesWay?: boolean;
}

/** In lines of at most `width` columns, broken at blanks, and within a word that is longer. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').filter((one) => one !== '')) {
    if (line !== '' && columnsOf(`${line} ${word}`) <= width) {
      line += ` ${word}`;
      continue;
    }
    if (line !== '') lines.push(line);
    line = '';
    for (const place of places(word)) {
      if (line !== '' && columnsOf(line + place) > width) {
        lines.push(line);
        line = '';
      }
      line += place;
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** A text with less room beside its head goes below it. */
const LEAST_ROOM = 30;

/** `text` behind `head`; on a terminal its further lines begin where it began. In a pipe it is one line. */
export function hung(screen: Screen | null, head: readonly Piece[], text: string): Line[] {
  if (screen === null) return [[...head, text]];
  const start = columnsOf(head.map(textOf).join(''));
  const isBeside = screen.columns - start >= LEAST_ROOM;
  const indent = isBeside ? start : 4;
  const lines = wrapped(text, screen.columns - indent).map((line) => ' '.repeat(indent) + line);
  if (!isBeside) return [head, ...lines];
  return [[...head, (lines[0] ?? '').trimStart()], ...lines.slice(1)];
}

/** At most so many columns. */
export function cut(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  let short = '';
  for (const place of places(text)) {
    if (columnsOf(short + place) >= width) break;
    short += place;
  }
  return `${short}…`;
}

function widthsOf(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  screen: Screen,
): number[] | null {
  const widths = columns.map(({ title }, at) =>
    Math.max(columnsOf(title), ...rows.map((row) => columnsOf(row[at] ?? ''))),
  );
  let over = widths.reduce((sum, width) => sum + width + 2, -2) - screen.columns;
  columns.forEach(({ givesWay }, at) => {
    const width = widths[at] ?? 0;
    if (givesWay !== true || over <= 0) return;
    const less = Math.min(over, Math.max(0, width - LEAST_WIDTH));
    widths[at] = width - less;
    over -= less;
  });
  return over > 0 ? null : widths;
}

/** Each row as a record: what no table of this width can hold. */
function records(columns: readonly Column[], rows: readonly (readonly Piece[])[]): Line[] {
  return rows.flatMap(([first = '', ...others]) => [
    [styled('heading', textOf(first))],
    ...others.map((piece, at) => [styled('quiet', `  ${columns[at + 1]?.title ?? ''}: `), piece]),
  ]);
}

/**
 * Rows under their titles on a terminal, or as records where it is too narrow; in a pipe the rows alone, fields with
 * tabs in between.
 */
export function table(
  screen: Screen | null,
  columns: readonly Column[],
  rows: readonly (readonly Piece[])[],
): Line[] {
  if (screen === null) return rows.map((row) => tabbed(...row.map(textOf)));
  if (rows.length === 0) return [];
  const safe = rows.map((row) => row.map((piece) => printable(textOf(piece), MAX_PIECE)));
  const widths = widthsOf(columns, safe, screen);
  if (widths === null) return records(columns, rows);
  const padded = (text: string, at: number): string => {
    const width = widths[at] ?? 0;
    const short = cut(text, width);
    return at === columns.length - 1 ? short : `${short}${' '.repeat(width - columnsOf(short) + 2)}`;
  };
  return [
    columns.map(({ title }, at) => styled('heading', padded(title, at))),
    ...rows.map((row, index) =>
      row.map((piece, at) => {
        const text = padded(safe[index]?.[at] ?? '', at);
        return typeof piece === 'string' ? text : styled(piece.look, text);
      }),
    ),
  ];
}
