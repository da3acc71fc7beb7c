// The Discovery object says which PIN the holder uses; the Key History object, how many old keys there are.
// Both are often absent. Specification: SP 800-73-4 part 1, 3.3.2 and 3.3.3.

import { AgentError } from '../../base/errors.ts';
import { findTlv, readOnly, readTlvs } from '../../base/tlv.ts';
import * as P from './constants.ts';

/**
 * The key reference of the PIN to ask for: the card's own (80), or the global one (00) where that is primary.
 * @param reply to GET DATA; its wrapper is 7E, not 53
 * @throws AgentError `malformed`
 */
export function readPinReference(reply: Uint8Array): number {
  const policy = findTlv(readTlvs(readOnly(reply, P.DATA_OBJECT.DISCOVERY)), P.PIN_USAGE_POLICY);
  if (policy?.length !== 2) throw new AgentError('malformed', { detail: 'no PIN usage policy' });
  const [allowed = 0, primary = 0] = policy;
  const global = (allowed & P.POLICY_GLOBAL_PIN) !== 0 && primary === P.POLICY_GLOBAL_PIN_PRIMARY;
  return global ? P.GLOBAL_PIN : P.PIV_CARD_APPLICATION_PIN;
}

/**
 * How many retired keys have their certificate on the card: they are the first ones.
 * @param reply to GET DATA, with its wrapper 53
 * @throws AgentError `malformed`
 */
export function readRetiredCount(reply: Uint8Array): number {
  const count = findTlv(readTlvs(readOnly(reply, P.DISCRETIONARY_DATA)), P.KEYS_WITH_ON_CARD_CERTS);
  return Math.min(count?.[0] ?? 0, P.RETIRED_SLOTS.length);
}
