// The PUK of a card for an officer, who unblocks cards of others: sealed to the officer's certificate, for their card or key.
// Anybody can open it who has that key: openssl cms -decrypt -inform DER -in FILE -recip CERT -inkey KEY.
// Specification: RFC 5652, 6 (EnvelopedData), RFC 3560 (RSAES-OAEP), RFC 5753 (ECDH).

import { webcrypto } from 'node:crypto';
import { AgentError } from '../../base/errors.ts';
import { hasKeyUsage, KEY_USAGE_BIT } from '../../model/key/certificate-uses.ts';
import { parseCertificate, type Certificate } from '../../model/key/key.ts';
import { escrow as say } from '../../words/setup.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { readCertificateFile } from './certificate-file.ts';

/** RFC 5652, 14. */
const ENVELOPED_DATA = '1.2.840.113549.1.7.3';

/**
 * The officer's certificate.
 * @throws CommandError `usage`, `bad-certificate`, `weak-key` where nothing is to be sealed to it: it has ended, or is not for that
 */
export function readOfficer(path: string, context: CommandContext): Certificate {
  const officer = parseCertificate(Buffer.from(readCertificateFile(path, context), 'base64'));
  const fault = faultOf(officer);
  if (fault !== null) throw new CommandError('bad-certificate', fault);
  return officer;
}

function faultOf({ der, publicKey, notBeforeMs, notAfterMs }: Certificate): string | null {
  const nowMs = Date.now();
  if (nowMs > notAfterMs) return say.ended(new Date(notAfterMs).toISOString().slice(0, 10));
  if (nowMs < notBeforeMs) return say.notYet(new Date(notBeforeMs).toISOString().slice(0, 10));
  if (publicKey.algorithm === 'ed25519') return say.unfit;
  const isRsa = publicKey.algorithm.startsWith('rsa');
  const bit = isRsa ? KEY_USAGE_BIT.keyEncipherment : KEY_USAGE_BIT.keyAgreement;
  try {
    return hasKeyUsage(der, bit) === false ? say.unfit : null;
  } catch (error) {
    if (error instanceof AgentError) return say.unfit;
    throw error;
  }
}

/** CMS, DER. @param secret stays the caller's */
export async function sealTo(officer: Certificate, secret: Uint8Array): Promise<Buffer> {
  const pkijs = await import('pkijs');
  const engine = new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto as never });
  const enveloped = new pkijs.EnvelopedData();
  const certificate = pkijs.Certificate.fromBER(new Uint8Array(officer.der).buffer);
  const by = { oaepHashAlgorithm: 'SHA-256', kdfAlgorithm: 'SHA-256', kekEncryptionLength: 256 };
  enveloped.addRecipientByCertificate(certificate, by, undefined, engine);
  const plain = new Uint8Array(secret);
  try {
    await enveloped.encrypt({ name: 'AES-CBC', length: 256 }, plain.buffer, engine);
  } finally {
    plain.fill(0);
  }
  const content = new pkijs.ContentInfo({ contentType: ENVELOPED_DATA, content: enveloped.toSchema() });
  return Buffer.from(content.toSchema().toBER());
}
