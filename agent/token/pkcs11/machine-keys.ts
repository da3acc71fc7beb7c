// Keys that are made on a token of the machine's own (a TPM's), their certificates, and tokens for them. A key cannot be
// taken out of its token, and is never used without the PIN.
// Specification: PKCS #11 2.40, 4.6 (certificates), 4.8 and 4.9 (keys), 5.5 (C_InitToken, C_InitPIN), 5.7 and 5.13.
// Why: DECISIONS.md D250, D251, D255.

import { randomBytes } from 'node:crypto';
import { AgentError } from '../../base/errors.ts';
import { fromHex, toHex } from '../../base/bytes.ts';
import { writeTlv } from '../../base/tlv.ts';
import { certificateParts } from '../../model/key/certificate-parts.ts';
import * as C from './constants.ts';
import { checked, failureOfCode } from './failure.ts';
import type { Pkcs11Module, TokenSlot } from './module.ts';
import type { FoundObject, ObjectReader } from './objects.ts';

const INTEGER = 0x02;
const SEQUENCE = 0x30;
const ID_BYTES = 8;
const OFFICER_PIN_BYTES = 16;
/** CKA_EC_PARAMS. */
const CURVES: Readonly<Record<string, Buffer>> = {
  p256: fromHex('06082A8648CE3D030107'),
  p384: fromHex('06052B81040022'),
};

const MADE_READY = C.CKF_LOGIN_REQUIRED | C.CKF_USER_PIN_INITIALIZED;

/**
 * Whether keys for logins can be made on it: not on cards, which `sc_auth setup` is for, nor on a token that was cut off before it
 * had a PIN.
 */
export function makesKeys(module: Pkcs11Module, { slot, removable, flags }: TokenSlot): boolean {
  if (removable || (flags & C.CKF_WRITE_PROTECTED) !== 0 || (flags & MADE_READY) !== MADE_READY) return false;
  try {
    return module.pkcs11.C_GetMechanismList(slot).includes(C.CKM_EC_KEY_PAIR_GEN);
  } catch {
    return false;
  }
}

/** Makes a token with this label and PIN. Nobody gets the security officer's PIN. @throws AgentError `not-supported` */
export function newToken(module: Pkcs11Module, label: string, pin: Buffer): void {
  const slot = module.emptySlot();
  if (slot === null) throw new AgentError('not-supported', { detail: 'the module has no room for a token' });
  const { pins } = module;
  const officer = Buffer.from(randomBytes(OFFICER_PIN_BYTES).toString('hex'));
  const ok = (what: string, code: number): void => {
    if (code !== C.CKR_OK) throw failureOfCode(code, what);
  };
  try {
    ok('C_InitToken', pins.initToken(slot, officer, label));
    module.inSession(
      slot,
      (session) => {
        ok('C_Login', pins.login(session, C.CKU_SO, officer));
        ok('C_InitPIN', pins.initPin(session, pin));
      },
      'write',
    );
  } finally {
    officer.fill(0);
  }
}

/** Both halves or none. @returns the key's CKA_ID as in FoundKey, and its SubjectPublicKeyInfo @throws AgentError */
export function createKey(
  reader: ObjectReader,
  wanted: { readonly algorithm: string; readonly label: string },
): { id: string; publicKey: Buffer } {
  const curve = CURVES[wanted.algorithm];
  if (curve === undefined) throw new AgentError('not-supported', { detail: `no curve ${wanted.algorithm}` });
  const id = randomBytes(ID_BYTES);
  const common = [
    { type: C.CKA_TOKEN, value: true },
    { type: C.CKA_ID, value: id },
    { type: C.CKA_LABEL, value: wanted.label },
  ];
  try {
    const { publicKey } = checked('C_GenerateKeyPair', () =>
      reader.module.pkcs11.C_GenerateKeyPair(
        reader.session,
        { mechanism: C.CKM_EC_KEY_PAIR_GEN },
        [...common, { type: C.CKA_VERIFY, value: true }, { type: C.CKA_EC_PARAMS, value: curve }],
        [
          ...common,
          { type: C.CKA_PRIVATE, value: true },
          { type: C.CKA_SENSITIVE, value: true },
          { type: C.CKA_EXTRACTABLE, value: false },
          { type: C.CKA_SIGN, value: true },
        ],
      ),
    );
    const spki = reader.spki(publicKey);
    if (spki === null)
      throw reader.failure ?? new AgentError('card-fault', { detail: 'no public key was made' });
    return { id: toHex(id), publicKey: spki };
  } catch (error) {
    takeBack(reader, () => objectsOf(reader, [toHex(id)]));
    throw error;
  }
}

