// Cards without a pairing whose certificate names the account, or whose account SSSD names ([mapping]). Only under a policy
// that pins authorities and checks chains; the chain itself is judged where every login's is (check-certificate.ts). A
// pairing goes first. Why: DECISIONS.md D113, D317.

import { printable } from '../../../base/errors.ts';
import type { Account } from '../../../model/account.ts';
import { sameKey, type Certificate } from '../../../model/key/key.ts';
import type { Pairing } from '../../../model/pairing.ts';
import type { Identity } from '../../../model/card/token.ts';
import { SSSD_ANSWER_MS } from '../../../sssd/interface.ts';
import type { Token } from '../../../token/interface.ts';
import type { CertificateTrust } from '../../../trust/interface.ts';
import { mappingRefused, sssdMaps } from '../../../words/mapping.ts';
import { mapsTo } from '../../../../policy/map-certificate.ts';
import { refusesKey } from '../../../../policy/permit-key.ts';
import type { Policy, SettingName } from '../../../../policy/policy.ts';
import { seenOn, type Found, type PairedCard } from './find-identity.ts';
import { askSssd, type SssdParts } from './sssd-mapping.ts';

/**
 * Made here, stored nowhere; known by the object, since every field of a pairing can be somebody's choice. With what
 * SSSD said of it; null: nobody was asked.
 */
const mapped = new WeakMap<Pairing, string | null>();

export function isMapped(pairing: Pairing): boolean {
  return mapped.has(pairing);
}

/** Who said so, for both logs and explanations; null for a pairing, and where the settings alone say it. */
export function mappedBy(pairing: Pairing): string | null {
  return mapped.get(pairing) ?? null;
}

/** Whether certificates may stand for accounts at all: never without a chain to a pinned authority. */
export function mapsCards({ mapping, trust }: Policy): boolean {
  const isOn = mapping.source === 'sssd' || mapping.attribute !== 'none';
  return isOn && trust.level > 0 && trust.pinned.length > 0;
}

/** The setting by which a card is mapped. */
export function mappingRule({ mapping }: Policy): SettingName {
  return mapping.source === 'sssd' ? 'mapping.source' : 'mapping.attribute';
}

function pairingOf({ name }: Account, token: Token, identity: Identity, said: string | null): Pairing {
  const pairing: Pairing = {
    ...seenOn({ token, identity }),
    user: name,
    cardKey: null,
    pairedBy: 'mapping',
    pairedAtMs: 0,
  };
  mapped.set(pairing, said);
  return pairing;
}

/** A certificate that may be looked at: of this key, for logins, of a key that policy takes. */
function usable({ certificate, publicKey, use }: Identity, policy: Policy): Certificate | null {
  if (use !== 'authentication' || certificate === null) return null;
  if (!sameKey(certificate.publicKey, publicKey) || refusesKey(policy, publicKey.algorithm) !== null)
    return null;
  return certificate;
}

async function names(
  account: Account,
  { der }: Certificate,
  policy: Policy,
  trust: CertificateTrust,
): Promise<boolean> {
  try {
    const fields = await trust.fields(der);
    return mapsTo(policy.mapping, fields, { name: account.name, gecos: account.fullName ?? '' });
  } catch {
    return false; // a certificate that cannot be read names nobody
  }
}

export interface Mapped {
  /** `other-card` where there is none. */
  readonly found: Found;
  /** Why SSSD's word was not enough for a certificate, for people; empty where nobody was asked. */
  readonly refusals: readonly string[];
}

/** The keys on cards that are in whose certificates are the account's. */
export async function findMappedIdentities(
  tokens: readonly Token[],
  account: Account | null,
  policy: Policy,
  parts: SssdParts,
): Promise<Mapped> {
  const cards: PairedCard[] = [];
  const refusals: string[] = [];
  const signal = AbortSignal.timeout(SSSD_ANSWER_MS);
  for (const { token, identity } of onCards(account === null || !mapsCards(policy) ? [] : tokens)) {
    const certificate = usable(identity, policy);
    if (account === null || certificate === null) continue;
    if (policy.mapping.source === 'local') {
      if (await names(account, certificate, policy, parts.trust))
        cards.push({ token, identity, pairing: pairingOf(account, token, identity, null) });
      continue;
    }
    const verdict = await askSssd(account, identity, policy, parts, signal);
    if (verdict.kind === 'refused') refusals.push(printable(mappingRefused(verdict), 400));
    else
      cards.push({
        token,
        identity,
        pairing: pairingOf(account, token, identity, sssdMaps(verdict.binding)),
      });
  }
  const [first, ...others] = cards;
  return {
    found: first === undefined ? { kind: 'other-card' } : { kind: 'found', cards: [first, ...others] },
    refusals,
  };
}

function onCards(tokens: readonly Token[]): { readonly token: Token; readonly identity: Identity }[] {
  return tokens.flatMap((token) => token.identities.map((identity) => ({ token, identity })));
}
