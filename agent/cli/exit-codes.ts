// What sc_auth ends with: the exit codes that scripts may rely on, and the error that carries one through the
// program. Which failure there was stands in the code; the words come from scauthd or from where it was thrown.

import type { AgentErrorCode } from '../base/errors.ts';

/** Public and stable. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  unreachable: 5,
  /** Nothing had to be done, which a tool that is run again takes for success. */
  already: 6,
  /** 128 + SIGINT, as a shell says it. */
  cancelled: 130,
} as const;

const meanings: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done',
  failure: 'failed',
  usage: 'wrong usage',
  refused: 'refused: wrong PIN or password, blocked, not allowed',
  notFound: 'not found: no card, no identity, no pairing, unknown user',
  unreachable: 'scauthd cannot be reached, or does not answer',
  already: 'it is so already, and nothing was changed: the key is paired with this account, or lost',
  cancelled: 'cancelled: Ctrl-C, Ctrl-D, or the input ended',
};

/** For sc_auth --help and its man page. */
export const EXIT_MEANINGS = (Object.keys(EXIT) as (keyof typeof EXIT)[]).map(
  (name) => [EXIT[name], meanings[name]] as const,
);

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
export type FailureCode = Exclude<ExitCode, typeof EXIT.ok>;

/** Failures that arise on this side of the socket; all others are scauthd's own codes. */
export type LocalErrorCode =
  'usage' | 'unreachable' | 'no-answer' | 'no-record' | 'reader-gone' | 'not-rehearsed';

/** A failure with its sentence for the person. `code` is a LocalErrorCode or what scauthd said. */
export class CommandError extends Error {
  readonly code: string;
  readonly triesLeft: number | null;

  constructor(code: LocalErrorCode | AgentErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'CommandError';
    this.code = code;
    this.triesLeft = null;
  }

  /** A failure in scauthd's words. A newer scauthd may know codes that we do not. */
  static fromAgent(code: string, message: string, triesLeft: number | null): CommandError {
    return Object.assign(new CommandError('internal', message), { code, triesLeft });
  }
}

/** An end of which nothing needs to be said. */
export class SilentEnd extends CommandError {
  constructor(code: LocalErrorCode | AgentErrorCode) {
    super(code, '');
    this.name = 'SilentEnd';
  }
}

const exitCodes: Readonly<Partial<Record<LocalErrorCode | AgentErrorCode, ExitCode>>> = {
  usage: EXIT.usage,
  'invalid-argument': EXIT.usage,
  'several-pairings': EXIT.usage,
  'wrong-pin': EXIT.refused,
  'pin-blocked': EXIT.refused,
  'pin-reserve': EXIT.refused,
  'pin-not-yours': EXIT.refused,
  'pin-expired': EXIT.refused,
  'pin-not-set': EXIT.refused,
  'pin-malformed': EXIT.refused,
  contactless: EXIT.refused,
  'wrong-puk': EXIT.refused,
  'puk-blocked': EXIT.refused,
  'wrong-password': EXIT.refused,
  'bad-proof': EXIT.refused,
  'not-attested': EXIT.refused,
  'factory-secrets': EXIT.refused,
  'cannot-set-up': EXIT.refused,
  'card-suspect': EXIT.refused,
  'card-unchecked': EXIT.refused,
  'untrusted-certificate': EXIT.refused,
  'would-shut-out': EXIT.refused,
  'no-card-login': EXIT.refused,
  'not-rehearsed': EXIT.refused,
  'not-allowed': EXIT.refused,
  'not-here': EXIT.refused,
  'paired-elsewhere': EXIT.refused,
  'card-lost': EXIT.refused,
  'already-paired': EXIT.already,
  'already-lost': EXIT.already,
  'no-card': EXIT.notFound,
  'no-identity': EXIT.notFound,
  'not-paired': EXIT.notFound,
  'not-lost': EXIT.notFound,
  'unknown-user': EXIT.notFound,
  'no-record': EXIT.notFound,
  'reader-gone': EXIT.ok,
  unreachable: EXIT.unreachable,
  'no-answer': EXIT.unreachable,
  cancelled: EXIT.cancelled,
};

/** The exit code of a failure; what is not in the table is a plain failure. */
export function exitCodeOf(code: string): ExitCode {
  return new Map<string, ExitCode>(Object.entries(exitCodes)).get(code) ?? EXIT.failure;
}
