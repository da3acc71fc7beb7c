// A secret (the password of a login keyring, a help desk's seed) that only a card can open: sealed to its key for key management, bound to
// user, pairing, card and host. Sealing needs the public key alone; opening needs what the card makes of `cardInput`.
// ECDH with an ephemeral key (SP 800-56A, C(1e, 1s)) or RSA-KEM (RFC 5990: a random number below the modulus, so that
// there is no padding whose failure could tell anything); HKDF-SHA-256 (RFC 5869); AES-256-GCM. No card is spoken to.

import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  constants,
  hkdfSync,
  publicEncrypt,
  randomBytes,
  randomFillSync,
} from 'node:crypto';
import { ByteReader } from '../../base/bytes.ts';
import { AgentError } from '../../base/errors.ts';
import { Pin } from '../../base/pin.ts';
import { MAX_SECRET_BYTES, SecretBuffer } from '../../base/secret.ts';
import type { KeyAlgorithm, Pkhh, PublicKey } from '../key/key.ts';
import type { Username } from '../request.ts';

const LABEL = 'scauth keyring secret';
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** The length of the secret shows in steps of this only. */
const STEP_BYTES = 64;
/** RSA-4096, the longest secret, and what is around them. */
export const MAX_SEALED_BYTES = 1200;

/** What a seal holds for, beside the key: opened with any other of these it does not open. */
export interface SealBinding {
  readonly hostId: Uint8Array;
  readonly user: Username;
  /** The paired key of the same card; of a help desk's seed, the key of the card that it helps. */
  readonly pkhh: Pkhh;
  /** What it is; absent: a login keyring's. None opens as the other. */
  readonly what?: 'help desk seed';
}

interface Kind {
  /** Bytes that the card is given, and bytes that it makes of them. */
  readonly inputBytes: number;
  readonly agreedBytes: number;
  /** Node's name of the curve; null for RSA. */
  readonly curve: string | null;
}

const KINDS: Readonly<Record<KeyAlgorithm, Kind | null>> = {
  rsa2048: { inputBytes: 256, agreedBytes: 256, curve: null },
  rsa3072: { inputBytes: 384, agreedBytes: 384, curve: null },
  rsa4096: { inputBytes: 512, agreedBytes: 512, curve: null },
  p256: { inputBytes: 65, agreedBytes: 32, curve: 'prime256v1' },
  p384: { inputBytes: 97, agreedBytes: 48, curve: 'secp384r1' },
  ed25519: null, // signs and nothing else
};

function requireKind(key: PublicKey): Kind {
  const kind = KINDS[key.algorithm];
  if (kind === null)
    throw new AgentError('not-supported', { detail: `nothing is sealed to ${key.algorithm}` });
  return kind;
}

/** Whether secrets can be sealed to a key of this kind. */
export function canSealTo(key: PublicKey): boolean {
  return KINDS[key.algorithm] !== null;
}

/** How long what the card makes of its input has to be. @throws AgentError `not-supported` */
export function agreedBytesOf(key: PublicKey): number {
  return requireKind(key).agreedBytes;
}

/** The uncompressed point of a key (SEC 1, 2.3.3). */
function pointOf(key: PublicKey): Buffer {
  const { x = '', y = '' } = key.keyObject.export({ format: 'jwk' });
  return Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
}

interface Agreement {
  readonly cardInput: Buffer;
  /** The caller releases it. */
  readonly agreed: SecretBuffer;
}

function agreeAlone(key: PublicKey): Agreement {
  const { curve, agreedBytes } = requireKind(key);
  const agreed = new SecretBuffer(agreedBytes);
  try {
    if (curve !== null) {
      const ephemeral = createECDH(curve);
      const cardInput = ephemeral.generateKeys();
      const shared = ephemeral.computeSecret(pointOf(key));
      agreed.bytes.set(shared);
      shared.fill(0);
      return { cardInput, agreed };
    }
    for (;;) {
      randomFillSync(agreed.bytes);
      // Below the modulus: its first byte is at least 80, so half of the numbers or more are; others are drawn anew.
      if ((agreed.bytes[0] ?? 0) >= 0x80) continue;
      const padding = constants.RSA_NO_PADDING;
      return { cardInput: publicEncrypt({ key: key.keyObject, padding }, agreed.bytes), agreed };
    }
  } catch (error) {
    agreed.release();
    throw error;
  }
}

/** All that the seal is bound to, each field with its length. */
function contextOf(key: PublicKey, cardInput: Uint8Array, { hostId, user, pkhh, what }: SealBinding): Buffer {
  const fields = [
    Buffer.from(what === undefined ? LABEL : `scauth ${what}`),
    Buffer.from([VERSION]),
    hostId,
    Buffer.from(user),
    Buffer.from(pkhh),
    key.spki,
    cardInput,
  ];
  return Buffer.concat(
    fields.flatMap((field) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(field.length);
      return [length, field];
    }),
  );
}

