// Whether a login would take the card of a pairing, as far as that is known without the card: its driver, and the
// certificate that the pairing keeps. For `sc_auth enforce plan` and its guards; a login judges the card itself.

import type { DriverInfo } from '../../model/card/driver.ts';
import type { PairedCardFacts } from '../../model/pairing.ts';
import { parseCertificate, type Certificate } from '../../model/key/key.ts';
import type { CertificateTrust } from '../../trust/interface.ts';
import { refusesPaired, type CardRefusal, type DriverFacts } from '../../../policy/paired-card.ts';
import type { Policy } from '../../../policy/policy.ts';
import { checkCertificate } from '../card/gates/check-certificate.ts';

export interface OutlookParts {
  readonly trust: CertificateTrust;
  /** In order. */
  readonly drivers: () => readonly DriverFacts[];
}

/** @param disabled by settings that are not in force yet; absent: as it is now */
export function driverFacts(drivers: readonly DriverInfo[], disabled?: readonly string[]): DriverFacts[] {
  return drivers.map(({ id, kind, state }) => {
    const off = disabled === undefined ? state === 'disabled' : disabled.includes(id);
    return { id, kind, inUse: !off && state !== 'failed' };
  });
}

/** @returns null where nothing speaks against it */
export async function whyNotTaken(
  pairing: PairedCardFacts,
  policy: Policy,
  { trust, drivers }: OutlookParts,
): Promise<CardRefusal | null> {
  const byDriver = refusesPaired(policy, pairing, drivers());
  if (byDriver !== null) return byDriver;
  // Without a copy of the certificate only the card knows it.
  if (policy.trust.level === 0 || pairing.certificate === null) return null;
  let certificate: Certificate;
  try {
    certificate = parseCertificate(pairing.certificate);
  } catch {
    return null; // a copy that cannot be read says nothing of the card
  }
  const found = await checkCertificate(
    policy.trust,
    { publicKey: certificate.publicKey, certificate },
    trust,
  );
  return found.permitted ? null : { rule: found.rule, why: `its certificate: ${found.why}` };
}
