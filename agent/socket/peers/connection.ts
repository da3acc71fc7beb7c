// One accepted connection whose bytes are read into locked memory: Node's own reading would leave a PIN in freed heap
// blocks. It knows bytes and credentials only, no protocol.

import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { SecretBuffer } from '../../base/secret.ts';
import type { PeerCredentials } from '../../model/request.ts';
import { duplicateDescriptor, holdPeer } from './peer.ts';
import type { Guest } from './connections-at-once.ts';

/** Takes what arrived; the bytes are wiped when it returns. */
export type ByteSink = (bytes: Buffer) => void;

const READ_BYTES = 4096;
/** A peer that does not take what it is sent for so long is given up: nothing piles up for it. */
const SEND_MS = 10_000;
/** How long who has made a fault keeps the place. */
const DISMISSED_MS = 1000;
/** What may wait to be sent: the longest message, and small frames behind it. */
const MAX_UNSENT_BYTES = 128 * 1024;

export class Connection implements Guest {
  readonly peer: PeerCredentials;
  readonly owner: string;
  /** Settles once, when either side has closed. */
  readonly closed: Promise<void>;
  waitsSinceMs: number | null = performance.now();
  hasSpoken = false;
  #isDismissed = false;
  readonly #socket: Socket;
  #sink: ByteSink = () => undefined;

  /**
   * @param accepted a socket of a server with pauseOnConnect; it is taken over and destroyed
   * @param peer who the kernel says it is
   * @param owner who stands behind the peer
   * @throws AgentError `internal`, RangeError when no locked memory is free
   */
  constructor(accepted: Socket, peer: PeerCredentials, owner: string) {
    this.owner = owner;
    const fd = duplicateDescriptor(accepted);
    const process = holdPeer(accepted, peer.pid);
    this.peer = { ...peer, process, owner };
    accepted.destroy();
    let buffer: SecretBuffer;
    try {
      buffer = new SecretBuffer(READ_BYTES);
    } catch (error) {
      closeSync(fd);
      process.release();
      throw error;
    }
    this.#socket = new Socket({
      fd,
      readable: true,
      writable: true,
      onread: {
        buffer: buffer.bytes,
        callback: (length) => {
          const part = buffer.bytes.subarray(0, length);
          try {
            this.#sink(part);
          } finally {
            part.fill(0);
          }
          return true;
        },
      },
    });
    this.closed = new Promise((resolve) => {
      this.#socket.once('close', () => {
        buffer.release();
        process.release();
        resolve();
      });
    });
    // A peer that is gone is an everyday event; `closed` tells.
    this.#socket.on('error', () => undefined);
    this.#socket.on('end', () => {
      this.#socket.destroy();
    });
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && !this.#isDismissed;
  }

  /** Starts reading, and gives all bytes to `sink` from now on. */
  receive(sink: ByteSink): void {
    this.#sink = sink;
    this.#socket.resume();
  }

  /** Nothing is read until `resume`: what a peer sends meanwhile stays with it. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** From now on it keeps its place: a call or a card is at work. */
  works(): void {
    this.hasSpoken = true;
    this.waitsSinceMs = null;
  }

  /** From now on it waits for its peer, and may have to make room for another. */
  waits(): void {
    this.waitsSinceMs = performance.now();
  }

  displace(): void {
    this.destroy();
  }

  /**
   * Closes for a fault of the peer's. Whoever is not root keeps the place for a while, and so cannot come again at once
   * with the next one.
   */
  dismiss(): void {
    if (this.peer.uid === 0) {
      this.destroy();
      return;
    }
    this.#isDismissed = true;
    this.waits();
    this.receive(() => undefined);
    this.pause();
    const timer = setTimeout(() => {
      this.destroy();
    }, DISMISSED_MS);
    void this.closed.then(() => {
      clearTimeout(timer);
    });
  }

  /** Sends and resolves when the kernel has the bytes, or the peer is gone: then they may be wiped. */
  send(bytes: Uint8Array): Promise<void> {
    if (this.#socket.writableLength + bytes.length > MAX_UNSENT_BYTES) this.destroy();
    if (this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const late = this.#giveUpLater();
      this.#socket.write(bytes, () => {
        clearTimeout(late);
        resolve();
      });
    });
  }

  /** Lets what was sent go out, then closes. */
  end(): void {
    const late = this.#giveUpLater();
    void this.closed.then(() => {
      clearTimeout(late);
    });
    this.#socket.destroySoon();
  }

  #giveUpLater(): NodeJS.Timeout {
    return setTimeout(() => {
      this.destroy();
    }, SEND_MS);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
