// The part of ES|QL, KQL and SPL that the queries of install/siem use, run over records: conditions of fields and values,
// expansion of lists, and a count of distinct values by group and window of ten minutes. Anything else is refused.
// What the languages make of a field with several values differs, and is kept: SPL takes any, ES|QL takes none (a null with a
// warning; MV_EXPAND takes each), KQL compares the list itself.

import { valuesAt } from './sigma.ts';

type Members = Readonly<Record<string, unknown>>;

export type QueryLanguage = 'esql' | 'kql' | 'spl';

/** One row: the document, and what the query has named. */
interface Row {
  readonly document: Members;
  readonly named: ReadonlyMap<string, unknown>;
}

const WINDOW_MS = 600_000;
function timeOf({ document }: Row): number {
  const { time } = document;
  return typeof time === 'number' ? time : Date.parse(String(document['@timestamp']));
}

/** The values that a comparison sees; null: none, whatever is compared. */
function valuesOf(row: Row, field: string, language: QueryLanguage): readonly unknown[] | null {
  const path = field
    .replaceAll('{}', '')
    .replace(/^tostring\((.*)\)$/, '$1')
    .split('.');
  const [head = '', ...rest] = path;
  if (row.named.has(field)) return [row.named.get(field)];
  if (language === 'kql') {
    if (!row.named.has(head)) throw new Error(`${field}: no such column`);
    let value: unknown = row.named.get(head);
    for (const name of rest) value = (value as Members | undefined)?.[name];
    return value === undefined ? null : [value];
  }
  const values = valuesAt(row.document, path);
  return values.length === 0 || (language === 'esql' && values.length > 1) ? null : values;
}

type Condition = (row: Row) => boolean;

/** @throws Error for what is not known here */
function conditionOf(text: string, language: QueryLanguage): Condition {
  const token = /"[^"]*"|tostring\([\w.]+\)|[\w@.{}]+|[!=]=|>=|[=(),]/g;
  const tokens = text.match(token) ?? [];
  if (text.replaceAll(token, '').trim() !== '') throw new Error(`not understood: ${text}`);
  let at = 0;
  const next = (): string => tokens[at++] ?? '';
  const unquoted = (one: string): string => one.replaceAll('"', '');
  // Only SPL writes names in quotes, and sets its conditions side by side.
  const isAnd = (): boolean => /^and$/i.test(tokens[at] ?? '');
  const unit = (): Condition => {
    const first = next();
    if (language === 'spl' && first === 'NOT') {
      const inner = unit();
      return (row) => !inner(row);
    }
    const field = language === 'spl' ? unquoted(first) : first;
    const operator = next().toLowerCase();
    if (operator === 'in') {
      const wanted: string[] = [];
      if (next() !== '(') throw new Error(`( is missing: ${text}`);
      do wanted.push(unquoted(next()));
      while (next() === ',');
      return (row) => valuesOf(row, field, language)?.some((one) => wanted.includes(String(one))) ?? false;
    }
    const value = next();
    if (operator === '>=') {
      const least = Number(value);
      return (row) => valuesOf(row, field, language)?.some((one) => Number(one) >= least) ?? false;
    }
    if (!value.startsWith('"')) throw new Error(`no text behind ${operator}: ${text}`);
    const equals = language === 'spl' ? '=' : '==';
    if (operator !== equals && operator !== '!=') throw new Error(`${operator}: ${text}`);
    const same = operator === equals;
    const wanted = unquoted(value);
    return (row) => valuesOf(row, field, language)?.some((one) => (one === wanted) === same) ?? false;
  };
  const all = [unit()];
  while (at < tokens.length) {
    if (isAnd()) at += 1;
    else if (language !== 'spl') throw new Error(`not understood from ${tokens[at] ?? ''}: ${text}`);
    all.push(unit());
  }
  return (row) => all.every((one) => one(row));
}

const COUNTS: Readonly<Record<QueryLanguage, RegExp>> = {
  esql: /^STATS (\w+) = COUNT_DISTINCT\(([\w.]+)\), .* BY ([\w.]+), \w+ = BUCKET\(@timestamp, 10 minutes\)$/,
  kql: /^summarize (\w+) = dcount\((tostring\([\w.]+\))\) by \w+ = (tostring\([\w.]+\)), bin\(TimeGenerated, 10m\)$/,
  spl: /^stats dc\("([\w.]+)"\) AS (\w+), .* BY "([\w.]+)", _time$/,
};

function counted(rows: readonly Row[], stage: string, language: QueryLanguage): Row[] {
  const [, one = '', other = '', by = ''] = COUNTS[language].exec(stage) ?? [];
  if (by === '') throw new Error(`not understood: ${stage}`);
  const [name, field] = language === 'spl' ? [other, one] : [one, other];
  const groups = new Map<string, Set<unknown>>();
  for (const row of rows) {
    const key = JSON.stringify([valuesOf(row, by, language), Math.floor(timeOf(row) / WINDOW_MS)]);
    const seen = groups.get(key) ?? new Set();
    groups.set(key, seen);
    for (const value of valuesOf(row, field, language) ?? []) seen.add(value);
  }
  return [...groups.values()].map((seen) => ({ document: {}, named: new Map([[name, seen.size]]) }));
}

function expanded(rows: readonly Row[], name: string, field: string, language: QueryLanguage): Row[] {
  return rows.flatMap((row) => {
    const path = field.split('.');
    const values =
      language === 'kql'
        ? ((valuesOf(row, field, language)?.[0] ?? []) as unknown[])
        : valuesAt(row.document, path);
    return values.map((value) => ({ ...row, named: new Map([...row.named, [name, value]]) }));
  });
}

function afterStage(rows: readonly Row[], stage: string, language: QueryLanguage): Row[] {
  const [, word = '', rest = ''] = /^([\w-]+)\s+([^]*)$/.exec(stage) ?? [];
  switch (word.toLowerCase()) {
    case 'where':
      return rows.filter(conditionOf(rest, language));
    case 'keep':
    case 'table':
    case 'project':
      return [...rows];
    case 'stats':
    case 'summarize':
      return counted(rows, stage, language);
    case 'bin':
      if (rest !== '_time span=10m') throw new Error(`not understood: ${stage}`);
      return [...rows];
    case 'extend': {
      if (rest !== 'r = parse_json(RawData)') throw new Error(`not understood: ${stage}`);
      return rows.map((row) => ({ ...row, named: new Map([['r', row.document]]) }));
    }
    case 'mv_expand':
      return expanded(rows, rest, rest, language);
    case 'mv-expand': {
      const [, name = '', field = ''] = /^mv-expand (\w+) = ([\w.]+)$/.exec(stage) ?? [];
      if (field === '') throw new Error(`not understood: ${stage}`);
      return expanded(rows, name, field, language);
    }
    default:
      throw new Error(`not understood: ${stage}`);
  }
}

/** How many rows a query has over these documents. @throws Error for what is not known here */
export function rowsOf(query: string, language: QueryLanguage, documents: readonly Members[]): number {
  const [source = '', ...stages] = query.trim().split(/\n\s*\| /);
  let rows: Row[] = documents.map((document) => ({ document, named: new Map() }));
  if (language === 'spl')
    rows = rows.filter(conditionOf(source.replace('sourcetype="scauth:audit"', '').trim(), language));
  else if (!/^(FROM logs-scauth\.audit-\*|Scauth_CL)$/.test(source)) throw new Error(`no source: ${source}`);
  for (const stage of stages) rows = afterStage(rows, stage.trim(), language);
  return rows.length;
}
