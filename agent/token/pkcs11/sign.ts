// A signature over scauth's challenge by a key of a PKCS#11 token, by the best mechanism that it has. Where the module
// says no to one, the next is tried; the PIN has been checked by then and is not lost by that.
// Specification: PKCS #11 2.40, 5.11, and PKCS #11 Mechanisms 2.40, 2.1 (RSA), 2.3 (ECDSA); 3.0, 2.3.14 (EdDSA).

import { createHash } from 'node:crypto';
import { AgentError } from '../../base/errors.ts';
import type { ProofScheme } from '../../model/proof.ts';
import pkcs11js from 'pkcs11js';
import * as C from './constants.ts';
import { checked } from './failure.ts';
import type { Pkcs11Module } from './module.ts';
import { ecdsaToDer } from './spki.ts';

const MAX_SIGNATURE_BYTES = 512;
const SHA256_BYTES = 32;
/** DigestInfo of SHA-256 before the hash (RFC 8017, 9.2, note 1). */
const SHA256_DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');
/** CKA_EC_PARAMS of the curves that may log in. */
const P256 = '06082a8648ce3d030107';
const P384 = '06052b81040022';

interface Way {
  readonly scheme: ProofScheme;
  readonly mechanism: pkcs11js.Mechanism;
  readonly input: Buffer;
  readonly finish: (signature: Buffer) => Buffer;
}

const asItIs = (signature: Buffer): Buffer => signature;

function rsaWays(message: Buffer): Way[] {
  const hash = createHash('sha256').update(message).digest();
  const parameter = {
    type: pkcs11js.CK_PARAMS_RSA_PSS,
    hashAlg: C.CKM_SHA256,
    mgf: C.CKG_MGF1_SHA256,
    saltLen: SHA256_BYTES,
  };
  const pss = { scheme: 'rsa-pss-sha256', finish: asItIs } as const;
  const pkcs1 = { scheme: 'rsa-pkcs1-sha256', finish: asItIs } as const;
  return [
    { ...pss, mechanism: { mechanism: C.CKM_RSA_PKCS_PSS, parameter }, input: hash },
    { ...pss, mechanism: { mechanism: C.CKM_SHA256_RSA_PKCS_PSS, parameter }, input: message },
    { ...pkcs1, mechanism: { mechanism: C.CKM_SHA256_RSA_PKCS }, input: message },
    {
      ...pkcs1,
      mechanism: { mechanism: C.CKM_RSA_PKCS },
      input: Buffer.concat([SHA256_DIGEST_INFO, hash]),
    },
  ];
}

function ecWay(message: Buffer, params: Buffer | null): Way[] {
  const curve = params?.toString('hex');
  const hash = curve === P256 ? 'sha256' : curve === P384 ? 'sha384' : null;
  if (hash === null) return [];
  const input = createHash(hash).update(message).digest();
  return [{ scheme: `ecdsa-${hash}`, mechanism: { mechanism: C.CKM_ECDSA }, input, finish: ecdsaToDer }];
}

/** The ways that a key of this type and this token know, best first. */
function waysOf(keyType: number | null, ecParams: Buffer | null, message: Buffer): Way[] {
  switch (keyType) {
    case C.CKK_RSA:
      return rsaWays(message);
    case C.CKK_EC:
      return ecWay(message, ecParams);
    case C.CKK_EC_EDWARDS:
      return [{ scheme: 'ed25519', mechanism: { mechanism: C.CKM_EDDSA }, input: message, finish: asItIs }];
    default:
      return [];
  }
}

export interface SigningKey {
  readonly handle: Buffer;
  readonly keyType: number | null;
  readonly ecParams: Buffer | null;
}

/**
 * @param authenticate called before each signature, after C_SignInit: the PIN again, for keys that want it each time
 * @throws AgentError `no-identity` for a kind of key that cannot log in, `card-fault`, or what `authenticate` throws
 */
export function sign(
  module: Pkcs11Module,
  slot: Buffer,
  session: Buffer,
  key: SigningKey,
  message: Buffer,
  authenticate: () => void,
): { scheme: ProofScheme; signature: Buffer } {
  const { pkcs11 } = module;
  const known = checked('C_GetMechanismList', () => pkcs11.C_GetMechanismList(slot));
  const all = waysOf(key.keyType, key.ecParams, message);
  const ways = all.filter(({ mechanism }) => known.includes(mechanism.mechanism));
  let failure: unknown = new AgentError('no-identity', { detail: 'the token has no mechanism for this key' });
  for (const { scheme, mechanism, input, finish } of ways) {
    try {
      checked('C_SignInit', () => {
        pkcs11.C_SignInit(session, mechanism, key.handle);
      });
    } catch (error) {
      failure = anotherMay(error);
      continue;
    }
    // Outside: a PIN that failed here is not sent again with the next mechanism.
    authenticate();
    try {
      const signature = checked('C_Sign', () =>
        pkcs11.C_Sign(session, input, Buffer.alloc(MAX_SIGNATURE_BYTES)),
      );
      return { scheme, signature: finish(signature) };
    } catch (error) {
      failure = anotherMay(error);
    }
  }
  throw failure;
}

/** @returns what another mechanism may do without. @throws what none can help */
function anotherMay(error: unknown): AgentError {
  if (error instanceof AgentError && ['card-fault', 'module-fault', 'not-supported'].includes(error.code))
    return error;
  throw error;
}
