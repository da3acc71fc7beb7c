// What has to hold of a chosen card before it gets a PIN, and once more when it has proved itself: by the policy that is
// in force then. Each gate is a refusal or nothing; the first refusal counts.

import type { DenyReason } from '../../model/decision.ts';
import type { PairingTable } from '../../store/interface.ts';
import type { CertificateTrust } from '../../trust/interface.ts';
import { permitReader } from '../../../policy/permit-reader.ts';
import type { Policy, Rule } from '../../../policy/policy.ts';
import { checkCard } from '../card/card-check.ts';
import { checkCertificate } from '../card/gates/check-certificate.ts';
import { refusesFactorySecrets } from '../card/gates/factory-secrets.ts';
import type { PairedCard } from '../card/find/find-identity.ts';
import { lostCard } from '../card/gates/said-lost.ts';
import type { RequestPermit } from './permit-request.ts';

/** A no, the setting that said it, and the cause for the log. */
export interface GateRefusal {
  readonly reason: DenyReason;
  readonly rule: Rule;
  readonly detail: string | null;
}

interface GateParts {
  readonly pairings: Pick<PairingTable, 'lostBy'>;
  readonly permit: RequestPermit;
  readonly trust: CertificateTrust;
}

type Gate = (
  card: PairedCard,
  policy: Policy,
  parts: GateParts,
) => GateRefusal | null | Promise<GateRefusal | null>;

/** Somebody who is elsewhere is told of no card. */
export const fromHere = async (permit: RequestPermit, policy: Policy): Promise<GateRefusal | null> => {
  const permission = await permit.withSession(policy);
  if (permission.permitted) return null;
  const { reason, rule, where } = permission;
  return { reason, rule, detail: where };
};

const notLost: Gate = (card, _policy, { pairings }) => {
  const lost = lostCard(card, pairings);
  if (lost === null) return null;
  return {
    reason: 'card-lost',
    rule: 'sc_auth lost',
    detail: `${lost.kind} ${lost.name}, said by ${lost.by}`,
  };
};

const throughReader: Gate = ({ token }, policy) =>
  permitReader(policy, token.slot)
    ? null
    : { reason: 'contactless-not-allowed', rule: 'reader.contactless', detail: null };

const byCertificate: Gate = async ({ identity }, policy, { trust }) => {
  const found = await checkCertificate(policy.trust, identity, trust);
  return found.permitted ? null : { reason: 'certificate-not-trusted', rule: found.rule, detail: found.why };
};

const byItsOwnKey: Gate = ({ token, pairing }, policy) => {
  const found = checkCard(policy, token, pairing);
  return found.permitted ? null : { reason: found.reason, rule: found.rule, detail: found.why };
};

const withOwnSecrets: Gate = ({ token, pairing }, policy) =>
  refusesFactorySecrets(policy, token, pairing)
    ? { reason: 'factory-secrets', rule: 'card.factory_secrets', detail: null }
    : null;

const GATES: readonly Gate[] = [
  (_card, policy, { permit }) => fromHere(permit, policy),
  notLost,
  throughReader,
  byCertificate,
  byItsOwnKey,
  withOwnSecrets,
];

/** The first refusal; null: the card may go on. */
export async function refusedAtGate(
  card: PairedCard,
  policy: Policy,
  parts: GateParts,
): Promise<GateRefusal | null> {
  for (const gate of GATES) {
    const refusal = await gate(card, policy, parts);
    if (refusal !== null) return refusal;
  }
  return null;
}
