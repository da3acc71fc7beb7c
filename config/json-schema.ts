// The table of settings as a JSON schema (draft 2020-12), for editors and deployment tools. Made from the same
// valibot schemas that check the file; what JSON schema cannot say (contradictions, rules) the loader still checks.

import type { Setting } from '../policy/settings/setting.ts';
import { settings } from '../policy/settings/settings.ts';

type Json = Readonly<Record<string, unknown>>;

/** The parts of valibot's schemas that are used here (valibot keeps them as plain objects). */
interface Part {
  readonly type: string;
  readonly kind?: string;
  readonly pipe?: readonly Part[];
  readonly item?: Part;
  readonly options?: readonly (string | number)[] | readonly Part[];
  readonly entries?: Readonly<Record<string, Part>>;
  readonly wrapped?: Part;
  readonly requirement?: unknown;
}

/** What a check of a pipe adds; checks that JSON schema has no word for add nothing. */
function limitOf(part: Part): Json {
  const { requirement } = part;
  switch (part.type) {
    case 'integer':
      return { type: 'integer' };
    case 'min_value':
      return { minimum: requirement };
    case 'max_value':
      return { maximum: requirement };
    case 'regex':
      return { pattern: (requirement as RegExp).source };
    default:
      return {};
  }
}

function typeOf(part: Part): Json {
  switch (part.type) {
    case 'boolean':
    case 'number':
    case 'string':
      return { type: part.type };
    case 'array':
      return { type: 'array', items: part.item === undefined ? {} : schemaOf(part.item) };
    case 'picklist':
      return { enum: [...(part.options ?? [])] };
    case 'union':
      return { anyOf: (part.options as readonly Part[]).map(schemaOf) };
    case 'optional':
      return part.wrapped === undefined ? {} : schemaOf(part.wrapped);
    case 'strict_object': {
      const entries = Object.entries(part.entries ?? {});
      return {
        type: 'object',
        additionalProperties: false,
        required: entries.filter(([, { type }]) => type !== 'optional').map(([key]) => key),
        properties: Object.fromEntries(entries.map(([key, entry]) => [key, schemaOf(entry)])),
      };
    }
    default:
      throw new TypeError(`no JSON schema for ${part.type}`);
  }
}

function schemaOf(part: Part): Json {
  const checks = (part.pipe ?? []).slice(1);
  // After a transformation the checks are about another text than the file has.
  const transformed = checks.findIndex(({ kind }) => kind === 'transformation');
  const before = transformed === -1 ? checks : checks.slice(0, transformed);
  const limits = before.map(limitOf);
  const length = before.find(({ type }) => type === 'max_length');
  const isList = part.type === 'array';
  return Object.assign(
    {},
    typeOf(part),
    ...limits,
    length === undefined ? {} : { [isList ? 'maxItems' : 'maxLength']: length.requirement },
  ) as Json;
}

function property({ schema, meaning, unit, default: value }: Setting): Json {
  const description = unit === undefined ? meaning : `${meaning} Unit: ${unit}.`;
  return { ...schemaOf(schema), default: value, description };
}

/** The schema of scauth.toml, read as JSON. */
export function jsonSchema(): Json {
  const tables = Object.entries(settings).map(([table, keys]) => [
    table,
    {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(
        Object.entries<Setting>(keys).map(([key, setting]) => [key, property(setting)]),
      ),
    },
  ]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'scauth.toml',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(tables) as Json,
  };
}
