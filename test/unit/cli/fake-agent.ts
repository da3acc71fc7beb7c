// The other side of sc_auth in its tests: a varlink server on a Unix socket that plays a script. It decides
// nothing and checks nothing; the real scauthd is met in the end-to-end tests.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodeFrame,
  HEADER_BYTES,
  parseBody,
  parseHeader,
  type AnswerFrame,
  type Frame,
} from '../../../agent/protocol/frames.ts';
import {
  encodeMessage,
  MessageSplitter,
  parseCall,
  type VarlinkCall,
} from '../../../agent/protocol/varlink.ts';
import type { WireIdentity, WirePairing, WireToken } from '../../../agent/protocol/io-scauth.ts';

/** One connection: what came, and the ways to answer it. */
export class Caller {
  readonly #socket: Socket;
  #frames = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  reply(parameters: Readonly<Record<string, unknown>>): void {
    this.raw(encodeMessage({ parameters }));
  }

  fail(error: string, parameters: Readonly<Record<string, unknown>> = {}): void {
    this.raw(encodeMessage({ error, parameters }));
  }

  raw(bytes: Buffer | string): void {
    this.#socket.write(bytes);
  }

  send(frame: Frame): void {
    this.raw(Buffer.from(encodeFrame(frame)));
  }

  result(value: unknown): void {
    this.send({ type: 'result', json: JSON.stringify(value) });
    this.end();
  }

  end(): void {
    this.#socket.end();
  }

  /** The next answer frame, or null when the relay closes instead. */
  async answer(): Promise<AnswerFrame | null> {
    for (;;) {
      if (this.#frames.length >= HEADER_BYTES) {
        const { typeNumber, bodyLength } = parseHeader(this.#frames.subarray(0, HEADER_BYTES));
        const end = HEADER_BYTES + bodyLength;
        if (this.#frames.length >= end) {
          const frame = parseBody(typeNumber, this.#frames.subarray(HEADER_BYTES, end));
          this.#frames = this.#frames.subarray(end);
          if (frame.type !== 'answer') throw new Error(`a relay must not send ${frame.type}`);
          return frame;
        }
      }
      if (this.#socket.readableEnded || this.#socket.destroyed) return null;
      const aborter = new AbortController();
      const { signal } = aborter;
      const chunk = await Promise.race([
        once(this.#socket, 'data', { signal }).then(([bytes]) => bytes as Buffer),
        once(this.#socket, 'end', { signal }).then(() => null),
        once(this.#socket, 'close', { signal }).then(() => null),
      ]).finally(() => {
        aborter.abort();
      });
      if (chunk === null) return null;
      this.#frames = Buffer.concat([this.#frames, chunk]);
    }
  }

  /** Asks for a secret and gives back what was answered: text, or null when cancelled. */
  async ask(text: string, echo = false): Promise<string | null> {
    this.send({ type: 'ask', echo, text });
    const frame = await this.answer();
    return frame?.status === 'answered' ? frame.secret.toString() : null;
  }
}

export type Script = (call: VarlinkCall, caller: Caller) => void | Promise<void>;

export interface FakeAgent {
  readonly path: string;
  readonly calls: VarlinkCall[];
  /** The script's own failures: a test looks that there is none. */
  readonly failures: unknown[];
  close(): Promise<void>;
}

export async function startFakeAgent(script: Script): Promise<FakeAgent> {
  const folder = mkdtempSync(join(tmpdir(), 'sc-auth-'));
  const path = join(folder, 'io.scauth');
  const calls: VarlinkCall[] = [];
  const failures: unknown[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const splitter = new MessageSplitter();
    const listen = (chunk: Buffer) => {
      splitter.push(chunk);
      const message = splitter.next();
      if (message === null) return;
      const call = parseCall(message);
      calls.push(call);
      socket.off('data', listen);
      Promise.resolve(script(call, new Caller(socket))).catch((error: unknown) => {
        // A caller that ends before it is asked (wrong usage) is no failure of the script.
        const { code = '' } = error as NodeJS.ErrnoException;
        if (!['EPIPE', 'ECONNRESET'].includes(code)) failures.push(error);
        socket.destroy();
      });
    };
    socket.on('data', listen);
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    path,
    calls,
    failures,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const HASH = '0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8';
export const OTHER_HASH = '00112233445566778899AABBCCDDEEFF00112233';
export const LABEL = 'User PIN (Ludovic Rousseau):ID Root CA de CAcert WoT User (CAcert WoT User)';

export function identity(over: Partial<WireIdentity> = {}): WireIdentity {
  return {
    hash: HASH,
    label: LABEL,
    token: 'org.scauth.piv:1234',
    reader: null,
    slot: '9A',
    use: 'authentication',
    algorithm: 'rsa2048',
    commonName: 'CAcert WoT User',
    issuer: null,
    serial: null,
    notBefore: null,
    notAfter: null,
    unfit: null,
    warning: null,
    pin: null,
    touch: null,
    pairedWith: [],
    ...over,
  };
}

export function pairing(over: Partial<WirePairing> = {}): WirePairing {
  return {
    user: 'alice',
    hash: HASH,
    label: LABEL,
    token: 'org.scauth.piv:1234',
    driver: 'org.scauth.piv',
    algorithm: 'rsa2048',
    sha256: 'AB'.repeat(32),
    keyKnown: true,
    pairedBy: 'root',
    pairedAt: '2026-11-23T20:00:00.000Z',
    lost: null,
    book: null,
    ...over,
  };
}

export function token(over: Partial<WireToken> = {}): WireToken {
  return {
    id: 'org.scauth.piv:1234',
    driver: 'org.scauth.piv',
    label: 'PIV card',
    reader: 'Virtual PCD 00 00',
    triesLeft: 3,
    triesTotal: 3,
    pukTriesLeft: null,
    pukTriesTotal: null,
    factory: [],
    makesKeys: false,
    readAt: '2026-11-23T20:00:00.000Z',
    notes: [],
    ...over,
  };
}
