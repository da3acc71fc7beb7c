// A pairing book as LDIF (RFC 2849), for ldapmodify(1): the book's entry gets its heads and officers, each person their
// keys' hashes and records (install/ldap/scauth.schema). Who may write there says the directory; what is written there is
// signed. People are entries that are there already.
// Each change says what shall be there, so the same file may be sent again. Why: DECISIONS.md D315.

import { AgentError } from '../../base/errors.ts';
import { parseRecordBody } from './book-body.ts';
import { parseBookLine } from './book.ts';

/** MODIFY that takes what is there already for done (Microsoft's, and OpenLDAP's). */
const PERMISSIVE = '1.2.840.113556.1.4.1413';

export interface LdifPlace {
  /** The entry of the book, of the class scauthBook. */
  readonly book: string;
  /** The entry below which the people are, and the attribute that names them there. */
  readonly people: string;
  readonly userAttribute: string;
  /** People have the class scauthPerson: for a server without the control by which it is added (389 Directory Server). */
  readonly haveClass?: boolean;
}

/** A value in a distinguished name: every character that is not plain as its bytes in hexadecimal (RFC 4514, 2.4). */
export function escapeDnValue(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/[^A-Za-z0-9._-]/g, (byte) => `\\${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** `NAME: value`, or with `::` and base64 for what LDIF cannot say as it is. */
function ldifLine(name: string, value: string): string {
  const isSafe = /^[!-9;=-~][ -~]*$/.test(value) && !value.endsWith(' ');
  return isSafe ? `${name}: ${value}` : `${name}:: ${Buffer.from(value).toString('base64')}`;
}

function replaced(attribute: string, values: Iterable<string>): string[] {
  return [`replace: ${attribute}`, ...[...values].map((value) => ldifLine(attribute, value)), '-'];
}

function modify(dn: string, control: readonly string[], ...changes: readonly string[]): string {
  return `${[ldifLine('dn', dn), ...control, 'changetype: modify', ...changes].join('\n')}\n`;
}

/**
 * @param lines of a book, in any order
 * @param gone people who are no more in it: theirs is taken away
 * @throws AgentError `malformed` for a line that is none of a book, or a record that cannot be read
 */
export function bookLdif(lines: Iterable<string>, place: LdifPlace, gone: readonly string[] = []): string {
  const heads = new Set<string>();
  const officers = new Set<string>();
  const people = new Map<string, { keys: Set<string>; records: Set<string> }>(
    gone.map((user) => [user, { keys: new Set(), records: new Set() }]),
  );
  for (const line of lines) {
    const item = parseBookLine(line);
    if (item === null) throw new AgentError('malformed', { detail: 'a line that is none of a book' });
    if (item.kind === 'head') heads.add(line);
    else if (item.kind === 'officer') officers.add(line);
    else {
      const { user } = parseRecordBody(item.body);
      const own = people.get(user) ?? { keys: new Set(), records: new Set() };
      people.set(user, own);
      own.keys.add(item.name.toLowerCase());
      own.records.add(line);
    }
  }
  const entries = [...people].sort(([one], [other]) => (one < other ? -1 : 1));
  const control = place.haveClass === true ? [] : [`control: ${PERMISSIVE} true`];
  const addClass = place.haveClass === true ? [] : ['add: objectClass', 'objectClass: scauthPerson', '-'];
  return [
    modify(
      place.book,
      control,
      ...replaced('scauthBookHead', heads),
      ...replaced('scauthBookOfficer', officers),
    ),
    ...entries.map(([user, { keys, records }]) =>
      modify(
        `${place.userAttribute}=${escapeDnValue(user)},${place.people}`,
        control,
        ...addClass,
        ...replaced('scauthKeyHash', keys),
        ...replaced('scauthRecord', records),
      ),
    ),
  ].join('\n');
}
