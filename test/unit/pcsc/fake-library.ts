// winscard as a test wants it: one reader, calls that fail, block and come back when the test says so.
import * as C from '../../../agent/pcsc/constants.ts';
import type { ReaderEvent, ReaderState, WinscardLibrary } from '../../../agent/pcsc/library.ts';

export const READER = 'Test Reader 00 00';
export const ATR = Buffer.from('3BFD1300008131FE158073C021C057597562694B657940', 'hex');

type Call = keyof WinscardLibrary;

/** A call that does not return until the test says so. */
export interface Blocked {
  /** Settles when the call has been made. */
  readonly entered: Promise<void>;
  /** Lets it return. */
  release(rv?: number): void;
}

export class FakeLibrary implements WinscardLibrary {
  /** Each call by name, in order; `transmit` with its command. */
  readonly calls: string[] = [];
  /** Return values to come, by call; when there are none, success. */
  readonly returns: Partial<Record<Call, number[]>> = {};
  readonly contexts = new Set<number>();
  readonly #blocked: Partial<Record<Call, Promise<number>[]>> = {};
  readonly #entered: Partial<Record<Call, (() => void)[]>> = {};
  reply = Buffer.from('9000', 'hex');
  /** The buffers of the last transmit, as pcscd would hold them. */
  command: Buffer = Buffer.alloc(0);
  receive: Buffer = Buffer.alloc(0);
  readers: string[] = [READER];
  /** What the next looks at the readers find; empty: the look waits for `cancel`. */
  looks: { rv: number; events: ReaderEvent[] }[] = [];
  #next = 1;
  #wakeLook: (() => void) | null = null;

  /** The next call of this name blocks. */
  block(call: Call): Blocked {
    let enter = (): void => undefined;
    let release: (rv: number) => void = () => undefined;
    const entered = new Promise<void>((resolve) => (enter = resolve));
    const returned = new Promise<number>((resolve) => (release = resolve));
    (this.#blocked[call] ??= []).push(returned);
    (this.#entered[call] ??= []).push(enter);
    return {
      entered,
      release: (rv = C.SCARD_S_SUCCESS) => {
        release(rv);
      },
    };
  }

  async #call(call: Call, detail = ''): Promise<number> {
    this.calls.push(detail === '' ? call : `${call} ${detail}`);
    this.#entered[call]?.shift()?.();
    const blocked = await this.#blocked[call]?.shift();
    return blocked ?? this.returns[call]?.shift() ?? C.SCARD_S_SUCCESS;
  }

  async establishContext(): Promise<{ rv: number; context: number }> {
    const rv = await this.#call('establishContext');
    const context = this.#next++;
    if (rv === C.SCARD_S_SUCCESS) this.contexts.add(context);
    return { rv, context };
  }

  releaseContext(context: number): Promise<number> {
    this.contexts.delete(context);
    return this.#call('releaseContext', String(context));
  }

  cancel(): Promise<number> {
    this.looks.push({ rv: C.SCARD_E_CANCELLED, events: [] });
    this.#wakeLook?.();
    return this.#call('cancel');
  }

  async listReaders(): Promise<{ rv: number; readers: string[] }> {
    const rv = await this.#call('listReaders');
    return { rv, readers: rv === C.SCARD_S_SUCCESS ? this.readers : [] };
  }

  /** Adds what the next look finds. */
  see(...events: ReaderEvent[]): void {
    this.looks.push({
      rv: C.SCARD_S_SUCCESS,
      events: [{ name: 'pnp', eventState: 0, atr: Buffer.alloc(0) }, ...events],
    });
    this.#wakeLook?.();
  }

  fail(rv: number): void {
    this.looks.push({ rv, events: [] });
    this.#wakeLook?.();
  }

  /** How many readers each look asked for. */
  readonly asked: number[] = [];

  async getStatusChange(
    _context: number,
    timeoutMs: number,
    states: readonly ReaderState[],
  ): Promise<{ rv: number; events: ReaderEvent[] }> {
    await this.#call('getStatusChange');
    this.asked.push(states.length);
    // As libpcsclite: it takes 16 at once.
    if (states.length > 16) return { rv: C.SCARD_E_INVALID_VALUE, events: [] };
    const [of] = this.looks[0]?.events.slice(1) ?? [];
    if (of !== undefined && !states.some(({ name }) => name === of.name))
      return { rv: C.SCARD_E_TIMEOUT, events: [] };
    if (this.looks.length === 0 && timeoutMs === 0) return { rv: C.SCARD_E_TIMEOUT, events: [] };
    if (this.looks.length === 0) await new Promise<void>((resolve) => (this.#wakeLook = resolve));
    this.#wakeLook = null;
    return this.looks.shift() ?? { rv: C.SCARD_E_TIMEOUT, events: [] };
  }

  async connect(): Promise<{ rv: number; card: number; protocol: number }> {
    return { rv: await this.#call('connect'), card: 77, protocol: C.SCARD_PROTOCOL_T1 };
  }

  async reconnect(): Promise<{ rv: number; protocol: number }> {
    return { rv: await this.#call('reconnect'), protocol: C.SCARD_PROTOCOL_T1 };
  }

  beginTransaction(): Promise<number> {
    return this.#call('beginTransaction');
  }

  async transmit(
    _card: number,
    _protocol: number,
    command: Buffer,
    reply: Buffer,
  ): Promise<{ rv: number; length: number }> {
    this.command = command;
    this.receive = reply;
    const rv = await this.#call('transmit', command.toString('hex'));
    this.reply.copy(reply);
    return { rv, length: rv === C.SCARD_S_SUCCESS ? this.reply.length : 0 };
  }

  /** Control replies to come. */
  controls: { rv: number; reply: Buffer }[] = [];

  async control(): Promise<{ rv: number; reply: Buffer }> {
    await this.#call('control');
    return this.controls.shift() ?? { rv: C.SCARD_E_UNSUPPORTED_FEATURE, reply: Buffer.alloc(0) };
  }

  endTransaction(_card: number, disposition: number): Promise<number> {
    return this.#call('endTransaction', disposition === C.SCARD_RESET_CARD ? 'reset' : 'leave');
  }

  disconnect(_card: number, disposition: number): Promise<number> {
    return this.#call('disconnect', disposition === C.SCARD_RESET_CARD ? 'reset' : 'leave');
  }
}
