// The wire to vsmartcard's virtual reader: the card is a TCP client of vpcd's port. No APDU is understood here.
// Wire: 2-byte big-endian length, payload; from vpcd a payload of one byte is a control code, only 4 (ATR) is answered.
// Specification: vsmartcard, "virtualsmartcard/src/vpcd/vpcd.h" (VPCD_CTRL_*).
import { connect } from 'node:net';
import type { Socket } from 'node:net';

const CONTROL = { OFF: 0, ON: 1, RESET: 2, ATR: 4 } as const;
/**
 * A card that is back before pcscd has looked (every 400 ms) was never out for it, and is not switched on: whoever
 * waits for that waits for ever.
 */
const OUT_MS = 1000;
/** Wait before the next attempt while no reader listens (pcscd is down), ms. */
const RETRY_MS = 50;

/** What the wire asks of the card. */
export interface CardEnd {
  atr(): Buffer;
  /** Power on, off, reset. */
  power(): void;
  /** The card is out of the reader. */
  pulled(): void;
  /** One command APDU; null = no answer. */
  transmit(command: Buffer): Promise<Buffer | null>;
}

/** A reader's slot, seen from the card. */
export class VpcdConnection {
  readonly #card: CardEnd;
  readonly #address: { readonly host: string; readonly port: number };
  #socket: Socket | null = null;
  #retry: NodeJS.Timeout | null = null;
  #wanted = false;
  #powered = false;
  #seen = false;
  #poweredWaiters: (() => void)[] = [];
  #ejectedAt = -Infinity;

  constructor(card: CardEnd, host: string, port: number) {
    this.#card = card;
    this.#address = { host, port };
  }

  get port(): number {
    return this.#address.port;
  }

  /** Whether the card sits in a reader. */
  get inserted(): boolean {
    return this.#socket?.readyState === 'open';
  }

  /** Whether pcscd has switched it on. */
  get powered(): boolean {
    return this.#powered;
  }

  /**
   * Puts the card in; resolves when pcscd has switched it on once (it switches an unused card off again soon after).
   * From then on the card goes back in by itself when pcscd restarts.
   */
  insert(): Promise<void> {
    this.#wanted = true;
    if (this.#socket === null && this.#retry === null)
      this.#openIn(Math.max(0, this.#ejectedAt + OUT_MS - performance.now()));
    return this.#seen ? Promise.resolve() : this.nextPowerOn();
  }

  /** Resolves when pcscd switches the card on the next time. */
  nextPowerOn(): Promise<void> {
    return new Promise((resolve) => this.#poweredWaiters.push(resolve));
  }

  /** Takes the card out. pcscd sees it at its next look, within 400 ms. */
  eject(): void {
    this.#wanted = false;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.#socket?.destroy();
    this.#ejectedAt = performance.now();
    this.#closed();
  }

  #openIn(ms: number): void {
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#open();
    }, ms);
  }

  #open(): void {
    const socket = connect({ ...this.#address, noDelay: true });
    this.#socket = socket;
    let received = Buffer.alloc(0);
    let queue = Promise.resolve();
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const message = Buffer.from(received.subarray(2, end));
        received = received.subarray(end);
        queue = queue.then(() => this.#receive(socket, message));
      }
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#closed();
      if (!this.#wanted) return;
      this.#openIn(RETRY_MS);
    });
  }

  #closed(): void {
    this.#socket = null;
    this.#powered = false;
    this.#seen = false;
    this.#card.pulled();
  }

  async #receive(socket: Socket, message: Buffer): Promise<void> {
    if (this.#socket !== socket) return;
    if (message.length !== 1) {
      const response = await this.#card.transmit(message);
      if (response !== null && this.#socket === socket) send(socket, response);
      return;
    }
    if (message[0] === CONTROL.ATR) {
      send(socket, this.#card.atr());
      return;
    }
    this.#card.power();
    this.#powered = message[0] !== CONTROL.OFF;
    if (!this.#powered) return;
    this.#seen = true;
    const waiters = this.#poweredWaiters;
    this.#poweredWaiters = [];
    for (const go of waiters) go();
  }
}

function send(socket: Socket, payload: Buffer): void {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(payload.length);
  socket.write(Buffer.concat([length, payload]));
}
