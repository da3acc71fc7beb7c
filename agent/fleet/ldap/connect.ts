// A connection to a directory server: always TLS, from the first byte (ldaps) or by StartTLS (RFC 4511, 4.14) before
// anything else is said. A server that answers StartTLS with anything but yes gets nothing more, least of all a password.

import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { AgentError } from '../../base/errors.ts';
import { readOnly, readTlv, writeTlv } from '../../base/tlv.ts';
import { messageLength } from './message.ts';

const START_TLS = '1.3.6.1.4.1.1466.20037';
const EXTENDED_REQUEST = 0x77;
const EXTENDED_RESPONSE = 0x78;
const REQUEST_NAME = 0x80;
const MAX_ANSWER_BYTES = 4096;
const KEEP_ALIVE_MS = 30_000;

export interface Server {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly startTls: boolean;
}

/** What the settings say about TLS: authorities in PEM, and a certificate of ours for SASL EXTERNAL. */
export interface TlsParts {
  readonly ca: readonly string[];
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** @param url that the settings' schema has taken */
export function serverOf(url: string): Server {
  const { protocol, hostname, port } = new URL(url);
  const startTls = protocol === 'ldap:';
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return { url, host, port: port === '' ? (startTls ? 389 : 636) : Number(port), startTls };
}

const startTlsRequest = writeTlv(
  0x30,
  Buffer.concat([
    writeTlv(0x02, Buffer.from([1])),
    writeTlv(EXTENDED_REQUEST, writeTlv(REQUEST_NAME, Buffer.from(START_TLS))),
  ]),
);

/** Whether the whole answer is there. @throws AgentError unless it is a yes, and nothing else */
export function takesStartTls(answer: Buffer): boolean {
  const length = messageLength(answer.subarray(0, 5));
  if (length === null || answer.length < length) {
    if (answer.length <= MAX_ANSWER_BYTES) return false;
    throw new AgentError('malformed', { detail: 'the answer to StartTLS is too long' });
  }
  // What comes in the clear behind the answer would be taken for what came through TLS.
  if (answer.length > length)
    throw new AgentError('malformed', { detail: 'more than the answer to StartTLS' });
  const [, operation] = readTlv(readOnly(answer, 0x30));
  const [result] = readTlv(readTlv(operation)[0].value);
  if (
    readTlv(operation)[0].tag !== EXTENDED_RESPONSE ||
    result.tag !== 0x0a ||
    !result.value.equals(Buffer.from([0]))
  )
    throw new AgentError('not-allowed', {
      detail: 'the server does not take StartTLS, and nothing is said without',
    });
  return true;
}

async function startTls(socket: Socket): Promise<void> {
  socket.write(startTlsRequest);
  for (let answer = Buffer.alloc(0); !takesStartTls(answer);) {
    await happens(socket, 'readable');
    const bytes = socket.read() as Buffer | null;
    if (bytes !== null) answer = Buffer.concat([answer, bytes]);
  }
}

async function happens(socket: Socket, event: string): Promise<void> {
  const ended = new AbortController();
  const end = (): void => {
    ended.abort();
  };
  socket.once('close', end);
  try {
    await once(socket, event, { signal: ended.signal });
  } finally {
    socket.off('close', end);
  }
}

/**
 * @param timeoutMs for all of it
 * @throws when there is no such server, or it is not the one that the certificate must name
 */
export async function openTls(server: Server, tls: TlsParts, timeoutMs: number): Promise<TLSSocket> {
  const plain = connect({ host: server.host, port: server.port, noDelay: true });
  let socket: Socket = plain;
  const timer = setTimeout(() => {
    socket.destroy(new Error(`no connection within ${Math.round(timeoutMs)} ms`));
  }, timeoutMs);
  try {
    await happens(plain, 'connect');
    plain.setKeepAlive(true, KEEP_ALIVE_MS);
    if (server.startTls) await startTls(plain);
    // What goes wrong below TLS ends it, and is said there.
    plain.on('error', () => undefined);
    const secure = connectTls({
      socket: plain,
      host: server.host,
      ...(isIP(server.host) === 0 ? { servername: server.host } : {}),
      minVersion: 'TLSv1.2',
      ca: [...tls.ca],
      ...(tls.cert === undefined || tls.key === undefined ? {} : { cert: tls.cert, key: tls.key }),
    });
    socket = secure;
    await happens(secure, 'secureConnect');
    return secure;
  } catch (error) {
    plain.destroy();
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
