// The names of install/ldap/scauth.schema, and what is asked for with them.

import {
  AndFilter,
  EqualityFilter,
  GreaterThanEqualsFilter,
  OrFilter,
  PresenceFilter,
  type Filter,
} from 'ldapts';

/** The entry that has the book's heads and officers. */
export const BOOK = 'scauthBook';
export const HEAD = 'scauthBookHead';
export const OFFICER = 'scauthBookOfficer';
/** The auxiliary class of a person, with the hashes of their keys and the records as lines. */
export const PERSON = 'scauthPerson';
export const KEY_HASH = 'scauthKeyHash';
export const RECORD = 'scauthRecord';

/** A value goes into a filter as it is: it is no text that is parsed, so nothing in it is a star or a bracket. */
export function is(attribute: string, value: string): Filter {
  return new EqualityFilter({ attribute, value });
}

/** Each entry is of some class. */
export const any: Filter = new PresenceFilter({ attribute: 'objectClass' });

export function anyOf(attribute: string, values: readonly string[]): Filter {
  return new OrFilter({ filters: values.map((value) => is(attribute, value)) });
}

/** The book's entry, and those of people with these keys. */
export function bookOrKeys(keys: readonly string[]): Filter {
  return new OrFilter({ filters: [is('objectClass', BOOK), ...keys.map((key) => is(KEY_HASH, key))] });
}

export function since(csn: string): Filter {
  const later = new GreaterThanEqualsFilter({ attribute: 'entryCSN', value: csn });
  return new AndFilter({ filters: [is('objectClass', PERSON), later] });
}
