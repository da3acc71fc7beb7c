// The certificate object: what is in its tag 70, plain or packed, with a hard cap. Whether it is packed its first bytes
// say, as Yubico's tools read it: CertInfo (71) is set by some programs and forgotten by others. What stands around tag
// 70 costs nothing. Specification: SP 800-73-4 part 1, table 10; RFC 1950 and 1952; Yubico's `01 00` (of NetKey cards).

import { gunzipSync, inflateSync } from 'node:zlib';
import { AgentError } from '../../base/errors.ts';
import { readOnly, readTlv } from '../../base/tlv.ts';
import { MAX_CERTIFICATE_BYTES } from '../../model/key/key.ts';
import * as P from './constants.ts';

/** `01 00`, and how long the certificate is unpacked, little-endian. */
const LENGTH_HEADER_BYTES = 4;

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
    const certificate = onlyCertificate(object);
    return certificate.length === 0 ? null : unpacked(certificate);
  } catch (cause) {
    if (cause instanceof AgentError && cause.code === 'bad-certificate') throw cause;
    const detail = cause instanceof Error ? cause.message : 'unreadable';
    throw new AgentError('bad-certificate', { detail: `certificate object: ${detail}`, cause });
  }
}

/** The value of tag 70; empty where there is none. @throws AgentError `malformed` */
function onlyCertificate(object: Buffer): Buffer {
  let found: Buffer | null = null;
  for (let rest = object; rest.length > 0;) {
    try {
      const [{ tag, value }, after] = readTlv(rest);
      rest = after;
      if (tag !== P.CERTIFICATE) continue;
      if (found !== null)
        throw new AgentError('bad-certificate', { detail: 'two certificates in one object' });
      found = value;
    } catch (error) {
      // Nonsense behind the certificate is not ours to judge.
      if (found === null || !(error instanceof AgentError) || error.code !== 'malformed') throw error;
      break;
    }
  }
  return found ?? Buffer.alloc(0);
}

function unpacked(bytes: Buffer): Buffer {
  switch (bytes.subarray(0, 2).toString('hex')) {
    case '1f8b':
      return inflate(bytes, gunzipSync);
    case '0100': {
      const certificate = inflate(bytes.subarray(LENGTH_HEADER_BYTES), inflateSync);
      if (bytes.readUInt16LE(2) === certificate.length) return certificate;
      throw new AgentError('bad-certificate', { detail: 'certificate object: not as long as it says' });
    }
    default:
      return bytes[0] === 0x78 ? inflate(bytes, inflateSync) : bytes;
  }
}

/** Inflates at most MAX_CERTIFICATE_BYTES (lesson L11: a bomb), and all of the input. */
function inflate(bytes: Buffer, unpack: typeof gunzipSync): Buffer {
  let inflated: { buffer: Buffer; engine: { bytesWritten: number } };
  try {
    // With `info` zlib says how many input bytes it used: bytes after the stream are no part of a certificate.
    inflated = unpack(bytes, {
      maxOutputLength: MAX_CERTIFICATE_BYTES,
      info: true,
    }) as unknown as typeof inflated;
  } catch (cause) {
    throw new AgentError('bad-certificate', { detail: 'certificate object: it cannot be inflated', cause });
  }
  if (inflated.engine.bytesWritten !== bytes.length) {
    throw new AgentError('bad-certificate', {
      detail: 'certificate object: bytes after the packed certificate',
    });
  }
  return inflated.buffer;
}
