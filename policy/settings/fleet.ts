// The keys of [fleet]: where the pairing book comes from (scauth-fleet) and whom scauthd believes in it.

import * as v from 'valibot';
import { list, text, whole, word, type SettingTable } from './setting.ts';

const url = text(
  /^(ldaps?:\/\/(\[[0-9A-Fa-f:]{2,45}\]|[A-Za-z0-9.-]{1,253})(:\d{1,5})?\/?|file:\/\/\/[^\0?#]{0,1000})$/,
  'must be ldaps://HOST, ldap://HOST (with StartTLS, always) or file:///FOLDER',
);
const distinguishedName = v.pipe(
  v.string('must be text'),
  v.check((text) => text === '' || /^[^\0=]{1,64}=[^\0]{1,960}$/.test(text), 'must be a distinguished name'),
);
const person = text(
  /^(all|@?[A-Za-z0-9_.][A-Za-z0-9_.@$-]{0,255})$/,
  'must be "all", the name of an account, or @ and that of a group',
);
const attributeName = text(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'must be the name of an attribute');
const HASH = /^[0-9A-F]{64}$/;
const asHash = (text: string): string => text.replace(/[\s:]/g, '').toUpperCase();

/** SHA-256 of a key, or a file of the book's lines. */
const officer = v.pipe(
  v.string('must be text'),
  v.transform((text) => (text.startsWith('/') ? text : asHash(text))),
  v.check(
    (text) => HASH.test(text) || /^\/[^\0]{1,1000}$/.test(text),
    'must be an absolute path, or the SHA-256 of a key',
  ),
);
const keyHash = v.pipe(
  v.string('must be text'),
  v.transform(asHash),
  v.regex(HASH, 'must be the SHA-256 of a key, 64 hexadecimal digits'),
);

export const fleetSettings = {
  realm: {
    schema: text(
      /^([A-Za-z0-9][A-Za-z0-9._-]{0,99})?$/,
      'must be a name of letters, digits, ".", "_" and "-"',
    ),
    default: '',
    meaning: 'The fleet whose pairing book is taken, as its items name it. "" means none.',
  },
  officers: {
    schema: list(officer, 'must be a list', 64, 'must have at most 64 entries'),
    default: [],
    unit: 'files or SHA-256 of keys',
    meaning:
      'Who is believed: the officers’ lines in these files (which root alone can write), or the owners of these keys (SHA-256). Warning: whom they pair logs in here, within the groups, hosts and time of the line; the owner of a key writes that line, and may write another. Three of them survive the loss of one.',
  },
  threshold: {
    schema: whole(1, 8),
    default: 2,
    unit: 'officers',
    meaning:
      'How many of them sign a line that names a further officer, or a key for heads. Warning: with 1, whoever gets one officer’s card and PIN can name officers of their own.',
  },
  head_keys: {
    schema: list(keyHash, 'must be a list', 16, 'must have at most 16 entries'),
    default: [],
    unit: 'SHA-256 of keys',
    meaning:
      'Keys that sign heads, besides those that officers have named. Such a key can revoke, and nothing else.',
  },
  max_age: {
    schema: whole(1, 2160),
    default: 168,
    unit: 'hours',
    meaning:
      'How old the newest head may be; then the pairings of the book end until a newer one comes, and those of this machine go on. Where a card is required (sc_auth enforce) at most 24. Warning: so long a revoked card may go on where the book cannot be reached.',
  },
  url: {
    schema: list(url, 'must be a list of addresses', 16, 'must name at most 16 addresses'),
    default: [],
    meaning:
      'Where scauth-fleet gets the pairing book: directory servers (ldaps://HOST, or ldap://HOST with StartTLS), of which the first that answers is asked, and folders or files (file:///FOLDER), each of which is read. [] means that there is no book.',
  },
  base: {
    schema: distinguishedName,
    default: '',
    meaning: 'The entry of the directory below which the book and the people are, e.g. "dc=example,dc=org".',
  },
  user_attribute: {
    schema: attributeName,
    default: 'uid',
    meaning: 'The attribute of a person that is the name of the account, for fleet.prefetch.',
  },
  ca: {
    schema: v.pipe(
      v.string('must be text'),
      v.check((text) => text === '' || /^\/[^\0]{1,1000}$/.test(text), 'must be an absolute path'),
    ),
    default: '',
    unit: 'PEM file',
    meaning:
      'The authorities that the directory\'s TLS certificate may come from; no others are believed. "" means those of the system.',
  },
  bind: {
    schema: word(['anonymous', 'simple', 'external']),
    default: 'anonymous',
    meaning:
      'How scauth-fleet shows the directory who it is. "simple": fleet.bind_dn and a password, which lies in /etc/credstore/scauth-fleet.password; "external": a TLS certificate, in /etc/credstore/scauth-fleet.crt and .key.',
  },
  bind_dn: {
    schema: distinguishedName,
    default: '',
    meaning: 'The account in the directory that fleet.bind "simple" uses. It needs to read and nothing else.',
  },
  poll: {
    schema: whole(5, 3600),
    default: 60,
    unit: 'seconds',
    meaning:
      'How often the head and what has changed are fetched; up to a tenth earlier, so that machines do not come all at once. A revocation waits for this long at most. Warning: a head is stale after 24 hours.',
  },
  prefetch: {
    schema: list(person, 'must be a list of names', 256, 'must have at most 256 names'),
    default: [],
    meaning:
      'Whose records are fetched before their card is put in: names of accounts, @GROUP, or "all". Others are looked up at the first insertion, for which the directory must be there. Warning: "all" brings the whole book to this machine.',
  },
} as const satisfies SettingTable;
