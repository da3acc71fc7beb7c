// What the holder of a certificate is called, for prompts and lists: the last common name as it is; else the given name and
// the surname, else an e-mail address or user principal name, else the certificate's serial number. A claim of the card,
// not yet safe to print, and never empty. Specifications: RFC 5280, 4.1.2.6 and 4.2.1.6; X.520 (attributes).

import { readOnly, readTlvs, type Tlv } from '../../base/tlv.ts';
import { certificateParts } from './certificate-parts.ts';
import { readName, textOf, type Attribute } from './name.ts';

// Contents of OBJECT IDENTIFIERs in hex: 2.5.4.3, .4, .42, 2.5.29.17, 1.3.6.1.4.1.311.20.2.3
const COMMON_NAME = '550403';
const SURNAME = '550404';
const GIVEN_NAME = '55042a';
const SUBJECT_ALT_NAME = '551d11';
const USER_PRINCIPAL_NAME = '2b060104018237140203';
/** GeneralName: otherName [0], rfc822Name [1]. */
const OTHER_NAME = 0xa0;
const EMAIL = 0x81;

/** What cannot be read is not there: a name that is broken costs nobody the login. */
function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

function lastOf(attributes: readonly Attribute[], wanted: string): string | null {
  const texts = attributes
    .filter(({ type }) => type === wanted)
    .map(({ value }) => orNull(() => textOf(value)) ?? '');
  return texts.findLast((text) => text.trim() !== '') ?? null;
}

function addressOf({ tag, value }: Tlv): string | null {
  if (tag === EMAIL) return value.toString('latin1');
  if (tag !== OTHER_NAME) return null;
  const [type, wrapped] = readTlvs(value);
  if (type?.value.toString('hex') !== USER_PRINCIPAL_NAME || wrapped === undefined) return null;
  const [name] = readTlvs(wrapped.value);
  return name === undefined ? null : textOf(name);
}

type Parts = ReturnType<typeof certificateParts>;

/** The subject's attributes; none where they cannot be read. */
function subjectOf(parts: Parts | null): ReturnType<typeof readName>[number][number][] {
  return orNull(() => (parts === null ? [] : readName(parts.subject).flat())) ?? [];
}

/** The alternative names of one kind, in their order; what cannot be read is not there. */
function addressesIn(parts: Parts | null, kind: typeof EMAIL | typeof OTHER_NAME): string[] {
  const names = orNull(() => parts?.extensions.get(SUBJECT_ALT_NAME));
  const general = orNull(() => (names == null ? [] : readTlvs(readOnly(names, 0x30)))) ?? [];
  return general
    .filter(({ tag }) => tag === kind)
    .map((name) => orNull(() => addressOf(name)))
    .filter((text) => text !== null);
}

/** @param serialNumber what is left where the certificate names nobody */
export function holderName(der: Uint8Array, serialNumber: string): string {
  const parts = orNull(() => certificateParts(der));
  const subject = subjectOf(parts);
  const person = [GIVEN_NAME, SURNAME].map((type) => lastOf(subject, type)).filter((part) => part !== null);
  const named = lastOf(subject, COMMON_NAME) ?? person.join(' ');
  if (named !== '') return named;
  // In this order: an address is what people know each other by.
  const addresses = [...addressesIn(parts, EMAIL), ...addressesIn(parts, OTHER_NAME)];
  return addresses.find((address) => address.trim() !== '') ?? serialNumber;
}

export type NameSource = 'cn' | 'email' | 'upn';

/** Each text of that kind, as it stands there; what cannot be read is not there. */
export function namesIn(der: Uint8Array, source: NameSource): string[] {
  const parts = orNull(() => certificateParts(der));
  if (source !== 'cn') return addressesIn(parts, source === 'email' ? EMAIL : OTHER_NAME);
  return subjectOf(parts)
    .filter(({ type }) => type === COMMON_NAME)
    .map(({ value }) => orNull(() => textOf(value)))
    .filter((text) => text !== null);
}
