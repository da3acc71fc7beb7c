// [mapping]'s fields by name, and the format in which they stand. Pure.

/** macOS' names for the fields of a certificate in the spelling of scauth.toml. */
export const FIELD_NAMES = [
  'common_name',
  'email',
  'upn',
  'organizational_unit',
  'organizational_unit_2',
  'organizational_unit_3',
  'organization',
  'country',
  'serial',
  'issuer',
  'subject_key_id',
] as const;

export type FieldName = (typeof FIELD_NAMES)[number];

const FORMAT_PART = /\$\$|\$[1-9]|[^$]+/y;

/** The parts of a format: `$1` … `$9`, `$$`, text. null where a `$` stands for nothing. */
function formatParts(format: string): string[] | null {
  const parts: string[] = [];
  FORMAT_PART.lastIndex = 0;
  while (FORMAT_PART.lastIndex < format.length) {
    const found = FORMAT_PART.exec(format);
    if (found === null) return null;
    parts.push(found[0]);
  }
  return parts;
}

/** Whether a format names a field at least; one without would give every certificate the same account. */
export function isMappingFormat(format: string): boolean {
  return formatParts(format)?.some((part) => /^\$[1-9]$/.test(part)) === true;
}

/**
 * The text that the account's attribute must be equal to. Each part of the format is replaced once, by position, so
 * that a "$2" inside a field stays text.
 * @returns null when a field is missing or empty, or the format is none
 */
export function formatFields(format: string, values: readonly (string | null)[]): string | null {
  const parts = formatParts(format);
  if (parts === null || !isMappingFormat(format)) return null;
  const texts = parts.map((part) => {
    if (part === '$$') return '$';
    if (!part.startsWith('$')) return part;
    const value = values[Number(part.slice(1)) - 1] ?? null;
    return value === '' ? null : value;
  });
  return texts.includes(null) ? null : texts.join('');
}
