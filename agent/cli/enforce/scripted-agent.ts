// Stands in for scauthd in a rehearsal: it has no card for anybody, and in the account phase it lets one account in and
// says of every other that the card is required. It answers as scauthd does and decides nothing.

import { createServer, type Server, type Socket } from 'node:net';
import { encodeFrame, type BeginFrame, type VerdictCode } from '../../protocol/frames.ts';
import { FrameStream } from '../../protocol/frame-stream.ts';

function verdictOn({ phase, user }: BeginFrame, permitted: string): VerdictCode {
  switch (phase) {
    case 'authenticate':
      return 'unavailable';
    case 'account':
      return user === permitted ? 'permitted' : 'card-required';
    default:
      return 'denied';
  }
}

function serve(socket: Socket, permitted: string): void {
  const stream = new FrameStream((frame) => {
    if (frame.type !== 'begin') return;
    const code = verdictOn(frame, permitted);
    socket.end(encodeFrame({ type: 'verdict', code, user: null, authtok: null, message: null }));
  });
  socket.on('data', (bytes) => {
    try {
      stream.push(bytes);
    } catch {
      socket.destroy();
    }
  });
  socket.on('error', () => undefined); // `close` follows
  socket.on('close', () => {
    stream.release();
  });
}

/** Listens at `path`; whoever gets it closes it. @throws the system's own error */
export async function startScriptedAgent(path: string, permitted: string): Promise<Server> {
  const server = createServer((socket) => {
    serve(socket, permitted);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return server;
}
