// A pair of connected sockets, one end for a child's standard input and output, the other read into locked memory:
// Node's own reading of a child's output would leave what was typed in freed heap blocks. Nothing but bytes here.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretBuffer } from '../base/secret.ts';

const READ_BYTES = 4096;

export interface PrivatePipe {
  /** For the child; destroyed here once it has been given away. */
  readonly theirs: Socket;
  readonly ours: Socket;
  /** Settles when our end is closed; the memory is wiped and given back by then. */
  readonly closed: Promise<void>;
}

/**
 * @param take gets what arrives; the bytes are wiped when it returns
 * @throws Error of the file system
 */
export async function openPrivatePipe(
  take: (bytes: Buffer) => void,
  runtimeFolder: string | undefined,
): Promise<PrivatePipe> {
  // A folder of our own: nobody else reaches the name, and it is gone before anything is said.
  const folder = mkdtempSync(join(runtimeFolder ?? tmpdir(), 'scauth-'));
  const server = createServer({ pauseOnConnect: true });
  const buffer = new SecretBuffer(READ_BYTES);
  try {
    const path = join(folder, 'dialog');
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const ours = connect({
      path,
      onread: {
        buffer: buffer.bytes,
        callback: (length) => {
          const part = buffer.bytes.subarray(0, length);
          take(part);
          part.fill(0);
          return true;
        },
      },
    });
    ours.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => {
      ours.once('close', () => {
        buffer.release();
        resolve();
      });
    });
    return { theirs: await accepted, ours, closed };
  } catch (error) {
    buffer.release();
    throw error;
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