/** Lends the key that follows from what was agreed, and wipes it. Node's HKDF takes 1024 bytes of info: so a hash. */
function withKey<T>(agreed: Uint8Array, context: Buffer, act: (key: Buffer) => T): T {
  const info = createHash('sha256').update(context).digest();
  const derived = Buffer.from(hkdfSync('sha256', agreed, LABEL, info, KEY_BYTES));
  try {
    return act(derived);
  } finally {
    derived.fill(0);
  }
}

/**
 * Seals at most 512 bytes.
 * @throws AgentError `not-supported` for a key that cannot agree on anything
 */
export function sealSecret(secret: Uint8Array, key: PublicKey, binding: SealBinding): Buffer {
  if (secret.length > MAX_SECRET_BYTES)
    throw new AgentError('invalid-argument', { say: 'a secret of more than 512 bytes' });
  const { cardInput, agreed } = agreeAlone(key);
  const plain = new SecretBuffer(Math.ceil((2 + secret.length) / STEP_BYTES) * STEP_BYTES);
  try {
    plain.bytes.fill(0);
    plain.bytes.writeUInt16BE(secret.length);
    plain.bytes.set(secret, 2);
    const nonce = randomBytes(NONCE_BYTES);
    const context = contextOf(key, cardInput, binding);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(cardInput.length);
    return withKey(agreed.bytes, context, (derived) => {
      const cipher = createCipheriv('aes-256-gcm', derived, nonce).setAAD(context);
      const hidden = Buffer.concat([cipher.update(plain.bytes), cipher.final()]);
      return Buffer.concat([Buffer.from([VERSION]), length, cardInput, nonce, hidden, cipher.getAuthTag()]);
    });
  } finally {
    plain.release();
    agreed.release();
  }
}

interface Parsed {
  readonly cardInput: Buffer;
  readonly nonce: Buffer;
  readonly hidden: Buffer;
  readonly tag: Buffer;
}

function parse(sealed: Uint8Array, key: PublicKey): Parsed {
  const { inputBytes } = requireKind(key);
  if (sealed.length > MAX_SEALED_BYTES)
    throw new AgentError('malformed', { detail: 'sealed secret: too long' });
  const reader = new ByteReader(sealed);
  if (reader.u8() !== VERSION) throw new AgentError('malformed', { detail: 'sealed secret: version' });
  if (reader.u16() !== inputBytes)
    throw new AgentError('malformed', { detail: 'sealed secret: for another kind of key' });
  const cardInput = reader.bytes(inputBytes);
  const nonce = reader.bytes(NONCE_BYTES);
  const hiddenBytes = reader.remaining - TAG_BYTES;
  if (hiddenBytes <= 0 || hiddenBytes % STEP_BYTES !== 0)
    throw new AgentError('malformed', { detail: 'sealed secret: length' });
  return { cardInput, nonce, hidden: reader.bytes(hiddenBytes), tag: reader.bytes(TAG_BYTES) };
}

/** What the card is given. @throws AgentError `malformed`, `not-supported` */
export function cardInputOf(sealed: Uint8Array, key: PublicKey): Buffer {
  return parse(sealed, key).cardInput;
}

/**
 * Opens a seal.
 * @param agreed what the card has made of cardInputOf; the caller wipes it
 * @returns the secret, which the caller wipes
 * @throws AgentError `malformed` where it does not open: altered, or for another card, user, pairing or host
 */
export function openSealed(
  sealed: Uint8Array,
  key: PublicKey,
  agreed: Uint8Array,
  binding: SealBinding,
): Pin {
  const { cardInput, nonce, hidden, tag } = parse(sealed, key);
  const context = contextOf(key, cardInput, binding);
  let plain = Buffer.alloc(0);
  try {
    plain = withKey(agreed, context, (derived) => {
      const decipher = createDecipheriv('aes-256-gcm', derived, nonce).setAAD(context).setAuthTag(tag);
      const shown = decipher.update(hidden);
      try {
        decipher.final();
      } catch (cause) {
        shown.fill(0);
        throw new AgentError('malformed', { detail: 'the sealed secret does not open', cause });
      }
      return shown;
    });
    const length = plain.readUInt16BE();
    if (length > plain.length - 2 || length > MAX_SECRET_BYTES)
      throw new AgentError('malformed', { detail: 'sealed secret: inner length' });
    return new Pin(plain.subarray(2, 2 + length));
  } finally {
    plain.fill(0);
  }
}
