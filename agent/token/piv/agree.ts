// The private-key operation of a key for key management: raw RSA, or the x coordinate of ECDH. Nothing is signed by it:
// keys for signing are refused, so that no digest of somebody's gets a signature (lesson L21).
// Specification: SP 800-73-4 part 2, 3.2.4 and appendices A.4.2 (RSA key transport) and A.4.3 (ECDH).

import { AgentError } from '../../base/errors.ts';
import { SecretBuffer } from '../../base/secret.ts';
import { readOnly, readTlvs } from '../../base/tlv.ts';
import { agreedBytesOf, canSealTo } from '../../model/secret/sealed-secret.ts';
import type { Identity } from '../../model/card/token.ts';
import type { ApduExchange } from './apdu.ts';
import { generalAuthenticate } from './commands.ts';
import {
  CHALLENGE,
  CRYPTOGRAPHIC_MECHANISM,
  DYNAMIC_AUTHENTICATION_TEMPLATE,
  EXPONENTIATION,
  RESPONSE,
  RETIRED_SLOTS,
  SLOTS,
} from './constants.ts';
import { failure, SW_SUCCESS } from './status.ts';

/** Key management (9D) and the places that such keys are moved to when they are replaced. */
const PLACES = [...SLOTS.filter(({ use }) => use === 'key-management'), ...RETIRED_SLOTS];

export function canAgree({ slot, publicKey }: Identity): boolean {
  return PLACES.some(({ name }) => name === slot) && canSealTo(publicKey);
}

/**
 * @param exchange of a card whose PIN is verified
 * @returns as long as the key says; the caller releases it
 * @throws AgentError `no-identity`, `card-fault`, and what the channel throws
 */
export async function agree(
  exchange: ApduExchange,
  identity: Identity,
  input: Uint8Array,
  patienceMs?: number,
): Promise<SecretBuffer> {
  const place = PLACES.find(({ name }) => name === identity.slot);
  const { publicKey } = identity;
  if (place === undefined || !canSealTo(publicKey))
    throw new AgentError('no-identity', { detail: `${identity.slot} is no key for key management` });
  const tag = publicKey.algorithm.startsWith('rsa') ? CHALLENGE : EXPONENTIATION;
  const mechanism = CRYPTOGRAPHIC_MECHANISM[publicKey.algorithm];
  const reply = await generalAuthenticate(exchange, mechanism, place.keyReference, input, patienceMs, tag);
  try {
    if (reply.sw !== SW_SUCCESS) throw failure('GENERAL AUTHENTICATE', reply.sw);
    return readAgreed(reply.data, agreedBytesOf(publicKey));
  } finally {
    reply.data.fill(0);
  }
}

/** 7C with one 82 of exactly this length in it. @throws AgentError `card-fault` */
function readAgreed(reply: Uint8Array, length: number): SecretBuffer {
  try {
    const [response, ...others] = readTlvs(readOnly(reply, DYNAMIC_AUTHENTICATION_TEMPLATE));
    if (response?.tag !== RESPONSE || others.length > 0 || response.value.length !== length)
      throw new AgentError('malformed', { detail: `not one 82 of ${length} bytes` });
    const agreed = new SecretBuffer(length);
    agreed.bytes.set(response.value);
    response.value.fill(0);
    return agreed;
  } catch (cause) {
    throw new AgentError('card-fault', { detail: 'the card has agreed on nothing', cause });
  }
}
