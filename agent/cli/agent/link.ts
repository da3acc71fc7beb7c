// One connection to scauthd as bytes: connect, write, read with a time limit. It knows neither varlink nor frames.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { agent as say, CANCELLED } from '../../words/sc-auth.ts';
import { CommandError } from '../exit-codes.ts';

function unreachable(path: string, cause: NodeJS.ErrnoException): CommandError {
  switch (cause.code) {
    case 'EACCES':
    case 'EPERM':
      return new CommandError('unreachable', say.forbidden(path), cause);
    default:
      return new CommandError('unreachable', say.unreachable(path), cause);
  }
}

const NOT_THERE: readonly string[] = ['ENOENT', 'ENOTDIR', 'EACCES'];

/** @throws NodeJS.ErrnoException */
async function connected(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}

export class AgentLink {
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    // An error on a connected socket is followed by its close.
    socket.on('error', end).on('end', end).on('close', end);
  }

  /**
   * @param paths one after the other, as long as one is not there or not to be entered
   * @throws CommandError `unreachable`
   */
  static async connect([path, ...others]: readonly [string, ...string[]]): Promise<AgentLink> {
    try {
      return new AgentLink(await connected(path));
    } catch (error) {
      const cause = error as NodeJS.ErrnoException;
      const [next, ...rest] = others;
      if (next !== undefined && NOT_THERE.includes(cause.code ?? ''))
        return AgentLink.connect([next, ...rest]);
      throw unreachable(path, cause);
    }
  }

  /**
   * Resolves once the bytes have left this process, so that the caller can wipe them.
   * @throws CommandError `no-answer` when scauthd has closed the connection
   */
  async write(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (cause) => {
        if (cause == null) resolve();
        else reject(this.#closed(cause));
      });
    });
  }

  /** Whether scauthd has closed its side and everything is read. */
  get ended(): boolean {
    return this.#ended && this.#chunks.length === 0;
  }

  /** Resolves when there is something to read, or the end; never rejects. */
  async readable(signal: AbortSignal): Promise<void> {
    if (this.#chunks.length > 0 || this.#ended || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
    });
  }

  /**
   * The next bytes.
   * @param wholeMs the wait that the message names, when `timeoutMs` is only what is left of it
   * @throws CommandError `no-answer` at the end of the connection or after `timeoutMs`, `cancelled` by `cancel`
   */
  async read(timeoutMs: number, cancel?: AbortSignal, wholeMs = timeoutMs): Promise<Buffer> {
    const timeout = AbortSignal.timeout(timeoutMs);
    await this.readable(cancel === undefined ? timeout : AbortSignal.any([timeout, cancel]));
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) return chunk;
    if (cancel?.aborted === true) throw new CommandError('cancelled', CANCELLED);
    if (this.#ended) throw this.#closed();
    throw new CommandError('no-answer', say.silent(wholeMs));
  }

  #closed(cause?: unknown): CommandError {
    return new CommandError('no-answer', say.closed, cause);
  }

  close(): void {
    this.#socket.destroy();
  }
}
