// Holds a record against the rules of OCSF (test/vectors/ocsf-1.6.0.json): required attributes, types, enumerations and
// their words, profiles, constraints. An attribute that the file does not have is a fault too.

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';

type Members = Readonly<Record<string, unknown>>;
type Words = Readonly<Record<string, string>>;

interface Rules {
  /** `integer required profile:host text:activity_name` */
  readonly attributes: Words;
  readonly at_least_one?: readonly string[];
  readonly enumerations?: Readonly<Record<string, Words>>;
}

interface Schema {
  readonly version: string;
  readonly enumerations: Readonly<Record<string, Words>>;
  readonly classes: Readonly<Record<string, Rules>>;
  readonly objects: Readonly<Record<string, Rules>>;
}

const file = join(import.meta.dirname, '../../vectors/ocsf-1.6.0.json');
export const ocsfSchema = JSON.parse(readFileSync(file, 'utf8')) as Schema;

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const SCALARS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  username: (value) => typeof value === 'string',
  process_name: (value) => typeof value === 'string',
  hostname: (value) => typeof value === 'string' && value !== '' && isIP(value) === 0,
  ip: (value) => typeof value === 'string' && isIP(value) !== 0,
  integer: (value) => Number.isInteger(value),
  long: (value) => Number.isSafeInteger(value),
  timestamp: (value) => Number.isSafeInteger(value),
  boolean: (value) => typeof value === 'boolean',
  object: isObject,
  json: (value) => value !== undefined,
};

class Check {
  readonly faults: string[] = [];
  readonly #profiles: readonly unknown[];

  constructor(record: Members) {
    const { metadata } = record;
    const profiles = isObject(metadata) ? metadata['profiles'] : undefined;
    this.#profiles = Array.isArray(profiles) ? profiles : [];
  }

  object(value: Members, rules: Rules, path: string): void {
    for (const name of Object.keys(value))
      if (!Object.hasOwn(rules.attributes, name)) this.faults.push(`${path}${name}: no attribute`);
    const oneOf = rules.at_least_one ?? [];
    if (oneOf.length > 0 && !oneOf.some((name) => value[name] !== undefined))
      this.faults.push(`${path}: none of ${oneOf.join(', ')}`);
    for (const [name, rule] of Object.entries(rules.attributes)) {
      const [type = '', ...words] = rule.split(' ');
      const found = value[name];
      if (found === undefined) {
        if (words.includes('required')) this.faults.push(`${path}${name}: required`);
        continue;
      }
      const profile = words.find((word) => word.startsWith('profile:'))?.slice('profile:'.length);
      if (profile !== undefined && !this.#profiles.includes(profile))
        this.faults.push(`${path}${name}: only with the profile ${profile}`);
      this.#typed(found, type, path + name);
      const text = words.find((word) => word.startsWith('text:'))?.slice('text:'.length);
      const known = rules.enumerations?.[name] ?? ocsfSchema.enumerations[name];
      if (known !== undefined)
        this.#oneOf(found, known, text === undefined ? undefined : value[text], path + name);
    }
  }

  #typed(found: unknown, type: string, path: string): void {
    if (type.endsWith('[]')) {
      if (!Array.isArray(found)) this.faults.push(`${path}: no array`);
      else
        for (const [index, one] of found.entries()) this.#typed(one, type.slice(0, -2), `${path}[${index}]`);
      return;
    }
    const scalar = SCALARS[type];
    const rules = ocsfSchema.objects[type];
    if (scalar !== undefined) {
      if (!scalar(found)) this.faults.push(`${path}: no ${type}`);
    } else if (rules === undefined) this.faults.push(`${path}: ${type} is not in the rules`);
    else if (!isObject(found)) this.faults.push(`${path}: no object`);
    else this.object(found, rules, `${path}.`);
  }

  /** 99, Other, is said in the source's own words; every other number in the schema's. */
  #oneOf(found: unknown, known: Words, text: unknown, path: string): void {
    const caption = known[String(found)];
    if (caption === undefined) this.faults.push(`${path}: ${String(found)} is not in the enumeration`);
    else if (found === 99 && (typeof text !== 'string' || text === ''))
      this.faults.push(`${path}: 99 without words`);
    else if (found !== 99 && text !== undefined && text !== caption)
      this.faults.push(`${path}: ${String(found)} is ${caption}, not ${JSON.stringify(text)}`);
  }
}

/** @returns what is wrong with it; empty for a valid record */
export function ocsfFaults(record: Members): string[] {
  const rules = ocsfSchema.classes[String(record['class_uid'])];
  if (rules === undefined) return [`class_uid: ${String(record['class_uid'])} is not in the rules`];
  const check = new Check(record);
  check.object(record, rules, '');
  const { class_uid, category_uid, activity_id, type_uid, timezone_offset, metadata } = record;
  if (category_uid !== Math.trunc(Number(class_uid) / 1000))
    check.faults.push("category_uid: not the class's");
  if (type_uid !== Number(class_uid) * 100 + Number(activity_id))
    check.faults.push('type_uid: not of class and activity');
  if (timezone_offset !== undefined && Math.abs(Number(timezone_offset)) > 1080)
    check.faults.push('timezone_offset: no minutes of a time zone');
  if (isObject(metadata) && metadata['version'] !== ocsfSchema.version)
    check.faults.push('metadata.version: other rules');
  return check.faults;
}

/** @throws Error when the line is no valid record */
export function readOcsf(line: string): Members {
  const record = JSON.parse(line) as Members;
  const faults = ocsfFaults(record);
  if (faults.length > 0) throw new Error(`no valid OCSF: ${faults.join('; ')}: ${line}`);
  return record;
}
