// Asks a YubiKey to attest that a key was made on it. No PIN. An imported key gets none: the card refuses.
// Specification: docs.yubico.com, "PIV attestation" (INS F9, firmware 4.3 and later; object 5FFF01).

import { AgentError } from '../../base/errors.ts';
import { MAX_CERTIFICATE_BYTES } from '../../model/key/key.ts';
import type { Attestation } from '../../model/card/attestation.ts';
import type { ApduExchange } from './apdu.ts';
import { readCertificateObject } from './certificate-object.ts';
import { attest, getData } from './commands.ts';
import { ATTESTATION_OBJECT } from './constants.ts';
import { SW_SUCCESS } from './status.ts';

/** @throws AgentError `not-attested` where the card does not vouch for the key, and what the channel throws */
export async function readAttestation(exchange: ApduExchange, keyReference: number): Promise<Attestation> {
  const { data: certificate, sw } = await attest(exchange, keyReference);
  if (sw !== SW_SUCCESS || certificate.length === 0 || certificate.length > MAX_CERTIFICATE_BYTES)
    throw new AgentError('not-attested', {
      say: `the card does not attest the key (${sw.toString(16)}): it was imported, or the card cannot`,
    });
  const object = await getData(exchange, ATTESTATION_OBJECT);
  const intermediate = object.sw === SW_SUCCESS ? readCertificateObject(object.data) : null;
  if (intermediate === null)
    throw new AgentError('not-attested', { say: 'the card has no attestation certificate (slot F9)' });
  return { certificate, intermediate };
}
