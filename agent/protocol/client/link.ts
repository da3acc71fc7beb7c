// One connection to scauthd as bytes: connect, write, read with a time limit. It knows neither varlink nor frames, and
// says no sentence: each client has its own.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

type LinkFault =
  | { readonly kind: 'unreachable'; readonly path: string; readonly forbidden: boolean }
  | { readonly kind: 'silent'; readonly waitedMs: number }
  | { readonly kind: 'closed' | 'abandoned' | 'cancelled' };

/** Why a connection came to nothing: at scauthd's end, or (`cancelled`) at the person's. */
export class LinkError extends Error {
  readonly fault: LinkFault;

  constructor(fault: LinkFault, cause?: unknown) {
    super(`scauthd: ${fault.kind}`, cause === undefined ? {} : { cause });
    this.fault = fault;
  }
}

const NOT_THERE: readonly string[] = ['ENOENT', 'ENOTDIR', 'EACCES'];

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
   * @throws LinkError `unreachable`
   */
  static async connect([path, ...others]: readonly [string, ...string[]]): Promise<AgentLink> {
    try {
      const socket = connect(path);
      await once(socket, 'connect');
      return new AgentLink(socket);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      const [next, ...rest] = others;
      if (next !== undefined && NOT_THERE.includes(code)) return AgentLink.connect([next, ...rest]);
      const forbidden = code === 'EACCES' || code === 'EPERM';
      throw new LinkError({ kind: 'unreachable', path, forbidden }, error);
    }
  }

  /**
   * Resolves once the bytes have left this process, so that the caller can wipe them.
   * @throws LinkError `closed`
   */
  async write(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (cause) => {
        if (cause == null) resolve();
        else reject(new LinkError({ kind: 'closed' }, cause));
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
   * @param timeoutMs null: as long as it takes
   * @param wholeMs the wait that the message names, when `timeoutMs` is only what is left of it
   * @throws LinkError `closed`, `silent` after `timeoutMs`, `cancelled` by `cancel`
   */
  async read(timeoutMs: number | null, cancel?: AbortSignal, wholeMs = timeoutMs): Promise<Buffer> {
    const ends = [timeoutMs === null ? null : AbortSignal.timeout(timeoutMs), cancel];
    await this.readable(AbortSignal.any(ends.filter((signal) => signal != null)));
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) return chunk;
    if (cancel?.aborted === true) throw new LinkError({ kind: 'cancelled' });
    if (this.#ended) throw new LinkError({ kind: 'closed' });
    throw new LinkError({ kind: 'silent', waitedMs: wholeMs ?? 0 });
  }

  close(): void {
    this.#socket.destroy();
  }
}
