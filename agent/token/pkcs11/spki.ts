// A public key object of PKCS#11 as SubjectPublicKeyInfo, and its ECDSA signature as DER. Builds only: whether the key
// is a good one is for scauthd to say (agent/model/key/key.ts).
// Specifications: PKCS #11 2.40, 2.1.2 (RSA), 2.3.3 and 2.3.1 (EC); RFC 3279, 2.3; RFC 5480; RFC 8410.

import { writeTlv } from '../../base/tlv.ts';

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const SEQUENCE = 0x30;
const RSA_ENCRYPTION = Buffer.from('06092a864886f70d0101010500', 'hex'); // with NULL parameters
const EC_PUBLIC_KEY = Buffer.from('06072a8648ce3d0201', 'hex');
const ED25519 = Buffer.from('06032b6570', 'hex');
const ED25519_POINT_BYTES = 32;
const UNCOMPRESSED = 0x04;

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  return writeTlv(tag, Buffer.concat(parts));
}

/** A non-negative number, big-endian, as DER INTEGER. */
function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const number = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  return der(INTEGER, (number[0] ?? 0) >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), number);
}

function spki(algorithm: readonly Uint8Array[], key: Buffer): Buffer {
  return der(SEQUENCE, der(SEQUENCE, ...algorithm), der(BIT_STRING, Buffer.from([0]), key));
}

export function rsaSpki(modulus: Buffer, exponent: Buffer): Buffer {
  return spki([RSA_ENCRYPTION], der(SEQUENCE, integer(modulus), integer(exponent)));
}

/** CKA_EC_POINT is an OCTET STRING with the point in it; some modules give the bare point. */
function bare(point: Buffer): Buffer {
  const wrapped = point[0] === OCTET_STRING && point[1] === point.length - 2;
  const long = point[0] === OCTET_STRING && point[1] === 0x81 && point[2] === point.length - 3;
  return wrapped ? point.subarray(2) : long ? point.subarray(3) : point;
}

/** @param params CKA_EC_PARAMS, DER: the curve's OID */
export function ecSpki(params: Buffer, point: Buffer): Buffer | null {
  const key = bare(point);
  return key[0] === UNCOMPRESSED ? spki([EC_PUBLIC_KEY, params], key) : null;
}

export function ed25519Spki(point: Buffer): Buffer | null {
  const key = bare(point);
  return key.length === ED25519_POINT_BYTES ? spki([ED25519], key) : null;
}

/** PKCS#11 gives r and s, one after the other, each half of the bytes. */
export function ecdsaToDer(signature: Buffer): Buffer {
  const half = signature.length / 2;
  return der(SEQUENCE, integer(signature.subarray(0, half)), integer(signature.subarray(half)));
}
