// The command sc_auth: connects run() with this process. No decision is made here.

import { userInfo } from 'node:os';
import { REPLY_TIMEOUT_MS, SILENCE_TIMEOUT_MS } from './context.ts';
import { run } from './run.ts';

let readerGone = false;
for (const stream of [process.stdout, process.stderr]) {
  // `sc_auth list | head -1`: a reader that has seen enough is no failure.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (stream === process.stdout) readerGone = true;
  });
}

const exitCode = await run({
  args: process.argv.slice(2),
  env: process.env,
  uid: process.getuid?.() ?? 0,
  userName: () => userInfo().username,
  stdinFd: 0,
  writeOut: (text) => void process.stdout.write(text),
  writeErr: (text) => void process.stderr.write(text),
  replyTimeoutMs: REPLY_TIMEOUT_MS,
  silenceTimeoutMs: SILENCE_TIMEOUT_MS,
  errIsTerminal: process.stderr.isTTY,
  ...(process.stdout.isTTY && {
    screen: { columns: process.stdout.columns || 80, colour: process.stdout.hasColors() },
  }),
  readerGone: () => readerGone,
});

// A terminal or a pipe whose other end is slow: everything is out before the end.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
