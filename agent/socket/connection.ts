// One accepted connection whose bytes are read into locked memory: Node's own reading would leave a PIN in freed heap
// blocks. It knows bytes and credentials only, no protocol.

import { closeSync } from 'node:fs';
import { Socket, type Server } from 'node:net';
import { SecretBuffer } from '../base/secret.ts';
import type { PeerCredentials } from '../model/request.ts';
import { duplicateDescriptor, holdPeer, peerOf } from './peer.ts';

/** Takes what arrived; the bytes are wiped when it returns. */
export type ByteSink = (bytes: Buffer) => void;

const READ_BYTES = 4096;

export class Connection {
  readonly peer: PeerCredentials;
  /** Settles once, when either side has closed. */
  readonly closed: Promise<void>;
  /** A program that listens for long: it has limits of its own, and takes no place from those that ask. */
  isLongLived = false;
  readonly #socket: Socket;
  #sink: ByteSink = () => undefined;

  /**
   * @param accepted a socket of a server with pauseOnConnect; it is taken over and destroyed
   * @throws AgentError `internal`, RangeError when no locked memory is free
   */
  constructor(accepted: Socket) {
    const peer = peerOf(accepted);
    const fd = duplicateDescriptor(accepted);
    const process = holdPeer(accepted, peer.pid);
    this.peer = { ...peer, process };
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
    return !this.#socket.destroyed;
  }

  /** Starts reading, and gives all bytes to `sink` from now on. */
  receive(sink: ByteSink): void {
    this.#sink = sink;
    this.#socket.resume();
  }

  /** Sends and resolves when the kernel has the bytes, or the peer is gone: then they may be wiped. */
  send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve();
      else
        this.#socket.write(bytes, () => {
          resolve();
        });
    });
  }

  /** Lets what was sent go out, then closes. */
  end(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Most connections at a time: in all, if nothing else is said, and for each uid but root's. A flood costs the flooder only. */
const MAX_CONNECTIONS = 48;
const MAX_FOR_ONE_UID = 8;

/** Hands each accepted connection to `serve`, within the limits; the rest are closed at once. */
export function acceptConnections(
  server: Server,
  serve: (connection: Connection) => void,
  maxConnections = MAX_CONNECTIONS,
): void {
  const open = new Set<Connection>();
  server.on('connection', (accepted) => {
    let connection: Connection | null = null;
    try {
      const asking = [...open].filter(({ isLongLived }) => !isLongLived);
      if (asking.length >= maxConnections) {
        accepted.destroy();
        return;
      }
      connection = new Connection(accepted);
      const { uid } = connection.peer;
      const sameUid = asking.filter((other) => other.peer.uid === uid).length;
      if (uid !== 0 && sameUid >= MAX_FOR_ONE_UID) {
        connection.destroy();
        return;
      }
      open.add(connection);
      const mine = connection;
      void mine.closed.then(() => open.delete(mine));
      serve(connection);
    } catch {
      // Out of descriptors or locked memory: this caller is turned away, and nothing of it stays.
      connection?.destroy();
      accepted.destroy();
    }
  });
}
