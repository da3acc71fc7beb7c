// A directory server of the test's: it speaks as much LDAP as scauth-fleet does, and says what a test wants, byte by byte.

import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { readOnly, readTlv, writeTlv } from '../../../agent/base/tlv.ts';
import { Authority } from './tls.ts';

export function octets(text: string | Buffer): Buffer {
  return writeTlv(0x04, Buffer.from(text));
}

export function message(id: number, operation: Buffer, ...more: readonly Buffer[]): Buffer {
  return writeTlv(0x30, Buffer.concat([writeTlv(0x02, Buffer.from([id])), operation, ...more]));
}

/** @param more of an LDAPResult: a referral, for example */
export function result(tag: number, code: number, text = '', more: Buffer = Buffer.alloc(0)): Buffer {
  return writeTlv(tag, Buffer.concat([writeTlv(0x0a, Buffer.from([code])), octets(''), octets(text), more]));
}

export function searchDone(id: number, code = 0): Buffer {
  return message(id, result(0x65, code));
}

export function entry(
  id: number,
  dn: string,
  attributes: Readonly<Record<string, readonly string[]>>,
): Buffer {
  const list = Object.entries(attributes).map(([type, values]) =>
    writeTlv(0x30, Buffer.concat([octets(type), writeTlv(0x31, Buffer.concat(values.map(octets)))])),
  );
  return message(id, writeTlv(0x64, Buffer.concat([octets(dn), writeTlv(0x30, Buffer.concat(list))])));
}

export interface Asked {
  readonly id: number;
  /** Tag of the operation. */
  readonly operation: number;
  /** The attributes of a search, as they were asked for. */
  readonly attributes: readonly string[];
  /** The whole request. */
  readonly bytes: Buffer;
}

function askedOf(bytes: Buffer): Asked {
  const [id, rest] = readTlv(readOnly(bytes, 0x30));
  const [operation] = readTlv(rest);
  let attributes: string[] = [];
  if (operation.tag === 0x63) {
    let [last, more] = readTlv(operation.value);
    while (more.length > 0) [last, more] = readTlv(more);
    for (let list = last.value; list.length > 0;) {
      const [name, others] = readTlv(list);
      attributes = [...attributes, name.value.toString()];
      list = others;
    }
  }
  return { id: id.value.readUIntBE(0, id.value.length), operation: operation.tag, attributes, bytes };
}

/** What one request is answered with. */
export type Answer = (asked: Asked, socket: Socket) => readonly Buffer[];

export interface LyingOptions {
  /** StartTLS: what the server says, in the clear; null speaks TLS from the first byte. */
  readonly startTls?: ((socket: Socket) => Buffer) | null;
}

export class LyingServer {
  readonly authority = new Authority();
  readonly asked: Asked[] = [];
  /** What came in the clear. */
  clear = Buffer.alloc(0);
  port = 0;
  answer: Answer;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => {
    this.#accept(socket);
  });
  readonly #startTls: ((socket: Socket) => Buffer) | null;
  readonly #context;

  constructor(answer: Answer, { startTls = null }: LyingOptions = {}) {
    this.answer = answer;
    this.#startTls = startTls;
    const { cert, key } = this.authority.issue('localhost', ['IP:127.0.0.1']);
    this.#context = createSecureContext({ cert: readFileSync(cert), key: readFileSync(key) });
  }

  get url(): string {
    return `${this.#startTls === null ? 'ldaps' : 'ldap'}://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    const startTls = this.#startTls;
    if (startTls === null) {
      this.#secure(socket);
      return;
    }
    socket.on('data', (bytes: Buffer) => {
      this.clear = Buffer.concat([this.clear, bytes]);
    });
    socket.once('data', () => socket.write(startTls(socket)));
  }

  #secure(plain: Socket): void {
    const socket = new TLSSocket(plain, { isServer: true, secureContext: this.#context });
    let buffer: Buffer = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      buffer = Buffer.concat([buffer, bytes]);
      while (buffer.length > 0) {
        const [tlv, rest] = readTlv(buffer);
        const asked = askedOf(writeTlv(tlv.tag, tlv.value));
        buffer = rest;
        this.asked.push(asked);
        for (const one of this.answer(asked, socket)) if (!socket.destroyed) socket.write(one);
      }
    });
  }
}

/** A directory that is what it should be, with these lines. */
export function honest(lines: {
  readonly heads: readonly string[];
  readonly people?: Readonly<Record<string, readonly string[]>>;
}): Answer {
  return ({ id, attributes }) => {
    if (attributes.includes('namingContexts'))
      return [entry(id, '', { namingContexts: ['dc=example,dc=org'] }), searchDone(id)];
    if (attributes.includes('entryCSN'))
      return [entry(id, 'cn=book', { entryCSN: ['1'], objectClass: ['scauthBook'] }), searchDone(id)];
    if (attributes.includes('contextCSN'))
      return [entry(id, 'dc=example', { contextCSN: ['1'] }), searchDone(id)];
    if (attributes.includes('scauthBookHead'))
      return [entry(id, 'cn=book', { scauthBookHead: lines.heads }), searchDone(id)];
    const people = Object.entries(lines.people ?? {}).map(([dn, scauthRecord]) =>
      entry(id, dn, { scauthRecord }),
    );
    return [...people, searchDone(id)];
  };
}
