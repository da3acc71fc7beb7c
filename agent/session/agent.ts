// One connection to scauthd for a program of a session (PROTOCOL.md, section 2): calls, the Monitor stream, and the
// conversation after Pair. Replies are checked in state.ts.

import { connect, type Socket } from 'node:net';
import { AgentError } from '../base/errors.ts';
import { INTERFACE } from '../protocol/io-scauth.ts';
import { encodeMessage, MessageSplitter, parseReply, type VarlinkReply } from '../protocol/varlink.ts';

export const SOCKET_PATH = '/run/scauth/io.scauth';

/** Longest wait for the reply to a plain call. */
const REPLY_MS = 10_000;

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** scauthd's own refusal, with its sentence. */
export class AgentRefusal extends Error {
  readonly code: string;

  constructor({ code, message }: Failure) {
    super(message);
    this.code = code;
  }
}

export function refusalOf(parameters: Readonly<Record<string, unknown>>): AgentRefusal {
  const { code, error, message } = parameters;
  const named = typeof code === 'string' ? code : typeof error === 'string' ? error : 'internal';
  return new AgentRefusal({ code: named, message: typeof message === 'string' ? message : named });
}

export class AgentConnection {
  readonly #socket: Socket;
  readonly closed: Promise<void>;
  #take: (bytes: Buffer) => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        resolve();
      });
    });
    socket.on('data', (bytes) => {
      this.#take(bytes);
    });
  }

  /** @throws Error of the socket */
  static connect(path: string): Promise<AgentConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new AgentConnection(socket));
      });
    });
  }

  /** Gives all bytes to `take` from now on. */
  receive(take: (bytes: Buffer) => void): void {
    this.#take = take;
  }

  /** Resolves when the bytes are out and may be wiped. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => {
        resolve();
      });
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  /**
   * Each reply to a call, until the connection ends. What is malformed ends it.
   * @param onRest after the first reply, when given: what came behind it
   */
  stream(
    method: string,
    parameters: object,
    how: 'once' | 'more' | 'upgrade',
    onReply: (reply: VarlinkReply, rest: () => Buffer) => void,
  ): void {
    const messages = new MessageSplitter();
    this.receive((bytes) => {
      try {
        messages.push(bytes);
        for (let message = messages.next(); message !== null; message = messages.next()) {
          onReply(parseReply(message), () => messages.takeRest());
          if (how === 'upgrade') return;
        }
      } catch {
        this.close();
      }
    });
    const flags = how === 'once' ? {} : { [how]: true };
    void this.write(encodeMessage({ method: `${INTERFACE}.${method}`, parameters, ...flags }));
  }
}

/**
 * One call on a connection of its own.
 * @throws AgentRefusal, AgentError `internal` without an answer, Error of the socket
 */
export async function callAgent(
  path: string,
  method: string,
  parameters: object,
): Promise<Readonly<Record<string, unknown>>> {
  const connection = await AgentConnection.connect(path);
  const late = setTimeout(() => {
    connection.close();
  }, REPLY_MS);
  try {
    const reply = await Promise.race([
      new Promise<VarlinkReply>((resolve) => {
        connection.stream(method, parameters, 'once', resolve);
      }),
      connection.closed,
    ]);
    if (reply === undefined) throw new AgentError('internal', { detail: 'scauthd does not answer' });
    if (reply.error !== null) throw refusalOf({ code: reply.error, ...reply.parameters });
    return reply.parameters;
  } finally {
    clearTimeout(late);
    connection.close();
  }
}

/** @returns whether this program is the one that acts on it */
export async function claimNumber(path: string, number: number): Promise<boolean> {
  return (await callAgent(path, 'Claim', { number }))['claimed'] === true;
}
