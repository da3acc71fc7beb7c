// X.509 certificates for test cards, self-signed or issued by another key, by a small DER writer.
// Writes only what a PIV certificate needs; reads nothing and validates nothing.
// Specification: RFC 5280 sections 4.1 and 4.2, RFC 5480 and 8410 (algorithms), X.690 (DER);
// the UPN is Microsoft's otherName 1.3.6.1.4.1.311.20.2.3.
import { createHash, createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { keyTypeOf, signHash } from './algorithms.ts';
import { bits, ia5, integer, octets, oid, sequence, set, utf8 } from './der.ts';
import { readSubject } from './subject.ts';
import { tlv } from './tlv.ts';

/** What stands in a certificate. */
export interface CertificateFields {
  readonly cn: string;
  /** The whole subject, as text (subject.ts), in the place of cn and organization. */
  readonly subject?: string;
  readonly organization?: string;
  readonly email?: string;
  readonly upn?: string;
  /** Hex; default: from the hash of the public key. */
  readonly serial?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Basic constraints CA:TRUE and keyCertSign. */
  readonly ca?: boolean;
  /** Extensions (OID, DER) in the place of those of a user's certificate. */
  readonly only?: readonly (readonly [oid: string, value: Buffer])[];
}

/** Who signs. */
export interface Issuer {
  readonly cn: string;
  readonly privateKey: KeyObject;
  /** Its whole name (DER), where that is more than the common name. */
  readonly name?: Buffer;
}

const TRUE = tlv(0x01, Buffer.from([0xff]));

/** UTCTime up to 2049, GeneralizedTime after. RFC 5280, section 4.1.2.5. */
function time(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]|\.\d+/gu, '');
  return date.getUTCFullYear() < 2050 ? ia5(0x17, text.slice(2)) : ia5(0x18, text);
}

function name(cn: string, organization?: string): Buffer {
  const attribute = (type: string, value: string): Buffer => set(sequence(oid(type), utf8(value)));
  return sequence(
    ...(organization === undefined ? [] : [attribute('2.5.4.10', organization)]),
    attribute('2.5.4.3', cn),
  );
}

const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [TRUE] : []), octets(value));

function alternativeNames(fields: CertificateFields): Buffer[] {
  const names: Buffer[] = [];
  if (fields.email !== undefined) names.push(ia5(0x81, fields.email));
  if (fields.upn !== undefined)
    names.push(tlv(0xa0, oid('1.3.6.1.4.1.311.20.2.3'), tlv(0xa0, utf8(fields.upn))));
  return names.length === 0 ? [] : [extension('2.5.29.17', false, sequence(...names))];
}

function extensions(fields: CertificateFields): Buffer {
  if (fields.only !== undefined)
    return tlv(0xa3, sequence(...fields.only.map(([id, value]) => extension(id, false, value))));
  const usage =
    fields.ca === true ? extension('2.5.29.15', true, bits(Buffer.from([0x06]), 1)) : signingUsage();
  return tlv(
    0xa3,
    sequence(
      extension('2.5.29.19', true, sequence(...(fields.ca === true ? [TRUE] : []))),
      usage,
      ...(fields.ca === true
        ? []
        : [extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.2'), oid('1.3.6.1.4.1.311.20.2.2')))]),
      ...alternativeNames(fields),
    ),
  );
}

/** digitalSignature. */
function signingUsage(): Buffer {
  return extension('2.5.29.15', true, bits(Buffer.from([0x80]), 7));
}

/** How a key signs certificates: the algorithm's identifier, and what makes a signature. */
interface Signing {
  readonly algorithm: Buffer;
  readonly sign: (body: Buffer) => Buffer;
}

/** @throws Error for a key that cannot sign */
function signingOf(key: KeyObject): Signing {
  const type = keyTypeOf(key);
  switch (type) {
    case 'rsa1024':
    case 'rsa2048':
    case 'rsa3072':
    case 'rsa4096':
      return {
        algorithm: sequence(oid('1.2.840.113549.1.1.11'), tlv(0x05)),
        sign: (body) => sign('sha256', body, key),
      };
    case 'p256':
      return {
        algorithm: sequence(oid('1.2.840.10045.4.3.2')),
        sign: (body) => signHash(key, createHash('sha256').update(body).digest()),
      };
    case 'p384':
      return {
        algorithm: sequence(oid('1.2.840.10045.4.3.3')),
        sign: (body) => signHash(key, createHash('sha384').update(body).digest()),
      };
    case 'ed25519':
      return { algorithm: sequence(oid('1.3.101.112')), sign: (body) => sign(null, body, key) };
    case 'x25519':
      throw new Error('an X25519 key cannot sign its own certificate: give an issuer');
  }
}

/** A test makes the same card many times, and an RSA signature takes longer than all the rest of a certificate. */
const signed = new WeakMap<KeyObject, Map<string, Buffer>>();

function signedOnce(key: KeyObject, body: Buffer, { sign: make }: Signing): Buffer {
  const known = signed.get(key) ?? new Map<string, Buffer>();
  signed.set(key, known);
  const name = body.toString('latin1');
  const signature = known.get(name) ?? make(body);
  known.set(name, signature);
  return signature;
}

/**
 * Makes a certificate for a key.
 * @param key the subject's private or public key
 * @param issuer default: the subject itself
 * @returns DER
 * @throws Error when the signer's key cannot sign
 */
export function makeCertificate(
  key: KeyObject,
  fields: CertificateFields,
  issuer: Issuer | null = null,
): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const subject =
    fields.subject === undefined ? name(fields.cn, fields.organization) : readSubject(fields.subject);
  const signer = issuer?.privateKey ?? key;
  const signing = signingOf(signer);
  const { algorithm } = signing;
  const body = sequence(
    tlv(0xa0, integer('02')),
    integer(fields.serial ?? createHash('sha256').update(spki).digest('hex').slice(0, 16)),
    algorithm,
    issuer === null ? subject : (issuer.name ?? name(issuer.cn)),
    sequence(
      time(fields.notBefore ?? new Date('2024-01-01T00:00:00Z')),
      time(fields.notAfter ?? new Date('2049-12-31T23:59:59Z')),
    ),
    subject,
    spki,
    extensions(fields),
  );
  return sequence(body, algorithm, bits(signedOnce(signer, body, signing)));
}

/** DER as PEM. */
export function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/gu) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
