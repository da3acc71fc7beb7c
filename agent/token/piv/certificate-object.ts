// The certificate object: 70 (certificate) + 71 (CertInfo) + FE, in any order; gzip with a hard cap.
// Subset: definite lengths, known tags once each, no trailing bytes. Specification: SP 800-73-4 part 1, table 10.

import { gunzipSync } from 'node:zlib';
import { AgentError } from '../../base/errors.ts';
import { readOnly, readTlvs } from '../../base/tlv.ts';
import { MAX_CERTIFICATE_BYTES } from '../../model/key.ts';
import * as P from './constants.ts';

/** MSCUID of old cards: allowed by table 10 of SP 800-73-2, and of no use. */
const MSCUID = 0x72;
const KNOWN_TAGS: readonly number[] = [P.CERTIFICATE, P.CERT_INFO, MSCUID, P.ERROR_DETECTION_CODE];

/**
 * The certificate (DER, not yet parsed) in a reply to GET DATA.
 * @param reply with its wrapper 53
 * @returns null for an empty object: no certificate
 * @throws AgentError `bad-certificate`
 */
export function readCertificateObject(reply: Uint8Array): Buffer | null {
  try {
    const object = readOnly(reply, P.DISCRETIONARY_DATA);
    if (object.length === 0) return null;
    const elements = readTlvs(object);
    const found = new Map<number, Buffer>();
    for (const { tag, value } of elements) {
      if (!KNOWN_TAGS.includes(tag)) throw new AgentError('malformed', { detail: `tag ${tag.toString(16)}` });
      if (found.has(tag)) throw new AgentError('malformed', { detail: `tag ${tag.toString(16)} twice` });
      found.set(tag, value);
    }
    const certificate = found.get(P.CERTIFICATE);
    if (certificate === undefined || certificate.length === 0) return null;
    const info = found.get(P.CERT_INFO)?.[0] ?? 0;
    return (info & P.CERT_INFO_COMPRESSED) === 0 ? certificate : inflate(certificate);
  } catch (cause) {
    if (cause instanceof AgentError && cause.code === 'bad-certificate') throw cause;
    const detail = cause instanceof Error ? cause.message : 'unreadable';
    throw new AgentError('bad-certificate', { detail: `certificate object: ${detail}`, cause });
  }
}

/** Inflates at most MAX_CERTIFICATE_BYTES (lesson L11: a gzip bomb). */
function inflate(bytes: Buffer): Buffer {
  let inflated: { buffer: Buffer; engine: { bytesWritten: number } };
  try {
    // With `info` zlib says how many input bytes it used: bytes after the stream are no part of a certificate.
    inflated = gunzipSync(bytes, {
      maxOutputLength: MAX_CERTIFICATE_BYTES,
      info: true,
    }) as unknown as typeof inflated;
  } catch (cause) {
    throw new AgentError('bad-certificate', { detail: 'certificate object: gzip cannot be inflated', cause });
  }
  if (inflated.engine.bytesWritten !== bytes.length) {
    throw new AgentError('bad-certificate', { detail: 'certificate object: bytes after the gzip stream' });
  }
  return inflated.buffer;
}
