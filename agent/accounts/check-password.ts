// A program of its own, started by password.ts: checks one password by PAM and ends. PAM modules run in here, so
// that none of them can crash or hold up scauthd. Request on standard input (password-request.ts); the outcome is
// the exit code and, for the log, a line on standard output.

import { readSync, writeSync } from 'node:fs';
import koffi from 'koffi';
import { AgentError, describeError } from '../base/errors.ts';
import { SecretBuffer } from '../base/secret.ts';
import { CHECK, GOOD_LINE } from './check-outcome.ts';
import { authenticate, PAM_SUCCESS, type PamOutcome } from './libpam.ts';
import { readRequest, requestLength } from './password-request.ts';

// security/_pam_types.h
const PAM_PERM_DENIED = 6;
const PAM_AUTH_ERR = 7;
const PAM_USER_UNKNOWN = 10;
const PAM_MAXTRIES = 11;
const PAM_ACCT_EXPIRED = 13;
const PAM_CONV_ERR = 19;

// linux/prctl.h
const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const SIGKILL = 9;

/** No core dump and no debugger of the same user; and no longer life than scauthd's. */
function protectProcess(): void {
  const prctl = koffi
    .load('libc.so.6')
    .func('int prctl(int option, ulong argument, ulong unused3, ulong unused4, ulong unused5)') as (
    ...args: number[]
  ) => number;
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) !== 0) throw new AgentError('internal', { detail: 'prctl failed' });
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

function readExactly(into: Buffer): Buffer {
  for (let offset = 0; offset < into.length;) {
    const read = readSync(0, into, offset, into.length - offset, null);
    if (read === 0) throw new AgentError('malformed', { detail: 'the request ends too early' });
    offset += read;
  }
  return into;
}

interface Verdict {
  readonly exitCode: (typeof CHECK)[keyof typeof CHECK];
  readonly line: string;
}

/** What PAM's return codes mean here. Unknown ones are "cannot be used", never "good". */
function judge({ authenticate: code, account, asked }: PamOutcome): Verdict {
  if (code !== PAM_SUCCESS) {
    const line = `pam_authenticate said ${code}`;
    switch (code) {
      case PAM_AUTH_ERR:
      case PAM_USER_UNKNOWN:
        return { exitCode: CHECK.wrongPassword, line };
      case PAM_PERM_DENIED:
      case PAM_MAXTRIES:
      case PAM_ACCT_EXPIRED:
        return { exitCode: CHECK.notAllowed, line };
      case PAM_CONV_ERR:
        return { exitCode: CHECK.unusable, line: `${line}: a module asks for more than one password` };
      default:
        return { exitCode: CHECK.unusable, line };
    }
  }
  if (account !== PAM_SUCCESS)
    return { exitCode: CHECK.notAllowed, line: `pam_acct_mgmt said ${String(account)}` };
  if (!asked) {
    return {
      exitCode: CHECK.unusable,
      line: 'PAM said yes and never asked for the password: see the service file',
    };
  }
  return { exitCode: CHECK.good, line: GOOD_LINE };
}

async function check(): Promise<Verdict> {
  protectProcess();
  const prefix = readExactly(Buffer.alloc(2));
  const buffer = new SecretBuffer(requestLength(prefix));
  try {
    const { service, user, confdir, password } = readRequest(readExactly(buffer.bytes));
    return judge(await authenticate(service, user, password, confdir));
  } finally {
    buffer.release();
  }
}

process.exitCode = CHECK.unusable;
let verdict: Verdict = { exitCode: CHECK.unusable, line: 'unknown' };
try {
  verdict = await check();
} catch (error) {
  verdict = { exitCode: CHECK.unusable, line: describeError(error) };
}
writeSync(1, `${verdict.line}\n`);
process.exit(verdict.exitCode);
