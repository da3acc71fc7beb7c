// The closed set of failures. Each has a code (public, stable), a sentence for the person with the next step,
// and a detail for the log. The detail and the cause are in no refusal; what the caller has to know beside the code is
// in `say`, and is said again in the log.

/** Codes are public: scripts match on them (`sc_auth --json`), PROTOCOL.md lists them. */
export type AgentErrorCode =
  // Data
  | 'malformed' // bytes from outside that do not parse
  | 'invalid-argument' // a caller's parameter that cannot be meant
  // Reader and card
  | 'no-service' // pcscd is not running
  | 'not-authorised' // pcscd (polkit) does not let us in
  | 'no-card' // no reader, no card, or the card was pulled
  | 'card-changed' // where the card was that the person was shown there is another one now: it got no PIN
  | 'card-reset' // another program reset the card: select again
  | 'card-busy' // another program holds the card
  | 'card-timeout' // the card or reader did not answer in time
  | 'card-fault' // the card answered something it should not have
  | 'contactless' // the card is in a contactless reader, and policy wants contacts
  | 'module-fault' // a PKCS#11 module failed, which says nothing of the card
  | 'driver-fault' // a driver of its own process crashed, hung or broke the protocol
  // PIN
  | 'wrong-pin'
  | 'pin-blocked'
  | 'pin-reserve' // the last tries are kept
  | 'pin-not-yours' // the last tries are kept for whose card it is
  | 'pin-expired' // the card wants a new PIN first
  | 'pin-not-set' // the card has no PIN yet
  | 'pin-malformed' // cannot be a PIN: never sent to the card
  | 'pin-timeout' // nothing was typed on the reader's PIN pad in time
  | 'touch-timeout' // the card wanted to be touched, and was not
  | 'wrong-puk'
  | 'puk-blocked'
  | 'wrong-answer' // the help desk's, or too many of them: there is no challenge for a while
  | 'cannot-set-up' // the card is not as it comes from the factory, or cannot be set up by scauth
  | 'not-supported' // the card's driver cannot do this
  // Identity and proof
  | 'no-identity' // the card has no such key
  | 'weak-key'
  | 'bad-certificate'
  | 'untrusted-certificate' // by the level, the authorities or the revocation data of the policy
  | 'card-suspect' // the card has not proved that it is the card that was paired
  | 'card-unchecked' // the card's driver cannot ask it to prove that it is the card that was paired
  | 'card-lost' // the key, or its card, was said to be lost
  | 'factory-secrets' // the card's PIN or PUK is the one that is printed in its manual
  | 'not-attested' // policy wants the maker's word that the key was made on the card
  | 'bad-proof' // the signature does not verify with the paired key
  // Pairing
  | 'already-paired'
  | 'paired-elsewhere' // with another account, and nobody said that the key is for both
  | 'several-pairings' // to be taken back, and none of them was named
  | 'not-paired'
  | 'already-lost'
  | 'not-lost'
  | 'key-conflict' // another key with the same hash is paired
  | 'store-unreadable' // the pairing table cannot be read: not the same as "not paired"
  | 'store-newer' // the pairing table was written by a later scauth
  // Requests
  | 'would-shut-out' // enforcement would leave the named accounts without a way in
  | 'no-card-login' // nobody has logged in by card since the trial of enforcement began
  | 'not-allowed' // by policy or by peer credentials
  | 'not-here' // a card is used by whoever is at the machine, and the caller may be elsewhere
  | 'unknown-user'
  | 'wrong-password'
  | 'cancelled'
  | 'config-invalid'
  | 'internal';

/** What a failure can carry beside its code. Typed, so that nobody parses messages. */
export interface AgentErrorData {
  /** For the log only; without it the log has `say`. */
  detail?: string;
  /** For the caller, in a sentence of words/failures.ts: part of one, with a small letter and no full stop. */
  say?: string;
  triesLeft?: number;
  cause?: unknown;
}

/** The one exception class that crosses module borders. */
export class AgentError extends Error {
  readonly code: AgentErrorCode;
  readonly triesLeft: number | undefined;
  readonly detail: string;
  readonly say: string | undefined;

  constructor(code: AgentErrorCode, data: AgentErrorData = {}) {
    super(data.detail ?? data.say ?? code, data.cause === undefined ? {} : { cause: data.cause });
    this.name = 'AgentError';
    this.code = code;
    this.detail = data.detail ?? data.say ?? code;
    this.say = data.say;
    this.triesLeft = data.triesLeft;
  }
}

/** Any thrown value as an AgentError; what we do not know is `internal`. */
export function asAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  return new AgentError('internal', {
    detail: error instanceof Error ? error.message : String(error),
    cause: error,
  });
}

/** One line for the log: code, detail and the chain of causes, without control characters. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at instanceof Error && parts.length < 4; at = at.cause) {
    parts.push(at instanceof AgentError ? `${at.code}: ${at.detail}` : `${at.name}: ${at.message}`);
  }
  if (parts.length === 0) parts.push(String(error));
  return printable(parts.join(' <- '), 500);
}

/**
 * Text from a card, a certificate or a peer, made safe for a terminal and a log: control characters, escape
 * sequences and bidirectional overrides become `?`, and the length is capped.
 */
export function printable(text: string, maxLength = 200): string {
  // Nearly every text: four times as quick.
  if (text.length <= maxLength && /^[ -~]*$/.test(text)) return text;
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, '?');
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1)}…` : clean;
}
