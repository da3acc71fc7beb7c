// Whether somebody listens at a socket, and what the system says where nobody does.

import { connect } from 'node:net';

const CONNECT_MS = 5000;

/** What connect(2) says; null when somebody listens. */
export function tryConnect(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (code: string | null) => {
      socket.destroy();
      resolve(code);
    };
    socket.setTimeout(CONNECT_MS, () => {
      end('ETIMEDOUT');
    });
    socket.once('connect', () => {
      end(null);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      end(error.code ?? 'unknown');
    });
  });
}
