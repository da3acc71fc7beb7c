// The PIN pad of the test reader, from the person's side: builds the reader, sees each PIN_VERIFY block, and types.
// What the reader does with it is test/kit/ifd/pin_entry.c.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import type { Sandbox } from '../sandbox/sandbox.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const KEYS = '/run/sandbox/pinpad.sock';

/** Test files run in processes of their own, so make is called under a lock. @throws Error with the compiler's words */
export function buildPinPad(): void {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  execFileSync('flock', [join(ROOT, 'build/test-ifd.lock'), 'make', '-s', '-C', join(ROOT, 'test/kit/ifd')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
}

/** One entry that the reader waits for. */
export interface Entry {
  /** The PIN_VERIFY structure as it came over SCardControl, hex. */
  readonly block: string;
  /** Digits and the OK key; or what else a person does. */
  type(digits: string): void;
  cancel(): void;
  timeOut(): void;
  /** The reader answers this and sends nothing to the card. */
  lie(word: string): void;
}

/** Listens where the reader of a sandbox shows its blocks. */
export class Pad {
  readonly #server: Server;
  readonly #path: string;
  #waiting: ((entry: Entry) => void)[] = [];
  #arrived: Entry[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
    server.on('connection', (socket) => {
      this.#accept(socket);
    });
  }

  static async attach(sandbox: Sandbox): Promise<Pad> {
    const path = sandbox.path(KEYS);
    rmSync(path, { force: true });
    const server = createServer();
    await new Promise<void>((done) => server.listen(path, done));
    chmodSync(path, 0o600);
    return new Pad(server, path);
  }

  /** The next entry; one that came already, if there is one. */
  next(): Promise<Entry> {
    const arrived = this.#arrived.shift();
    return arrived === undefined ? new Promise((done) => this.#waiting.push(done)) : Promise.resolve(arrived);
  }

  /** Entries that nobody has looked at. */
  get unseen(): number {
    return this.#arrived.length;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    rmSync(this.#path, { force: true });
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    let text = '';
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
      if (!text.endsWith('\n')) return;
      const answer = (line: string) => (): void => {
        socket.write(`${line}\n`);
      };
      const entry: Entry = {
        block: text.trim(),
        type: (digits) => {
          answer(`type ${digits}`)();
        },
        cancel: answer('cancel'),
        timeOut: answer('timeout'),
        lie: (word) => {
          answer(`word ${word}`)();
        },
      };
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#arrived.push(entry);
      else waiting(entry);
    });
  }
}
