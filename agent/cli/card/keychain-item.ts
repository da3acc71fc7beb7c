// The attributes of a key on a card, as `security export-smartcard` of macOS lists them: certificate, private key,
// identity, each in that command's order. agent/cli/commands/export-smartcard.ts writes them down.
// Names: Security/SecItem.h of macOS; the numbers are CSSM's (cssmtype.h): 42 RSA, 73 ECDSA.

import { createHash } from 'node:crypto';
import type { WireItem } from '../../protocol/io-scauth.ts';
import { certificateParts } from '../../model/key/certificate-parts.ts';
import { keychainName } from './certificate-names.ts';
import { keyKind, usesOf, type KeyUses } from './key-uses.ts';

/** Who may use it, and on which token it is. */
export interface AccessControl {
  readonly constraints: Readonly<Record<string, boolean | Buffer>>;
  readonly token: string;
}

/** Bytes of which only both ends are shown. */
export interface LongData {
  readonly long: Buffer;
}

export type AttributeValue = string | number | Buffer | Date | AccessControl | LongData;
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface KeychainItems {
  /** null: a bare public key. */
  readonly certificate: Attributes | null;
  readonly privateKey: Attributes;
  /** null where there is no certificate. */
  readonly identity: Attributes | null;
}

/** The access group and the protection class of everything on a token: always there, never copied elsewhere. */
const GROUP = { agrp: 'org.scauth.token', pdmn: 'dk' };
/** CSSM_CERT_ENCODING_DER */
const CERTIFICATE_ENCODING = 3;
/** No time was set: the reference date of macOS. */
const NO_DATE = new Date(Date.UTC(2001, 0, 1));
const EMPTY = Buffer.alloc(0);
/** Any policy of the token: the token itself asks for its PIN. */
const ASKED_BY_TOKEN = Buffer.of(0xff);

function sha1(bytes: Uint8Array): Buffer {
  return createHash('sha1').update(bytes).digest();
}

/** The same for the same certificate on the same token: version 8 of RFC 9562. */
function stableUuid(token: string, der: Buffer): string {
  const bytes = createHash('sha256').update(token).update('\0').update(der).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    .toUpperCase();
}

/** CSSM_ALGORITHMS; Ed25519 has no number there. */
function keyType(kind: string): AttributeValue {
  switch (kind) {
    case 'RSA':
      return 42;
    case 'ECC':
      return 73;
    default:
      return kind;
  }
}

function keyConstraints({ sign, decrypt, derive }: KeyUses): AccessControl['constraints'] {
  return {
    ...(decrypt && { od: ASKED_BY_TOKEN }),
    ...(derive && { ock: ASKED_BY_TOKEN }),
    ...(sign && { osgn: ASKED_BY_TOKEN }),
  };
}

function certificateAttributes(item: WireItem, der: Buffer, at: Date): Attributes {
  const { serialNumber: serial, version, ...names } = certificateParts(der);
  const [subject, issuer] = [keychainName(names.subject), keychainName(names.issuer)];
  return {
    ...{ class: 'cert', subj: subject, cenc: CERTIFICATE_ENCODING, ctyp: version },
    ...{ pkhh: Buffer.from(item.hash, 'hex'), persistref: EMPTY, ...GROUP, labl: item.label },
    ...{ UUID: stableUuid(item.token, der), mdat: at, slnr: serial, sync: 0, sha1: sha1(der) },
    ...{ tkid: item.token, musr: EMPTY, cdat: at, tomb: 0, issr: issuer },
    accc: { constraints: { ord: true }, token: item.token },
  };
}

function keyAttributes(item: WireItem, uses: KeyUses, at: Date): Attributes {
  const { kind, bits } = keyKind(item.algorithm);
  return {
    ...{ crtr: 0, esiz: 0, decr: Number(uses.decrypt), persistref: EMPTY, atag: '', kcls: 1, ...GROUP },
    ...{ bsiz: bits, type: keyType(kind), klbl: Buffer.from(item.hash, 'hex'), edat: NO_DATE },
    ...{
      sign: Number(uses.sign),
      mdat: at,
      drve: Number(uses.derive),
      labl: item.label,
      sync: 0,
      musr: EMPTY,
    },
    ...{ sha1: sha1(Buffer.from(item.publicKey, 'base64')), cdat: at, tkid: item.token, sdat: NO_DATE },
    ...{ tomb: 0, priv: 1 },
    accc: { constraints: keyConstraints(uses), token: item.token },
    unwp: Number(uses.unwrap),
  };
}

/** An identity is its certificate and its key; where both have a word, the certificate's `sha1` counts. */
function identityAttributes(
  key: Attributes,
  certificate: Attributes,
  item: WireItem,
  der: Buffer,
): Attributes {
  const both: Attributes = { ...key, ...certificate };
  const chosen = (...names: readonly string[]): Attributes =>
    Object.fromEntries(names.flatMap((name) => (both[name] === undefined ? [] : [[name, both[name]]])));
  return {
    ...{ class: 'idnt', ...chosen('slnr'), certdata: { long: der }, certtkid: item.token },
    ...chosen('priv', 'ctyp', 'mdat', 'sdat', 'bsiz', 'type', 'sha1', 'pkhh', 'cdat', 'tomb', 'UUID'),
    ...{ ...chosen('persistref'), ...(key['accc'] !== undefined && { accc: key['accc'] }) },
    ...chosen('sync', 'tkid', 'subj', 'pdmn', 'musr', 'sign', 'esiz', 'decr', 'atag', 'edat', 'klbl', 'crtr'),
    ...chosen('unwp', 'issr', 'cenc', 'kcls', 'agrp', 'labl', 'drve'),
  };
}

/** @throws AgentError `malformed` for a certificate that scauthd should not have shown */
export function keychainItems(item: WireItem): KeychainItems {
  const der = item.certificate === null ? null : Buffer.from(item.certificate, 'base64');
  const at = item.readAt === null ? NO_DATE : new Date(item.readAt);
  const privateKey = keyAttributes(item, usesOf(item, der), at);
  if (der === null) return { certificate: null, privateKey, identity: null };
  const certificate = certificateAttributes(item, der, at);
  return { certificate, privateKey, identity: identityAttributes(privateKey, certificate, item, der) };
}