/**
 * In the place of those that the key has. What the module says is looked at: the certificate is there, or it was not put there.
 * @throws AgentError `malformed`
 */
export function putCertificate(reader: ObjectReader, id: string, der: Buffer): void {
  const { module, session } = reader;
  const ofKey = (): FoundObject[] => reader.find(C.CKO_CERTIFICATE).filter((object) => object.id === id);
  const before = ofKey();
  const isNew = ({ handle }: FoundObject): boolean => !before.some((object) => object.handle.equals(handle));
  const label = reader.find(C.CKO_PUBLIC_KEY).find((object) => object.id === id)?.label ?? '';
  const { subject, issuer, serialNumber } = certificateParts(der);
  try {
    checked('C_CreateObject', () =>
      module.pkcs11.C_CreateObject(session, [
        { type: C.CKA_CLASS, value: C.CKO_CERTIFICATE },
        { type: C.CKA_CERTIFICATE_TYPE, value: C.CKC_X_509 },
        { type: C.CKA_TOKEN, value: true },
        { type: C.CKA_ID, value: fromHex(id) },
        { type: C.CKA_LABEL, value: label },
        { type: C.CKA_SUBJECT, value: writeTlv(SEQUENCE, subject) },
        { type: C.CKA_ISSUER, value: writeTlv(SEQUENCE, issuer) },
        { type: C.CKA_SERIAL_NUMBER, value: writeTlv(INTEGER, serialNumber) },
        { type: C.CKA_VALUE, value: der },
      ]),
    );
    if (!ofKey().some((object) => isNew(object) && reader.bytes(object.handle, C.CKA_VALUE)?.equals(der)))
      throw reader.failure ?? new AgentError('card-fault', { detail: 'the certificate is not on the token' });
  } catch (error) {
    takeBack(reader, () => ofKey().filter(isNew));
    throw error;
  }
  for (const { handle } of before) destroy(reader, handle);
  if (!ofKey().every(isNew))
    throw new AgentError('card-fault', { detail: 'C_DestroyObject has left the certificate of before' });
}

/** Keys, and their certificates; the private half first: what is left of one that was cut off is of no use. */
export function deleteKeys(reader: ObjectReader, ids: readonly string[]): void {
  const found = objectsOf(reader, ids);
  const missing = ids.find((id) => !found.some((object) => object.id === id));
  if (missing !== undefined)
    throw reader.failure ?? new AgentError('no-identity', { detail: `no key ${missing}` });
  for (const { handle } of found) destroy(reader, handle);
  const [left] = objectsOf(reader, ids);
  if (left !== undefined)
    throw new AgentError('card-fault', {
      detail: `C_DestroyObject has left something of the key ${left.id}`,
    });
}

/** Both halves of these keys, and their certificates. */
function objectsOf(reader: ObjectReader, ids: readonly string[]): FoundObject[] {
  const classes = [C.CKO_PRIVATE_KEY, C.CKO_PUBLIC_KEY, C.CKO_CERTIFICATE];
  return classes.flatMap((one) => reader.find(one)).filter(({ id }) => ids.includes(id));
}

/** What a step that failed may have left: with a module that does not do it either, it can be deleted later. */
function takeBack(reader: ObjectReader, left: () => readonly FoundObject[]): void {
  try {
    for (const { handle } of left()) destroy(reader, handle);
  } catch {
    // the failure itself is told
  }
}

function destroy({ module, session }: ObjectReader, handle: Buffer): void {
  checked('C_DestroyObject', () => {
    module.pkcs11.C_DestroyObject(session, handle);
  });
}
