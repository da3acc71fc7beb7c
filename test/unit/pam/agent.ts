// A fake agent: serves one scripted conversation on a socket and keeps what the relay sent. It decides nothing,
// and it can break every rule of the protocol. Specification: PROTOCOL.md, section 1.
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';

export const PHASE = { authenticate: 1, account: 2, openSession: 4, closeSession: 5, chauthtok: 6 } as const;
export const VERDICT = {
  granted: 1,
  denied: 2,
  unavailable: 3,
  cancelled: 4,
  unknownUser: 5,
  cardRequired: 6,
  permitted: 7,
} as const;

/** What comes from the relay: type and body of each frame. */
export interface ReceivedFrame {
  readonly type: number;
  readonly body: Buffer;
}

/**
 * A step of a script: bytes to send; `read` waits for one frame of the relay; `hold` keeps the connection open
 * until the relay leaves; `gone` is what the kernel does for an agent that has died, and then SOCKET.gone is there;
 * `pause` lets so many milliseconds pass, for agents that are slow.
 */
export type Step = Uint8Array | 'read' | 'hold' | 'gone' | { readonly pauseMs: number };

/** @param length the length that the header claims, in bytes; by default that of the body. */
export function frame(
  type: number,
  body: Uint8Array = new Uint8Array(),
  version = 1,
  length = body.length,
): Buffer {
  const header = Buffer.from([0x53, 0x43, version, type, 0, 0, 0, 0]);
  header.writeUInt32BE(length, 4);
  return Buffer.concat([header, body]);
}

function field(value: string | Uint8Array | undefined): Buffer {
  if (value === undefined) return Buffer.from([0xff, 0xff]);
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export function ask(text: string, echo = 0): Buffer {
  return frame(2, Buffer.concat([Buffer.from([echo]), field(text)]));
}

export function tell(text: string, kind = 0): Buffer {
  return frame(3, Buffer.concat([Buffer.from([kind]), field(text)]));
}

export const WAIT = frame(4);

/** Frames of version 2. */
export function hold(text: string, plain: string): Buffer {
  return frame(8, Buffer.concat([field(text), field(plain)]), 2);
}

export function take(item = 1): Buffer {
  return frame(10, Buffer.from([item]), 2);
}

/** Frames of version 4. */
export const MEASURE = frame(14, Buffer.alloc(0), 4);

export function token(name: string): Buffer {
  return frame(16, field(name), 4);
}

export interface VerdictFields {
  readonly user?: string;
  readonly authtok?: string | Uint8Array;
  readonly message?: string;
}

export function verdict(code: number, fields: VerdictFields = {}): Buffer {
  const body = [Buffer.from([code]), field(fields.user), field(fields.authtok), field(fields.message)];
  return frame(6, Buffer.concat(body));
}

/** The fields of a begin body; absent ones are null. Trusts the relay: the vectors are the test of its encoder. */
export function readBegin(body: Buffer): { phase: number; flags: number; texts: (string | null)[] } {
  const texts: (string | null)[] = [];
  let at = 7;
  while (at < body.length) {
    const length = body.readUInt16BE(at);
    at += 2;
    if (length === 0xffff) {
      texts.push(null);
    } else {
      texts.push(body.toString('utf8', at, at + length));
      at += length;
    }
  }
  return { phase: body.readUInt8(2), flags: body.readUInt32BE(3), texts };
}

/** The bytes of the relay, cut into frames as they arrive. */
class Incoming {
  readonly frames: ReceivedFrame[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #taken = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
      this.#wake();
    });
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 8) {
      const end = 8 + this.#rest.readUInt32BE(4);
      if (this.#rest.length < end) return;
      this.frames.push({ type: this.#rest.readUInt8(3), body: this.#rest.subarray(8, end) });
      this.#rest = this.#rest.subarray(end);
    }
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Waits for the next frame; returns false if the relay left instead. */
  async next(): Promise<boolean> {
    await this.#until(() => this.frames.length > this.#taken);
    this.#taken += 1;
    return this.frames.length >= this.#taken;
  }

  async end(): Promise<void> {
    await this.#until(() => this.#ended);
  }

  get ended(): boolean {
    return this.#ended;
  }
}

async function play(
  socketPath: string,
  socket: Socket,
  incoming: Incoming,
  script: readonly Step[],
): Promise<void> {
  for (const step of script) {
    if (incoming.ended) return;
    if (step === 'read') {
      if (!(await incoming.next())) return;
    } else if (step === 'hold') {
      await incoming.end();
    } else if (step === 'gone') {
      await new Promise((resolve) => socket.once('close', resolve).destroy());
      writeFileSync(`${socketPath}.gone`, '');
      return;
    } else if (step instanceof Uint8Array) {
      socket.write(step);
    } else {
      const { pauseMs } = step;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  socket.end();
}

export interface FakeAgent {
  /** The frames of each connection, in the order of the connections. */
  readonly connections: readonly (readonly ReceivedFrame[])[];
  close(): Promise<void>;
}

/** Serves `script` on every connection to `socketPath`; with `later`, that on all but the first. */
export async function startAgent(
  socketPath: string,
  script: readonly Step[],
  later: readonly Step[] = script,
): Promise<FakeAgent> {
  const connections: ReceivedFrame[][] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined); // the relay may leave at any time
    socket.on('close', () => open.delete(socket));
    const incoming = new Incoming(socket);
    connections.push(incoming.frames);
    void play(socketPath, socket, incoming, connections.length === 1 ? script : later);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    connections,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
}
