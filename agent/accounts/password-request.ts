// The request from password.ts to its child check-password.ts: bytes, because it carries a password. Both sides
// write and read it in secret buffers. Layout, numbers big-endian: length u16 of what follows, then service,
// user, confdir (empty: the machine's own) and password, each as length u16 and bytes.

import { ByteReader } from '../base/bytes.ts';
import { AgentError } from '../base/errors.ts';
import { MAX_SECRET_BYTES, SecretBuffer } from '../base/secret.ts';

const LENGTH_BYTES = 2;
/** Longest service, user or confdir, bytes. */
const MAX_NAME_BYTES = 1024;
/** Longest request without its length in front. */
const MAX_REQUEST_BYTES = 3 * (LENGTH_BYTES + MAX_NAME_BYTES) + LENGTH_BYTES + MAX_SECRET_BYTES;

export interface PasswordRequest {
  readonly service: string;
  readonly user: string;
  readonly confdir: string | null;
  /** When read: a view into the request's buffer. */
  readonly password: Buffer;
}

/**
 * The request with its length in front, in a secret buffer that the caller releases.
 * @throws AgentError `invalid-argument` for a name that is empty, too long or holds a NUL
 */
export function writeRequest(request: PasswordRequest): SecretBuffer {
  const names = [request.service, request.user, request.confdir ?? ''].map((name) => Buffer.from(name));
  if (
    names.some((name) => name.length > MAX_NAME_BYTES || name.includes(0)) ||
    request.password.length > MAX_SECRET_BYTES
  ) {
    throw new AgentError('invalid-argument', {
      say: 'password request: a field is too long or holds a NUL',
    });
  }
  if (request.service === '' || request.user === '') {
    throw new AgentError('invalid-argument', { say: 'password request: no service or no user' });
  }
  const fields = [...names, request.password];
  const length = fields.reduce((sum, field) => sum + LENGTH_BYTES + field.length, 0);
  const written = new SecretBuffer(LENGTH_BYTES + length);
  let offset = written.bytes.writeUInt16BE(length, 0);
  for (const field of fields) {
    offset = written.bytes.writeUInt16BE(field.length, offset);
    written.bytes.set(field, offset);
    offset += field.length;
  }
  return written;
}

/** How many bytes follow the two of the length. @throws AgentError `malformed` when they are too many */
export function requestLength(prefix: Buffer): number {
  const length = prefix.readUInt16BE(0);
  if (length > MAX_REQUEST_BYTES) throw new AgentError('malformed', { detail: 'password request: too long' });
  return length;
}

/**
 * Reads what follows the length.
 * @throws AgentError `malformed`
 */
export function readRequest(bytes: Buffer): PasswordRequest {
  const reader = new ByteReader(bytes);
  const field = (): Buffer => reader.bytes(reader.u16());
  const service = field().toString();
  const user = field().toString();
  const confdir = field().toString();
  const password = field();
  reader.end();
  if (service === '' || user === '' || password.length > MAX_SECRET_BYTES) {
    throw new AgentError('malformed', { detail: 'password request: a field is missing or too long' });
  }
  return { service, user, confdir: confdir === '' ? null : confdir, password };
}
