// A list of accounts and their keys, as spreadsheets and directories write it: RFC 4180, with what is seen in the wild (a
// byte order mark, CRLF, semicolons or tabs). A row that cannot be read is one row: no quote reaches over the end of its line.

import { toList as say } from '../../words/pair-list.ts';

/** No name with a path is longer; what is longer is another kind of file. */
const MAX_LINE_BYTES = 8192;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const SEPARATORS = [',', ';', '\t'] as const;
type Separator = (typeof SEPARATORS)[number];
const COLUMNS = ['user', 'hash', 'certificate'] as const;

/** A row before anything in it was believed. `line` counts from 1. */
export type CsvRow =
  | { readonly line: number; readonly problem: string; readonly user: string | null }
  | {
      readonly line: number;
      readonly problem: null;
      readonly user: string;
      readonly hash: string;
      readonly certificate: string;
    };

/** Which field is which; null: two fields, the account and its key. */
type Heading = Readonly<Record<(typeof COLUMNS)[number], number>> | null;

/** Outside of quotes. The first line decides for all. */
function separatorOf(line: string): Separator {
  const bare = line.replace(/"[^"]*"/g, '');
  const [first] = SEPARATORS.filter((one) => bare.includes(one)).sort(
    (one, other) => bare.indexOf(one) - bare.indexOf(other),
  );
  return first ?? ',';
}

/** @returns null for quotes that are not as they should be */
function fieldsOf(line: string, separator: Separator): string[] | null {
  const fields: string[] = [];
  for (let at = 0; at <= line.length;) {
    const quoted = /^ *"((?:[^"]|"")*)" */.exec(line.slice(at));
    const bare = quoted === null ? (line.slice(at).split(separator, 1)[0] ?? '') : null;
    if (bare?.includes('"') === true) return null;
    fields.push(bare?.trim() ?? (quoted?.[1] ?? '').replaceAll('""', '"'));
    at += (bare ?? quoted?.[0] ?? '').length;
    if (at < line.length && line[at] !== separator) return null;
    at += 1;
  }
  return fields;
}

/** null: no heading. A column that is there twice means neither. */
function headingOf(fields: readonly string[]): Heading {
  const names = fields.map((field) => field.toLowerCase());
  const at = (name: string): number =>
    names.indexOf(name) === names.lastIndexOf(name) ? names.indexOf(name) : -1;
  const heading = { user: at('user'), hash: at('hash'), certificate: at('certificate') };
  return heading.user >= 0 && (heading.hash >= 0 || heading.certificate >= 0) ? heading : null;
}

function textOf(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

const HASH = /^[0-9a-f:\s]{40,}$/i;

function rowOf(line: number, fields: readonly string[], heading: Heading): CsvRow {
  if (heading === null) {
    const [user = '', key = '', ...more] = fields;
    if (more.length > 0 || key === '') return { line, problem: say.twoFields, user: null };
    return {
      line,
      problem: null,
      user,
      ...(HASH.test(key) ? { hash: key, certificate: '' } : { hash: '', certificate: key }),
    };
  }
  const field = (name: (typeof COLUMNS)[number]): string => fields[heading[name]] ?? '';
  const [user, hash, certificate] = [field('user'), field('hash'), field('certificate')];
  if ((hash === '') === (certificate === '')) return { line, problem: say.oneKey, user };
  return { line, problem: null, user, hash, certificate };
}

/** Its rows one after the other; empty lines and the heading are none. */
export function* readCsv(file: Buffer): Generator<CsvRow> {
  const bytes = file.subarray(0, 3).equals(BOM) ? file.subarray(3) : file;
  let separator: Separator | null = null;
  let heading: Heading = null;
  for (let at = 0, line = 1; at < bytes.length; line += 1) {
    const next = bytes.indexOf(0x0a, at);
    const end = next === -1 ? bytes.length : next;
    const raw = bytes.subarray(at, end);
    at = end + 1;
    if (raw.length > MAX_LINE_BYTES) {
      yield { line, problem: say.longLine, user: null };
      continue;
    }
    const text = textOf(raw)?.replace(/\r$/, '');
    if (text === undefined) {
      yield { line, problem: say.notText, user: null };
      continue;
    }
    if (text.trim() === '') continue;
    const isFirst = separator === null;
    separator ??= separatorOf(text);
    const fields = fieldsOf(text, separator);
    if (fields === null) {
      yield { line, problem: say.quotes, user: null };
      continue;
    }
    if (isFirst && (heading = headingOf(fields)) !== null) continue;
    yield rowOf(line, fields, heading);
  }
}
