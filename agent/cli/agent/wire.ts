// Replies and results of scauthd, for the commands: what is not understood is an error of the command's.

import { AgentError } from '../../base/errors.ts';
import * as wire from '../../protocol/io-scauth.ts';
import type { Fields, Methods, SessionMethod, UpgradedMethod } from '../../protocol/io-scauth.ts';
import { agent as say } from '../../words/sc-auth.ts';
import { CommandError } from '../exit-codes.ts';

/** A reply that no scauthd of our version gives. */
export function notUnderstood(cause: unknown): CommandError {
  return new CommandError('malformed', say.notUnderstood, cause);
}

/** @throws CommandError `malformed` */
function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof AgentError ? notUnderstood(error) : error;
  }
}

type Parameters = Readonly<Record<string, unknown>>;
type PlainMethod = Exclude<keyof Methods, UpgradedMethod | SessionMethod>;

/** @throws CommandError `malformed` */
export function readReply<M extends PlainMethod>(method: M, reply: Parameters): Methods[M]['reply'] {
  return understood(() => wire.readReply(method, reply));
}

/** The card that a conversation was about. @throws CommandError `malformed` */
export function readTokenId(result: Parameters): string {
  return understood(() => wire.readFields(result, { token: 'string' } as const)).token;
}

/** @throws CommandError `malformed` */
export function readPairing(value: unknown): wire.WirePairing {
  return understood(() => wire.readPairing(value));
}

const REHEARSAL = {
  user: 'string',
  service: 'string',
  token: '?string',
  hash: '?string',
  granted: 'bool',
} as const;

export interface Rehearsal extends Fields<typeof REHEARSAL> {
  readonly steps: readonly wire.WireStep[];
  /** null exactly when a login would be granted. */
  readonly failure: wire.WireFailure | null;
}

/** A yes that its own steps gainsay is none. @throws CommandError `malformed` */
export function readRehearsal(result: Parameters): Rehearsal {
  const { steps: listed, failure: given = null } = result;
  if (!Array.isArray(listed)) throw notUnderstood('result: steps');
  const rehearsal = understood(() => ({
    ...wire.readFields(result, REHEARSAL),
    steps: listed.map((step) => wire.readFields(step, wire.STEP)),
    failure: given === null ? null : wire.readFailure(given),
  }));
  const { granted, steps, failure } = rehearsal;
  const good = steps.length > 0 && steps.every((step) => step.good);
  if (granted !== (failure === null) || (granted && !good)) throw notUnderstood('result: granted');
  return rehearsal;
}
