// Checks an account's password by PAM, for pairing. The work is done by a child process (check-password.ts): this
// file starts it, hands it the request, and ends it when it takes too long. It does not say who may ask.

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentError, printable } from '../base/errors.ts';
import type { Pin } from '../base/pin.ts';
import type { SecretBuffer } from '../base/secret.ts';
import { CHECK, GOOD_LINE } from './check-outcome.ts';
import { writeRequest } from './password-request.ts';

/** Built or not, the program lies beside this file and has the same ending. */
const PROGRAM = `${import.meta.dirname}/check-password${extname(import.meta.filename)}`;
/** How much a child may say; more is cut off. */
const MAX_LINE = 500;
/** A program that a module left behind may hold the child's output open: no longer wait than this for its end. */
const LAST_WORDS_MS = 200;

export interface PasswordCheck {
  /** PAM service: its stack must ask for the account password, and for nothing else. */
  readonly service: string;
  readonly user: string;
  /** Used once and wiped, on each path. */
  readonly password: Pin;
  /** Folder with the service file; left out: the machine's own (/etc/pam.d). */
  readonly confdir?: string;
  readonly timeoutMs: number;
}

/** @throws AgentError `wrong-password` for what no password can be; `invalid-argument` */
async function requestOf(check: PasswordCheck): Promise<SecretBuffer> {
  const { service, user, confdir = null } = check;
  // An empty answer proves nothing, also for an account without a password; C strings end at a NUL.
  const impossible = check.password.isEmpty || check.password.peek((bytes) => bytes.includes(0));
  if (impossible) {
    check.password.wipe();
    throw new AgentError('wrong-password', { detail: 'empty, or holds a NUL' });
  }
  return await check.password.use((password) =>
    Promise.resolve().then(() => writeRequest({ service, user, confdir, password })),
  );
}

async function closed(stream: Readable | Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    stream.once('close', resolve);
  });
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

interface Ended {
  /** null: killed by a signal. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly line: string;
}

/** Hands over the request and waits for the end of the child. */
async function attend(child: Child, request: SecretBuffer): Promise<Ended> {
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    if (said.length < 8) said.push(chunk);
  });
  const silent = closed(child.stdout);
  // A child that ends early closes its end: its exit code says why, not this EPIPE.
  child.stdin.on('error', () => undefined);
  const sent = closed(child.stdin);
  const exited = once(child, 'exit');
  child.stdin.end(request.bytes);
  // Once the pipe has it, nothing writes from it any more; PAM may take its time.
  const forgotten = sent.then(() => {
    request.release();
  });
  try {
    const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null];
    await Promise.race([silent, delay(LAST_WORDS_MS)]);
    return { code, signal, line: printable(Buffer.concat(said).toString().trim(), MAX_LINE) };
  } finally {
    child.stdin.destroy();
    child.stdout.destroy();
    await forgotten;
  }
}

/**
 * Checks `user`'s password with pam_authenticate and pam_acct_mgmt. The event loop stays free.
 * @throws AgentError `wrong-password`; `not-allowed` for an account that is expired, locked or must change its
 * password; `internal` when PAM cannot be used, takes longer than timeoutMs or its module crashes;
 * `invalid-argument` for names that cannot be meant
 */
export async function checkPassword(check: PasswordCheck): Promise<void> {
  const request = await requestOf(check);
  try {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM], {
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const deadline = AbortSignal.timeout(check.timeoutMs);
    deadline.addEventListener('abort', () => child.kill('SIGKILL'));
    const ended = await attend(child, request);
    if (deadline.aborted)
      throw new AgentError('internal', { detail: `PAM took longer than ${check.timeoutMs} ms` });
    judge(ended);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError('internal', { detail: 'check-password cannot be started', cause: error });
  } finally {
    request.release();
  }
}

/** Returns for a good password, and throws for everything else. */
function judge({ code, signal, line }: Ended): void {
  switch (code) {
    case CHECK.good:
      if (line.endsWith(GOOD_LINE)) return;
      throw new AgentError('internal', { detail: 'check-password ended without a verdict' });
    case CHECK.wrongPassword:
      throw new AgentError('wrong-password', { detail: line });
    case CHECK.notAllowed:
      throw new AgentError('not-allowed', { detail: line });
    default:
      throw new AgentError('internal', {
        detail: `check-password: ${signal ?? `exit code ${String(code)}`}: ${line}`,
      });
  }
}
