// The part of Sigma (https://sigmahq.io/docs/basics/rules.html) that the rules of install/siem use: selections of field
// and value, conditions with and, or, not and parentheses, and correlations that count values. Anything else is refused.
// The YAML is read by PyYAML.

import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';

type Members = Readonly<Record<string, unknown>>;
type Selection = Readonly<Record<string, unknown>>;

export interface SigmaRule extends Members {
  readonly title: string;
  readonly name?: string;
  readonly detection?: Readonly<Record<string, Selection | string>>;
  readonly correlation?: {
    readonly type: string;
    readonly rules: readonly string[];
    readonly 'group-by': readonly string[];
    readonly timespan: string;
    readonly condition: Readonly<Record<string, string | number>>;
  };
}

const READ = `
import json, sys, yaml
json.dump([list(yaml.safe_load_all(open(path))) for path in sys.argv[1:]], sys.stdout, default=str)`;

/** The documents of each file, by the file's name. */
export function readSigma(files: readonly string[]): Map<string, readonly SigmaRule[]> {
  const text = execFileSync('/usr/bin/python3', ['-c', READ, ...files], { encoding: 'utf8' });
  const documents = JSON.parse(text) as SigmaRule[][];
  return new Map(files.map((file, index) => [basename(file, '.yml'), documents[index] ?? []]));
}

/** Each value of a field; where an array is on the way, those of its members. */
export function valuesAt(record: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(record)) return record.flatMap((one) => valuesAt(one, path));
  const [name, ...rest] = path;
  if (name === undefined) return record === undefined ? [] : [record];
  if (typeof record !== 'object' || record === null) return [];
  return valuesAt((record as Members)[name], rest);
}

function selects(selection: Selection, record: Members): boolean {
  return Object.entries(selection).every(([field, wanted]) => {
    if (field.includes('|')) throw new Error(`${field}: no modifier is known here`);
    const values = valuesAt(record, field.split('.'));
    const any: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted];
    // Strings compare without case, and never equal a number.
    const same = (one: unknown, other: unknown): boolean =>
      typeof one === 'string' && typeof other === 'string'
        ? one.toLowerCase() === other.toLowerCase()
        : one === other;
    return any.some((one) => values.some((value) => same(one, value)));
  });
}

function holds(condition: string, truthOf: (name: string) => boolean): boolean {
  const words = condition.match(/[()]|[\w]+/g) ?? [];
  let at = 0;
  const next = (): string => words[at++] ?? '';
  const unit = (): boolean => {
    const word = next();
    if (word === 'not') return !unit();
    if (word !== '(') return truthOf(word);
    const inner = either();
    if (next() !== ')') throw new Error(`${condition}: ) is missing`);
    return inner;
  };
  const both = (): boolean => {
    let truth = unit();
    while (words[at] === 'and') {
      at += 1;
      truth = unit() && truth;
    }
    return truth;
  };
  const either = (): boolean => {
    let truth = both();
    while (words[at] === 'or') {
      at += 1;
      truth = both() || truth;
    }
    return truth;
  };
  const truth = either();
  if (at !== words.length) throw new Error(`${condition}: not understood from ${words[at] ?? ''}`);
  return truth;
}

/** The records that a rule with a detection takes. */
export function detected({ detection = {}, title }: SigmaRule, records: readonly Members[]): Members[] {
  const { condition, ...selections } = detection;
  if (typeof condition !== 'string') throw new Error(`${title}: no condition`);
  return records.filter((record) =>
    holds(condition, (name) => {
      const selection = selections[name];
      if (typeof selection !== 'object') throw new Error(`${title}: no selection ${name}`);
      return selects(selection, record);
    }),
  );
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function correlated({ correlation, title }: SigmaRule, records: readonly Members[]): boolean {
  const { type, timespan, condition, 'group-by': groupBy } = correlation ?? {};
  const { field, gte, ...rest } = condition ?? {};
  if (
    type !== 'value_count' ||
    typeof field !== 'string' ||
    typeof gte !== 'number' ||
    Object.keys(rest).length > 0
  )
    throw new Error(`${title}: only value_count with gte is known here`);
  const [, number = '', unit = ''] = /^(\d+)([smhd])$/.exec(timespan ?? '') ?? [];
  const spanMs = Number(number) * (UNITS[unit] ?? NaN);
  const groupOf = (record: Members): string =>
    JSON.stringify((groupBy ?? []).map((name) => valuesAt(record, name.split('.'))));
  return records.some((last) => {
    const until = Number(last['time']);
    const window = records.filter(
      (record) =>
        groupOf(record) === groupOf(last) &&
        Number(record['time']) <= until &&
        Number(record['time']) > until - spanMs,
    );
    return new Set(window.flatMap((record) => valuesAt(record, field.split('.')))).size >= gte;
  });
}

/** Whether the documents of one file raise their alert: a correlation stands for the rules that it counts. */
export function fires(rules: readonly SigmaRule[], records: readonly Members[]): boolean {
  const correlations = rules.filter(({ correlation }) => correlation !== undefined);
  if (correlations.length === 0) return rules.some((rule) => detected(rule, records).length > 0);
  return correlations.some((rule) => {
    const counted = rule.correlation?.rules.map((name) => rules.find((one) => one.name === name)) ?? [];
    const taken = counted.flatMap((one) => {
      if (one === undefined) throw new Error(`${rule.title}: a rule is not in its file`);
      return detected(one, records);
    });
    return correlated(rule, taken);
  });
}
