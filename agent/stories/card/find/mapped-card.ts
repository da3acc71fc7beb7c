// Cards without a pairing whose certificate names the account ([mapping]). Only under a policy that pins authorities and
// checks chains; the chain itself is judged where every login's is (check-certificate.ts). A pairing goes first.
// Why: DECISIONS.md D113.

import type { Account } from '../../../model/account.ts';
import { sameKey } from '../../../model/key/key.ts';
import type { Pairing } from '../../../model/pairing.ts';
import type { Identity } from '../../../model/card/token.ts';
import type { Token } from '../../../token/interface.ts';
import type { CertificateTrust } from '../../../trust/interface.ts';
import { mapsTo } from '../../../../policy/map-certificate.ts';
import { refusesKey } from '../../../../policy/permit-key.ts';
import type { Policy } from '../../../../policy/policy.ts';
import { seenOn, type Found, type PairedCard } from './find-identity.ts';

/** Made here, stored nowhere; known by the object, since every field of a pairing can be somebody's choice. */
const mapped = new WeakSet<Pairing>();

export function isMapped(pairing: Pairing): boolean {
  return mapped.has(pairing);
}

/** Whether certificates may stand for accounts at all: never without a chain to a pinned authority. */
export function mapsCards({ mapping, trust }: Policy): boolean {
  return mapping.attribute !== 'none' && trust.level > 0 && trust.pinned.length > 0;
}

function pairingOf({ name }: Account, token: Token, identity: Identity): Pairing {
  const pairing: Pairing = {
    ...seenOn({ token, identity }),
    user: name,
    cardKey: null,
    pairedBy: 'mapping',
    pairedAtMs: 0,
  };
  mapped.add(pairing);
  return pairing;
}

async function names(
  account: Account,
  { certificate, publicKey, use }: Identity,
  policy: Policy,
  trust: CertificateTrust,
): Promise<boolean> {
  if (use !== 'authentication' || certificate === null) return false;
  if (!sameKey(certificate.publicKey, publicKey) || refusesKey(policy, publicKey.algorithm) !== null)
    return false;
  try {
    const fields = await trust.fields(certificate.der);
    return mapsTo(policy.mapping, fields, { name: account.name, gecos: account.fullName ?? '' });
  } catch {
    return false; // a certificate that cannot be read names nobody
  }
}

/** The keys on cards that are in whose certificates name the account; `other-card` when there is none. */
export async function findMappedIdentities(
  tokens: readonly Token[],
  account: Account | null,
  policy: Policy,
  trust: CertificateTrust,
): Promise<Found> {
  const cards: PairedCard[] = [];
  if (account !== null && mapsCards(policy)) {
    for (const token of tokens)
      for (const identity of token.identities)
        if (await names(account, identity, policy, trust))
          cards.push({ token, identity, pairing: pairingOf(account, token, identity) });
  }
  const [first, ...others] = cards;
  return first === undefined ? { kind: 'other-card' } : { kind: 'found', cards: [first, ...others] };
}
