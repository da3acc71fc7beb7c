// Whether the PIN, the PUK and the management key are the factory's: their metadata say it. Cards without these metadata do
// not tell, and a try would cost one. Specification: Yubico PIV extensions, GET METADATA (firmware 5.3 and later), tag 05.

import { findTlv, readTlvs } from '../../base/tlv.ts';
import type { FactorySecrets } from '../../model/card/factory-secrets.ts';
import type { PinState } from '../../model/card/token.ts';
import type { ApduExchange } from './apdu.ts';
import { getMetadata } from './commands.ts';
import {
  CARD_MANAGEMENT_KEY,
  METADATA_IS_DEFAULT,
  METADATA_RETRIES,
  PIV_CARD_APPLICATION_PIN,
} from './constants.ts';
import { PUK_REFERENCE } from './reference-data.ts';
import { SW_SUCCESS } from './status.ts';

/** What the metadata say of a secret; null where the card has none of it. */
interface SecretMetadata {
  readonly isFactory: boolean | null;
  readonly tries: PinState;
}

/** @throws AgentError `malformed`, and what the channel throws */
async function askSecretMetadata(exchange: ApduExchange, reference: number): Promise<SecretMetadata | null> {
  const { data, sw } = await getMetadata(exchange, reference);
  return sw === SW_SUCCESS ? readSecretMetadata(data) : null;
}

/** @throws AgentError `malformed` */
export function readSecretMetadata(metadata: Uint8Array): SecretMetadata {
  const fields = readTlvs(metadata);
  const flag = findTlv(fields, METADATA_IS_DEFAULT)?.[0];
  const tries = findTlv(fields, METADATA_RETRIES);
  return {
    isFactory: flag === undefined ? null : flag === 1,
    tries: { triesLeft: tries?.[1] ?? null, triesTotal: tries?.[0] ?? null },
  };
}

/**
 * With the total of the PIN's tries and the tries of the PUK, which stand beside. One APDU on a card without metadata, else three.
 * @returns null where the card does not tell
 * @throws AgentError `malformed`, and what the channel throws
 */
export async function readFactorySecrets(exchange: ApduExchange): Promise<{
  readonly secrets: FactorySecrets;
  readonly pinTotal: number | null;
  readonly puk: PinState | null;
} | null> {
  const pin = await askSecretMetadata(exchange, PIV_CARD_APPLICATION_PIN);
  if (pin === null) return null;
  const puk = await askSecretMetadata(exchange, PUK_REFERENCE);
  const key = await askSecretMetadata(exchange, CARD_MANAGEMENT_KEY);
  const secrets = {
    pin: pin.isFactory,
    puk: puk?.isFactory ?? null,
    managementKey: key?.isFactory ?? null,
  };
  return { secrets, pinTotal: pin.tries.triesTotal, puk: puk?.tries ?? null };
}
