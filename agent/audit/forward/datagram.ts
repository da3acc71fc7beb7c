// Sends datagrams to a Unix socket without ever waiting: what the receiver does not take at once is dropped and counted.
// Node has no Unix datagrams; libc's calls are bound by koffi. unix(7), send(2).

import { closeSync } from 'node:fs';
import koffi from 'koffi';

const AF_UNIX = 1;
/** SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK */
const SOCKET_TYPE = 2 | 0o2000000 | 0o4000;
/** MSG_DONTWAIT | MSG_NOSIGNAL */
const FLAGS = 0x40 | 0x4000;
/** sizeof(sun_path) */
const PATH_BYTES = 108;

const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int domain, int type, int protocol)');
const sendto = libc.func(
  'long sendto(int fd, const void *bytes, size_t length, int flags, const void *address, uint32_t addressLength)',
);

export class DatagramSender {
  readonly #address: Buffer;
  #fd: number;
  /** Datagrams that nobody took. */
  dropped = 0;

  /** @param path absolute, at most 107 bytes; it need not be there yet */
  constructor(path: string) {
    const name = Buffer.from(path);
    if (!path.startsWith('/') || name.length >= PATH_BYTES) throw new Error(`no socket path: ${path}`);
    const family = Buffer.alloc(2);
    family.writeUInt16LE(AF_UNIX);
    this.#address = Buffer.concat([family, name]);
    this.#fd = Number(socket(AF_UNIX, SOCKET_TYPE, 0));
  }

  send(bytes: Buffer): void {
    if (this.#fd < 0) return;
    const sent = Number(sendto(this.#fd, bytes, bytes.length, FLAGS, this.#address, this.#address.length));
    if (sent !== bytes.length) this.dropped += 1;
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}
