// How many cards scauthd lists: the sign that it runs, and that it has read one. One call at io.scauth (varlink).
import { connect } from 'node:net';

export const IO_SOCKET = '/run/scauth/io.scauth';
const PATIENCE_MS = 60_000;

/**
 * @param path of io.scauth, as the caller sees it
 * @returns null if scauthd does not answer
 */
export function tokenCount(path: string): Promise<number | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let answer = '';
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.on('connect', () => socket.write('{"method":"io.scauth.ListTokens","parameters":{}}\0'));
    socket.on('data', (bytes: Buffer) => {
      answer += bytes.toString();
      if (answer.endsWith('\0')) socket.destroy();
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      if (!answer.endsWith('\0')) {
        resolve(null);
        return;
      }
      const { parameters } = JSON.parse(answer.slice(0, -1)) as { parameters?: { tokens?: unknown[] } };
      resolve(parameters?.tokens?.length ?? 0);
    });
  });
}
