// One varlink call over a socket of its own, and every reply to it as it came: for what a client library would hide.

import { connect } from 'node:net';

export interface RawReply {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly error?: string;
  readonly continues?: boolean;
}

export function readExactReplies(path: string, call: object): Promise<RawReply[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const replies: RawReply[] = [];
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`${JSON.stringify(call)}\0`));
    socket.on('error', reject);
    socket.on('close', () => {
      reject(new Error(`closed after ${replies.length} replies`));
    });
    socket.on('data', (text: string) => {
      const parts = (rest + text).split('\0');
      rest = parts.pop() ?? '';
      replies.push(...parts.map((part) => JSON.parse(part) as RawReply));
      if (replies.length === 0 || replies.at(-1)?.continues === true) return;
      resolve(replies);
      socket.destroy();
    });
  });
}
