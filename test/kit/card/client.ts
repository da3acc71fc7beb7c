// Client of the card's control socket, for tests, the sandbox and the benchmark: one method a call of calls.ts.
// Calls of one client are carried out in the order in which they were made; only the waiting ones answer out of order.
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { CallName, CardState, CommandPattern, ControlCalls } from './calls.ts';
import type { Fault } from './faults.ts';
import type { LogEntry } from './log.ts';

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A connection to one card. Every method rejects when the card process ends or says that the call is wrong. */
export class CardControl {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    createInterface({ input: socket }).on('line', (line) => {
      const answer = JSON.parse(line) as { id: number; result?: unknown; error?: string };
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.error === undefined) waiting?.resolve(answer.result);
      else waiting?.reject(new Error(answer.error));
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the card process has ended'));
      this.#waiting.clear();
    });
  }

  /** Connects to the path that the card was given by --control. */
  static connect(path: string): Promise<CardControl> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new CardControl(socket));
      });
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #call<K extends CallName>(call: K, args: ControlCalls[K]['args']): Promise<ControlCalls[K]['result']> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new Error('the card process has ended'));
        return;
      }
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#socket.write(`${JSON.stringify({ id, call, args })}\n`);
    });
  }

  /** The APDU log since the start or the last clearLog(). */
  log(): Promise<readonly LogEntry[]> {
    return this.#call('log', {});
  }

  async clearLog(): Promise<void> {
    await this.#call('clearLog', {});
  }

  /** VERIFYs with a body in the log: each one could have cost a try. */
  verifyCount(): Promise<number> {
    return this.#call('verifyCount', {});
  }

  state(): Promise<CardState> {
    return this.#call('state', {});
  }

  /** Puts the card in; resolves when pcscd has switched it on since. */
  async insert(): Promise<void> {
    await this.#call('insert', {});
  }

  /** Resolves when pcscd switches the card on the next time; call it before restarting pcscd, await it after. */
  async nextPowerOn(): Promise<void> {
    await this.#call('nextPowerOn', {});
  }

  /** Takes the card out; pcscd sees it within 400 ms. */
  async eject(): Promise<void> {
    await this.#call('eject', {});
  }

  /** Milliseconds added to each APDU. */
  async setDelay(ms: number): Promise<void> {
    await this.#call('setDelay', { ms });
  }

  async getTries(): Promise<number> {
    return (await this.state()).triesLeft;
  }

  async setTries(tries: number): Promise<void> {
    await this.#call('setTries', { tries });
  }

  async isVerified(): Promise<boolean> {
    return (await this.state()).pinVerified;
  }

  /** Takes effect at once for APDUs, at the next insertion for the ATR. */
  async setExtended(extended: boolean): Promise<void> {
    await this.#call('setExtended', { extended });
  }

  /** A new PIN with all its tries. */
  async setPin(pin: string): Promise<void> {
    await this.#call('setPin', { pin });
  }

  /** Arms a fault; see faults.ts for the kinds. */
  async misbehave(fault: Fault): Promise<void> {
    await this.#call('misbehave', fault);
  }

  async clearFaults(): Promise<void> {
    await this.#call('clearFaults', {});
  }

  /** Lets hanging commands be answered; how many there were. */
  release(): Promise<number> {
    return this.#call('release', {});
  }

  /** The next matching command has arrived (and may hang). Any later awaited call proves that this one is armed. */
  async waitFor(pattern: CommandPattern): Promise<void> {
    await this.#call('waitFor', pattern);
  }

  /** The next matching command has been answered, or never will be (`sw` null). */
  waitForAnswer(pattern: CommandPattern): Promise<LogEntry> {
    return this.#call('waitForAnswer', pattern);
  }

  /** Puts a certificate (PEM) into a slot such as `9A`; the key there stays. */
  async setCertificate(slot: string, pem: string, gzip = false): Promise<void> {
    await this.#call('setCertificate', { slot, pem, gzip });
  }

  /** The certificate of a slot as PEM. */
  getCertificate(slot: string): Promise<string> {
    return this.#call('getCertificate', { slot });
  }

  /** Puts a key (PEM, or a test key such as `p256:2`) into a slot; the certificate there stays. */
  async setKey(slot: string, key: string): Promise<void> {
    await this.#call('setKey', { slot, key });
  }

  /** Replaces a data object: `hex` goes inside the wrapper 53; empty deletes. */
  async putObject(tag: string, hex: string): Promise<void> {
    await this.#call('putObject', { tag, hex });
  }

  /** Replaces a whole reply to GET DATA, wrapper included: for malformed objects. */
  async putWholeObject(tag: string, hex: string): Promise<void> {
    await this.#call('putObject', { tag, hex, whole: true });
  }

  /** A certificate whose gzip inflates to so many zero bytes; about 1 KiB on the card for each MiB. */
  async putGzipBomb(slot: string, inflatedBytes: number): Promise<void> {
    await this.#call('putGzipBomb', { slot, inflatedBytes });
  }
}
