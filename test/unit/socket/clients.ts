// Raw clients of the two sockets, for tests: they say what they are told, right or wrong, and wait for what comes.

import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { freeSecretSlots } from '../../../agent/base/secret.ts';
import {
  encodeFrame,
  HEADER_BYTES,
  parseBody,
  parseHeader,
  type BeginFrame,
  type Frame,
} from '../../../agent/protocol/frames.ts';
import type { Listeners } from '../../../agent/socket/peers/listeners.ts';
import { listenAtBoth } from '../../../agent/socket/peers/listen.ts';
import { Turns } from '../../../agent/socket/turns.ts';
import { OpenLogins } from '../../../agent/socket/open-logins.ts';
import { createPamServer, type PamServerParts } from '../../../agent/socket/pam-server.ts';
import { MessageSplitter } from '../../../agent/protocol/varlink.ts';
import { temporaryFolder } from '../base/folders.ts';

/** Serves at a socket of its own until the test ends. @returns the socket's path */
export async function serveAt(t: ExecutionContext, listeners: Listeners): Promise<string> {
  const path = join(temporaryFolder(t), 'socket');
  await listenAtBoth(listeners, path);
  t.teardown(() => {
    listeners.close();
  });
  return path;
}

/** A server of pam.sock in which nothing happens but what is given. */
export function pamServer(parts: Partial<PamServerParts>): Listeners {
  const notAsked = (): Promise<never> => Promise.reject(new Error('not asked'));
  return createPamServer({
    login: notAsked,
    enter: notAsked,
    passwordChanged: () => Promise.resolve(),
    open: new OpenLogins(),
    turns: new Turns(),
    log: () => undefined,
    ...parts,
  });
}

const SLOTS_MS = 20_000;

/**
 * Resolves when every secret slot is given back; more are, where a file before in the same process lets go of one late.
 * @throws Error where one is held for good, by this file or by one before it
 */
export async function slotsBack(count: number): Promise<void> {
  const deadline = performance.now() + SLOTS_MS;
  while (freeSecretSlots() < count) {
    if (performance.now() > deadline) throw new Error(`${count - freeSecretSlots()} secrets are held`);
    await new Promise(setImmediate);
  }
}

class Client<T> {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  readonly #arrived: T[] = [];
  #wake: () => void = () => undefined;
  #isClosed = false;

  constructor(t: ExecutionContext, path: string) {
    this.socket = connect(path);
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
    t.teardown(() => {
      this.socket.destroy();
    });
  }

  protected arrived(item: T): void {
    this.#arrived.push(item);
    this.#wake();
  }

  /** The next item; null when the server has closed. */
  async next(): Promise<T | null> {
    for (;;) {
      const item = this.#arrived.shift();
      if (item !== undefined) return item;
      if (this.#isClosed) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export class FrameClient extends Client<Frame> {
  /** In which frames behind begin are sent. */
  version = 1;
  /** Of the last frame that came. */
  lastVersion = 0;
  #pending = Buffer.alloc(0);

  constructor(t: ExecutionContext, path: string) {
    super(t, path);
    this.socket.on('data', (bytes: Buffer) => {
      this.take(bytes);
    });
  }

  take(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    while (this.#pending.length >= HEADER_BYTES) {
      const { version, typeNumber, bodyLength } = parseHeader(this.#pending.subarray(0, HEADER_BYTES));
      const end = HEADER_BYTES + bodyLength;
      if (this.#pending.length < end) return;
      this.lastVersion = version;
      this.arrived(parseBody(typeNumber, this.#pending.subarray(HEADER_BYTES, end), version));
      this.#pending = this.#pending.subarray(end);
    }
  }

  send(frame: Frame): void {
    this.socket.write(encodeFrame(frame, undefined, frame.type === 'begin' ? 1 : this.version));
  }

  answer(secret: string): void {
    this.send({ type: 'answer', status: 'answered', secret: Buffer.from(secret) });
  }

  /** The next frame that is no heartbeat. */
  async nextWord(): Promise<Frame | null> {
    for (;;) {
      const frame = await this.next();
      if (frame?.type !== 'wait') return frame;
    }
  }
}

export function begin(more: Partial<BeginFrame> = {}): BeginFrame {
  return {
    type: 'begin',
    minVersion: 1,
    maxVersion: 1,
    phase: 'authenticate',
    flags: 0,
    service: 'sudo',
    user: 'alice',
    tty: null,
    rhost: null,
    ruser: null,
    ...more,
  };
}

export interface Reply {
  readonly error?: string;
  readonly parameters?: Record<string, unknown>;
}

export class VarlinkClient extends Client<Reply> {
  readonly #messages = new MessageSplitter();

  constructor(t: ExecutionContext, path: string) {
    super(t, path);
    this.socket.on('data', (bytes: Buffer) => {
      this.#messages.push(bytes);
      for (let message = this.#messages.next(); message !== null; message = this.#messages.next()) {
        this.arrived(JSON.parse(message.toString()) as Reply);
      }
    });
  }

  send(call: object): void {
    this.socket.write(`${JSON.stringify(call)}\0`);
  }

  async call(method: string, parameters: object = {}): Promise<Reply | null> {
    this.send({ method, parameters });
    return this.next();
  }
}
