// The command sc_auth: connects run() with this process. No decision is made here.

import { fstatSync, writeSync } from 'node:fs';
import { userInfo } from 'node:os';
import { nameProgram } from '../base/program-name.ts';
import { REPLY_TIMEOUT_MS, SILENCE_TIMEOUT_MS } from './context.ts';
import { run } from './run.ts';

nameProgram('sc_auth');

let readerGone = false;
for (const stream of [process.stdout, process.stderr]) {
  // `sc_auth list | head -1`: a reader that has seen enough is no failure.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (stream === process.stdout) readerGone = true;
  });
}

/** A file takes text at once; a stream would make a Buffer of each piece, and long output lets those pile up. */
const intoFile = fstatSync(1).isFile();

function writeToFile(text: string): void {
  const written = writeSync(1, text);
  const length = Buffer.byteLength(text);
  if (written === length) return;
  // The disk is nearly full: the rest by itself, which says so.
  const bytes = Buffer.from(text);
  for (let at = written; at < length;) at += writeSync(1, bytes, at);
}

/** A pipe whose reader is slow: what is written meanwhile would pile up here. */
function drained(): Promise<void> | null {
  const { stdout } = process;
  if (!stdout.writableNeedDrain) return null;
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'error', 'close']) stdout.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'error', 'close']) stdout.on(event, done);
  });
}

void run({
  args: process.argv.slice(2),
  env: process.env,
  uid: process.getuid?.() ?? 0,
  userName: () => userInfo().username,
  stdinFd: 0,
  writeOut: intoFile ? writeToFile : (text) => void process.stdout.write(text),
  writeErr: (text) => void process.stderr.write(text),
  writeSecret: (secret) => void writeSync(2, secret),
  replyTimeoutMs: REPLY_TIMEOUT_MS,
  silenceTimeoutMs: SILENCE_TIMEOUT_MS,
  errIsTerminal: process.stderr.isTTY,
  ...(process.stdout.isTTY && {
    screen: { columns: process.stdout.columns || 80, colour: process.stdout.hasColors() },
  }),
  readerGone: () => readerGone,
  drained,
}).then((exitCode) => {
  // A terminal or a pipe whose other end is slow: everything is out before the end.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
});
