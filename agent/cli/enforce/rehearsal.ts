// The rehearsal before `enforce on`: in a private copy of the PAM files, does a right password open a service for somebody
// who has to use a card? The same login of somebody who need not must get in, or nothing is proved.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { extname, join } from 'node:path';
import { printable } from '../../base/errors.ts';
import { rehearsal as say } from '../../words/enforcement.ts';
import { CommandError } from '../exit-codes.ts';
import { startScriptedAgent } from './scripted-agent.ts';

const PROGRAM = `${import.meta.dirname}/../../accounts/rehearse-main${extname(import.meta.filename)}`;
const REQUIRED = 'scauth-rehearsal';
const PERMITTED = 'scauth-permitted';
/** All services together; a module that waits for a server takes its time. */
const PATIENCE_MS = 120_000;
const MAX_SAID = 64 * 1024;

export interface Rehearsed {
  /** A password opened it although the card is required. */
  readonly open: readonly string[];
  /** It refused the password, and let the one in who need not use a card. */
  readonly proved: readonly string[];
  /** It let neither in: nothing is proved. */
  readonly unclear: readonly string[];
}

function failed(why: string, cause?: unknown): CommandError {
  return new CommandError('not-rehearsed', say.failed(why), cause);
}

async function runProgram(order: object): Promise<string> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM];
  const child = spawn('unshare', ['--mount', '--propagation', 'private', '--', ...node], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    cwd: '/',
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out = (out + text).slice(0, MAX_SAID)));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err = (err + text).slice(0, MAX_SAID)));
  child.stdin.on('error', () => undefined); // its end says why
  child.stdin.end(JSON.stringify(order));
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (code === 0) return out;
    const said = printable(err.trim().split('\n').at(0) ?? '', 300);
    throw failed(signal === null ? said : say.ended(signal));
  } catch (error) {
    throw error instanceof CommandError ? error : failed(say.noUnshare, error);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws CommandError `not-rehearsed` */
function readOutcome(text: string): Readonly<Record<string, readonly string[]>> {
  try {
    return JSON.parse(text) as Record<string, string[]>;
  } catch (cause) {
    throw failed(say.noAnswer, cause);
  }
}

/** As root. @throws CommandError `not-rehearsed` */
export async function rehearse(services: readonly string[]): Promise<Rehearsed> {
  const folder = mkdtempSync('/run/scauth-rehearsal-');
  try {
    const agent = await startScriptedAgent(join(folder, 'pam.sock'), PERMITTED);
    try {
      const order = { folder, services, accounts: [REQUIRED, PERMITTED] };
      const outcome = readOutcome(await runProgram(order));
      const lets = (account: string, service: string): boolean =>
        outcome[account]?.includes(service) === true;
      const open = services.filter((service) => lets(REQUIRED, service));
      const proved = services.filter((service) => !open.includes(service) && lets(PERMITTED, service));
      const unclear = services.filter((service) => !open.includes(service) && !proved.includes(service));
      return { open, proved, unclear };
    } finally {
      agent.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
