// What a setting is, and the words that values are made of. The settings themselves are in settings.ts and the files
// beside it; nothing here reads a file.

import * as v from 'valibot';

export interface Setting {
  readonly schema: v.GenericSchema;
  readonly default: boolean | number | string | readonly string[];
  readonly unit?: string;
  /** One or more sentences; a warning where a value can hurt. */
  readonly meaning: string;
}

export type SettingTable = Readonly<Record<string, Setting>>;

export const whole = (min: number, max: number) =>
  v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );

/** Text of a form. */
export const text = (form: RegExp, message: string) =>
  v.pipe(v.string('must be text'), v.regex(form, message));

/** A list of at most `most`. */
export const list = <S extends v.GenericSchema>(item: S, message: string, most: number, tooMany: string) =>
  v.pipe(v.array(item, message), v.maxLength(most, tooMany));

export const flag = v.boolean('must be true or false');

const serviceName = text(/^(\*|[A-Za-z0-9._-]{1,64})$/, 'must be a PAM service name, or "*" alone');

export const serviceList = v.pipe(
  v.array(serviceName, 'must be a list of service names'),
  v.check((list) => !list.includes('*') || list.length === 1, '"*" stands alone'),
);

/** One of a closed set of words. An unknown word is an error, never a weaker meaning. */
export function word<const W extends readonly string[]>(words: W) {
  return v.picklist(words, `must be one of ${words.map((known) => `"${known}"`).join(', ')}`);
}

/** One of a closed set of numbers. */
export function oneOf<const N extends readonly number[]>(numbers: N) {
  return v.picklist(numbers, `must be one of ${numbers.join(', ')}`);
}

const filePath = text(/^\/[^\0]{1,1000}$/, 'must be an absolute path');

/** Files that root alone can write; they are read when the configuration is. */
export const fileList = list(filePath, 'must be a list of absolute paths', 64, 'must name at most 64 files');

/** SHA-256 as openssl prints it (with colons) or plain; upper-case hex digits afterwards. */
export const fingerprint = v.pipe(
  v.string('must be text'),
  v.transform((text) => text.replace(/[\s:]/g, '').toUpperCase()),
  v.regex(/^[0-9A-F]{64}$/, 'must be a SHA-256 fingerprint of 64 hexadecimal digits'),
);

const NAME = /^[A-Za-z0-9_.][A-Za-z0-9_.@$-]{0,255}$/;

/** A name of an account or group, or nothing. */
export const accountName = v.pipe(
  v.string('must be text'),
  v.check((text) => text === '' || NAME.test(text), 'must be the name of a group'),
);

export const groupList = list(
  text(NAME, 'must be the name of a group'),
  'must be a list of groups',
  16,
  'must name at most 16 groups',
);

/** The schema of a table: strict, so that a key that is not in it is an error, and each key has its default. */
export function tableSchema(table: SettingTable): v.GenericSchema {
  const keys = Object.entries(table).map(([key, setting]) => [
    key,
    v.optional(setting.schema, setting.default),
  ]);
  return v.optional(v.strictObject(Object.fromEntries(keys) as v.ObjectEntries), {});
}
