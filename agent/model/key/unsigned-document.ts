// A certificate or a certificate request about a card's own new key, before the card has signed it. Only this file makes
// one, of fields: nobody can have a card sign anything else in their place. Each begins with a SEQUENCE, and a challenge
// (challenge.ts) never does, so that neither signature serves as the other.
// Specification: RFC 5280, 4.1 and 4.2; RFC 2986, 4 (PKCS#10) with RFC 2985, 5.4.2; RFC 5758, 8017, 8410 (algorithms).

import { constants, randomBytes, verify } from 'node:crypto';
import { fromHex } from '../../base/bytes.ts';
import { AgentError } from '../../base/errors.ts';
import { writeTlv } from '../../base/tlv.ts';
import type { KeyAlgorithm, PublicKey } from './key.ts';

const SEQUENCE = 0x30;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const PRINTABLE_STRING = 0x13;
const IA5_STRING = 0x16;
const SET = 0x31;

/** AlgorithmIdentifier, and the hash that the key signs; null: the message itself. */
const SIGNING: Readonly<
  Record<KeyAlgorithm, { readonly identifier: Buffer; readonly hash: 'sha256' | 'sha384' | null }>
> = {
  p256: { identifier: fromHex('300A06082A8648CE3D040302'), hash: 'sha256' },
  p384: { identifier: fromHex('300A06082A8648CE3D040303'), hash: 'sha384' },
  ed25519: { identifier: fromHex('300506032B6570'), hash: null },
  rsa2048: { identifier: fromHex('300D06092A864886F70D01010B0500'), hash: 'sha256' },
  rsa3072: { identifier: fromHex('300D06092A864886F70D01010B0500'), hash: 'sha256' },
  rsa4096: { identifier: fromHex('300D06092A864886F70D01010B0500'), hash: 'sha256' },
};

// RFC 5280, 4.2.1: extensions whole, with their OIDs
/** No CA (critical). */
const BASIC_CONSTRAINTS = fromHex('300C0603551D130101FF04023000');
/** digitalSignature (critical). */
const FOR_SIGNING = fromHex('300E0603551D0F0101FF040403020780');
/** keyAgreement (critical). */
const FOR_AGREEMENT = fromHex('300E0603551D0F0101FF040403020308');
/** TLS client, smart card logon. */
const FOR_LOGIN = fromHex('301F0603551D250418301606082B06010505070302060A2B060104018237140202');

export type DocumentUse = 'login' | 'key-management' | 'card';

const EXTENSIONS: Readonly<Record<DocumentUse, readonly Buffer[]>> = {
  login: [BASIC_CONSTRAINTS, FOR_SIGNING, FOR_LOGIN],
  'key-management': [BASIC_CONSTRAINTS, FOR_AGREEMENT],
  card: [BASIC_CONSTRAINTS, FOR_SIGNING],
};

/** X.520's attributes in the order of a name, from the country down; PKCS#9's for the e-mail address. */
const ATTRIBUTES: readonly (readonly [name: keyof Subject, oid: string, tag: number])[] = [
  ['country', '0603550406', PRINTABLE_STRING],
  ['state', '0603550408', UTF8_STRING],
  ['locality', '0603550407', UTF8_STRING],
  ['organisation', '060355040A', UTF8_STRING],
  ['unit', '060355040B', UTF8_STRING],
  ['commonName', '0603550403', UTF8_STRING],
  ['email', '06092A864886F70D010901', IA5_STRING],
];
/** What X.520 allows a common name, and the shortest of the others. */
const MAX_NAME = 64;
/** A card does not live so long; and who pairs a key by itself looks at no date. */
const YEARS = 20;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Whose key it is. */
export interface Subject {
  readonly commonName: string;
  readonly email?: string;
  readonly unit?: string;
  readonly organisation?: string;
  readonly locality?: string;
  readonly state?: string;
  /** Two letters of ISO 3166. */
  readonly country?: string;
}

export interface DocumentFields {
  readonly use: DocumentUse;
  readonly publicKey: PublicKey;
  readonly subject: Subject;
  readonly nowMs: number;
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => writeTlv(SEQUENCE, Buffer.concat(parts));
const bitString = (bytes: Uint8Array): Buffer =>
  writeTlv(BIT_STRING, Buffer.concat([Buffer.alloc(1), bytes]));

function nameOf(subject: Subject): Buffer {
  return sequence(
    ...ATTRIBUTES.flatMap(([name, oid, tag]) => {
      const text = Array.from(subject[name] ?? '')
        .slice(0, MAX_NAME)
        .join('');
      return text === '' ? [] : [writeTlv(SET, sequence(fromHex(oid), writeTlv(tag, Buffer.from(text))))];
    }),
  );
}

/** RFC 5280, 4.1.2.5: UTCTime up to 2049, GeneralizedTime from 2050 on. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14);
  return digits < '2050'
    ? writeTlv(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : writeTlv(0x18, Buffer.from(`${digits}Z`));
}

/** Positive, 16 bytes. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return writeTlv(0x02, bytes);
}

export class UnsignedDocument {
  readonly publicKey: PublicKey;
  readonly #body: Buffer;

  private constructor(publicKey: PublicKey, body: Buffer) {
    this.publicKey = publicKey;
    this.#body = body;
  }

  /** A certificate of the key by itself. */
  static certificate({ use, publicKey, subject, nowMs }: DocumentFields): UnsignedDocument {
    const name = nameOf(subject);
    const body = sequence(
      fromHex('A003020102'),
      serialNumber(),
      SIGNING[publicKey.algorithm].identifier,
      name,
      // Clocks differ by a little.
      sequence(time(nowMs - DAY_MS), time(nowMs + YEARS * 365.25 * DAY_MS)),
      name,
      publicKey.spki,
      writeTlv(0xa3, sequence(...EXTENSIONS[use])),
    );
    return new UnsignedDocument(publicKey, body);
  }

  /** A request for a certificate of an authority. */
  static request({ use, publicKey, subject }: Omit<DocumentFields, 'nowMs'>): UnsignedDocument {
    const wanted = sequence(fromHex('06092A864886F70D01090E'), writeTlv(SET, sequence(...EXTENSIONS[use])));
    const body = sequence(fromHex('020100'), nameOf(subject), publicKey.spki, writeTlv(0xa0, wanted));
    return new UnsignedDocument(publicKey, body);
  }

  /** What is to be signed. A copy. */
  body(): Buffer {
    return Buffer.from(this.#body);
  }

  /** The hash by which the key signs it; null: the body itself is signed. */
  get hash(): 'sha256' | 'sha384' | null {
    return SIGNING[this.publicKey.algorithm].hash;
  }

  /**
   * @returns DER
   * @throws AgentError `bad-proof` unless the signature is this key's
   */
  signed(signature: Uint8Array): Buffer {
    const { keyObject, algorithm } = this.publicKey;
    const key = { key: keyObject, padding: constants.RSA_PKCS1_PADDING };
    const good = verify(this.hash, this.#body, algorithm.startsWith('rsa') ? key : keyObject, signature);
    if (!good)
      throw new AgentError('bad-proof', { detail: 'the card has not signed with the key that it shows' });
    return sequence(this.#body, SIGNING[algorithm].identifier, bitString(signature));
  }
}
