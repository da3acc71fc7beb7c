// Lets a PIV card prove its own key (9E) while it is being read: one GENERAL AUTHENTICATE, no PIN.
// Specification: SP 800-73-4 part 1, 5.5 and table 4b (Card Authentication Key); part 2, 3.2.4.

import { AgentError } from '../../base/errors.ts';
import type { CardKeyProof } from '../../model/card/card-key.ts';
import type { PublicKey } from '../../model/key/key.ts';
import type { CardKeyCheck } from '../interface.ts';
import type { ApduExchange } from './apdu.ts';
import { generalAuthenticate, getMetadata } from './commands.ts';
import { CRYPTOGRAPHIC_MECHANISM } from './constants.ts';
import { worksByItself } from './metadata.ts';
import { readSignature, signatureInput } from './sign.ts';
import { SW_SUCCESS } from './status.ts';

const CARD_AUTHENTICATION_KEY = 0x9e;

interface CardKeyParts {
  readonly exchange: ApduExchange;
  readonly yubiKey: boolean;
  readonly check: CardKeyCheck;
}

/**
 * @returns null where nothing is asked of the card
 * @throws AgentError `card-fault` where the card does not sign, and what the channel throws
 */
export async function proveCardKey(
  publicKey: PublicKey,
  { exchange, yubiKey, check }: CardKeyParts,
): Promise<CardKeyProof | null> {
  const asked = check.begin();
  if (asked === null) return null;
  // A YubiKey's 9E may want a touch, and would then keep everybody waiting: it is asked only where it says that it
  // does not (firmware 5.3 and later).
  if (yubiKey) {
    const { data, sw } = await getMetadata(exchange, CARD_AUTHENTICATION_KEY);
    if (sw !== SW_SUCCESS || !worksByItself(data)) return null;
  }
  const { scheme, bytes } = signatureInput(asked.challenge, publicKey.algorithm);
  const mechanism = CRYPTOGRAPHIC_MECHANISM[publicKey.algorithm];
  const { data, sw } = await generalAuthenticate(exchange, mechanism, CARD_AUTHENTICATION_KEY, bytes);
  if (sw !== SW_SUCCESS)
    throw new AgentError('card-fault', {
      detail: `the card does not sign with its own key (${sw.toString(16)})`,
    });
  return asked.conclude(publicKey, { scheme, signature: readSignature(data) });
}
