// What is on one PKCS#11 token: certificates and public keys, matched by CKA_ID, each with what it is for. Logs in
// nowhere: private keys are mostly hidden until then. Everything is a claim of the token, and capped.
// Specification: PKCS #11 2.40, 4 (objects) and 5.7.

import { X509Certificate } from 'node:crypto';
import type { AgentError } from '../../base/errors.ts';
import type { KeyUse } from '../../model/card/token.ts';
import { classify } from './login-keys.ts';
import * as C from './constants.ts';
import { checked, codeOf, failureOfCode } from './failure.ts';
import type { Pkcs11Module } from './module.ts';
import { ecSpki, ed25519Spki, rsaSpki } from './spki.ts';

const MAX_OBJECTS = 200;
const MAX_VALUE_BYTES = 32 * 1024;
/** A longer label is cut: 64 KiB of it are no name. */
const MAX_LABEL_BYTES = 200;
const MAX_ID_BYTES = 32;
/** Answers of an object that has no such attribute, or does not show it. */
const NOT_THERE: readonly number[] = [C.CKR_ATTRIBUTE_SENSITIVE, C.CKR_ATTRIBUTE_TYPE_INVALID];
/** CKA_CERTIFICATE_CATEGORY: of a certification authority. */
const CATEGORY_AUTHORITY = 2;

export interface FoundKey {
  /** CKA_ID in hex. */
  readonly id: string;
  readonly use: KeyUse;
  readonly label: string;
  readonly certificate: Buffer | null;
  readonly publicKey: Buffer | null;
}

export interface FoundObject {
  readonly handle: Buffer;
  readonly class: number;
  readonly id: string;
  readonly label: string;
}

/** Reads attributes of one session's objects; what is not there or cannot be read is null. */
export class ObjectReader {
  readonly module: Pkcs11Module;
  readonly session: Buffer;
  /** Why something that may be there could not be read, the first time. */
  failure: AgentError | null = null;

  constructor(module: Pkcs11Module, session: Buffer) {
    this.module = module;
    this.session = session;
  }

  find(objectClass: number): FoundObject[] {
    const { pkcs11 } = this.module;
    checked('C_FindObjectsInit', () => {
      pkcs11.C_FindObjectsInit(this.session, [{ type: C.CKA_CLASS, value: objectClass }]);
    });
    let handles: Buffer[];
    try {
      handles = checked('C_FindObjects', () => pkcs11.C_FindObjects(this.session, MAX_OBJECTS));
    } finally {
      checked('C_FindObjectsFinal', () => {
        pkcs11.C_FindObjectsFinal(this.session);
      });
    }
    return handles.map((handle) => {
      const id = this.bytes(handle, C.CKA_ID)?.subarray(0, MAX_ID_BYTES).toString('hex').toUpperCase() ?? '';
      const label = this.bytes(handle, C.CKA_LABEL)?.subarray(0, MAX_LABEL_BYTES).toString() ?? '';
      return { handle, class: objectClass, id, label };
    });
  }

  bytes(handle: Buffer, type: number): Buffer | null {
    try {
      return this.module.pkcs11.C_GetAttributeValue(this.session, handle, [{ type }])[0]?.value ?? null;
    } catch (error) {
      const code = codeOf(error);
      if (code !== null && !NOT_THERE.includes(code))
        this.failure ??= failureOfCode(code, 'C_GetAttributeValue');
      return null;
    }
  }

  flag(handle: Buffer, type: number): boolean | null {
    const value = this.bytes(handle, type);
    return value?.length === 1 ? value[0] !== 0 : null;
  }

  number(handle: Buffer, type: number): number | null {
    const value = this.bytes(handle, type);
    return value?.length === 8 ? Number(value.readBigUInt64LE()) : null;
  }

  /** The SubjectPublicKeyInfo of a public (or RSA private) key object; null for a kind that we do not know. */
  spki(handle: Buffer): Buffer | null {
    switch (this.number(handle, C.CKA_KEY_TYPE)) {
      case C.CKK_RSA: {
        const modulus = this.bytes(handle, C.CKA_MODULUS);
        const exponent = this.bytes(handle, C.CKA_PUBLIC_EXPONENT);
        return modulus === null || exponent === null ? null : rsaSpki(modulus, exponent);
      }
      case C.CKK_EC: {
        const params = this.bytes(handle, C.CKA_EC_PARAMS);
        const point = this.bytes(handle, C.CKA_EC_POINT);
        return params === null || point === null ? null : ecSpki(params, point);
      }
      case C.CKK_EC_EDWARDS: {
        const point = this.bytes(handle, C.CKA_EC_POINT);
        return point === null ? null : ed25519Spki(point);
      }
      default:
        return null;
    }
  }
}

function parsed(der: Buffer | null): X509Certificate | null {
  try {
    return der === null ? null : new X509Certificate(der);
  } catch {
    return null;
  }
}

/** The certificates and bare keys of a token. @param loginRequired false: nothing on it wants a PIN */
export function readKeys(reader: ObjectReader, loginRequired: boolean): FoundKey[] {
  const publicKeys = reader.find(C.CKO_PUBLIC_KEY);
  const privateKeys = reader.find(C.CKO_PRIVATE_KEY);
  const found: FoundKey[] = [];
  const add = (id: string, label: string, certificate: Buffer | null): void => {
    const publicKey = publicKeys.find((key) => key.id === id);
    const privateKey = privateKeys.find((key) => key.id === id);
    const signs = [
      publicKey === undefined ? null : reader.flag(publicKey.handle, C.CKA_VERIFY),
      privateKey === undefined ? null : reader.flag(privateKey.handle, C.CKA_SIGN),
    ];
    const use = classify({
      certificate: parsed(certificate),
      labels: [label, publicKey?.label ?? '', privateKey?.label ?? ''],
      signs: signs.includes(false) ? false : null,
      alwaysAuthenticate:
        privateKey !== undefined && reader.flag(privateKey.handle, C.CKA_ALWAYS_AUTHENTICATE) === true,
      withoutPin:
        !loginRequired ||
        (privateKey !== undefined && reader.flag(privateKey.handle, C.CKA_PRIVATE) === false),
    });
    const spki = publicKey === undefined ? null : reader.spki(publicKey.handle);
    found.push({ id, use, label, certificate, publicKey: spki });
  };
  for (const object of reader.find(C.CKO_CERTIFICATE)) {
    const value = reader.bytes(object.handle, C.CKA_VALUE);
    if (value === null || value.length === 0 || object.id === '') continue;
    const isAuthority =
      parsed(value)?.ca === true ||
      reader.number(object.handle, C.CKA_CERTIFICATE_CATEGORY) === CATEGORY_AUTHORITY;
    const hasKey = [...publicKeys, ...privateKeys].some(({ id }) => id === object.id);
    if (isAuthority && !hasKey) continue;
    if (found.some(({ id, certificate }) => id === object.id && certificate?.equals(value))) continue;
    add(object.id, object.label, value.length > MAX_VALUE_BYTES ? Buffer.alloc(0) : value);
  }
  for (const { id, label } of [...publicKeys, ...privateKeys]) {
    if (id !== '' && !found.some((key) => key.id === id)) add(id, label, null);
  }
  return found;
}
