// The story of a pairing: who may → which key → is it fit → account password → PIN and proof → table → audit.
// Users prove both themselves (password) and the card (signature); the administrator's word is enough.

import { AgentError, asAgentError, type AgentErrorCode } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Pin } from '../../base/pin.ts';
import type { AuditLog } from '../../audit/interface.ts';
import type { Account, Accounts } from '../../model/account.ts';
import type { AuditedKey } from '../../model/sealed-log/audit-event.ts';
import type { Certificate, KeyAlgorithm, Pkhh } from '../../model/key/key.ts';
import { clash, takesKey, type Pairing } from '../../model/pairing.ts';
import type { PeerCredentials, Username } from '../../model/request.ts';
import type { Identity } from '../../model/card/token.ts';
import type { PairingTable } from '../../store/interface.ts';
import type { TokenSource } from '../../token/interface.ts';
import { wholeTokens } from '../card/find/whole-tokens.ts';
import type { CertificateTrust } from '../../trust/interface.ts';
import { accountPasswordPrompt, pairingText, tooWeak, UNFIT_USE } from '../../words/pairing.ts';
import { fitsLogin, mayPair, refusesPairing } from '../../../policy/permit-pairing.ts';
import type { Policy } from '../../../policy/policy.ts';
import { namedOf } from '../../words/repairs.ts';
import { eventsOfError } from '../card/audited-failure.ts';
import { auditedIdentity, auditedKey } from '../card/audited-key.ts';
import { requireOwnSecrets } from '../card/gates/factory-secrets.ts';
import { provenCardKey, requireCard } from '../card/card-check.ts';
import { checkCertificate, type CertifiedKey } from '../card/gates/check-certificate.ts';
import type { Asked } from '../card/conversation.ts';
import type { HelpDesk } from '../card/help-desk.ts';
import type { KeyringWish, OfferRider, Rider } from '../card/rider.ts';
import { seenOn, type OnCard } from '../card/find/find-identity.ts';
import { askSecret, proveCard, requireReader } from '../card/prove-card.ts';
import { lostKey, requireNotLost } from '../card/gates/said-lost.ts';
import { requireAttestation } from '../card/gates/require-attestation.ts';

export interface PairingParts {
  readonly policy: () => Policy;
  readonly pairings: PairingTable;
  readonly tokens: TokenSource;
  readonly trust: CertificateTrust;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly accounts: Pick<Accounts, 'byUid'>;
  /** Checks an account password by PAM and wipes it. @throws AgentError `wrong-password`, `not-allowed`, `internal` */
  readonly checkPassword: (user: Username, password: Pin) => Promise<void>;
  /** The login keyring, where a card can open it. */
  readonly offerRider: OfferRider;
  readonly helpDesk: HelpDesk;
}

async function findOnCards(parts: PairingParts, pkhh: Pkhh): Promise<OnCard | null> {
  const matches: OnCard[] = [];
  for (const token of await wholeTokens(parts.tokens)) {
    for (const identity of token.identities) {
      if (identity.publicKey.pkhh === pkhh) matches.push({ token, identity });
    }
  }
  const [first] = matches;
  if (first === undefined) return null;
  if (matches.some((match) => !match.identity.publicKey.spki.equals(first.identity.publicKey.spki))) {
    throw new AgentError('key-conflict', { detail: `two keys in the readers have the hash ${pkhh}` });
  }
  return matches.find((match) => match.identity.use === 'authentication') ?? first;
}

function requireFit(identity: Identity): void {
  if (!fitsLogin(identity)) throw new AgentError('weak-key', { say: UNFIT_USE[identity.use] ?? '' });
}

/** @param algorithm null: the key is not known, only its hash @throws AgentError `not-allowed`, `weak-key` */
function requirePolicy(
  policy: Policy,
  algorithm: KeyAlgorithm | null,
  user: Username,
  parts: PairingParts,
  replaced: Pkhh | null,
): void {
  const others = parts.pairings.cardsOf(user).filter(({ lost, pkhh }) => !lost && pkhh !== replaced);
  const rule = refusesPairing(policy, algorithm, others.length);
  if (rule === null) return;
  throw rule === 'pairing.one_card_per_user'
    ? new AgentError('not-allowed', { detail: rule })
    : new AgentError('weak-key', { say: tooWeak(rule) });
}

/** A pairing that no login would take is not made. @throws AgentError `untrusted-certificate` */
export async function requireTrust(
  { trust }: Policy,
  key: CertifiedKey,
  parts: { readonly trust: CertificateTrust },
): Promise<void> {
  const found = await checkCertificate(trust, key, parts.trust);
  if (!found.permitted) throw new AgentError('untrusted-certificate', { say: found.why });
}

/**
 * What has to be so for a key to be paired: asked before anybody is asked for anything, and again when they have typed,
 * since settings may have been loaded meanwhile.
 * @param key null: only its hash is known
 * @param card null: it is not in
 * @param replaced the pairing that goes for it
 * @returns what the person has to know of the card all the same; null: nothing
 * @throws AgentError `card-lost`, `weak-key`, `contactless`, `not-allowed`, `untrusted-certificate`, `card-suspect`, `card-unchecked`, `not-attested`, `factory-secrets`
 */
export async function requirePairable(
  policy: Policy,
  user: Username,
  pkhh: Pkhh,
  key: CertifiedKey | null,
  card: OnCard | null,
  parts: PairingParts,
  replaced: Pkhh | null = null,
): Promise<string | null> {
  requireNotLost(lostKey(pkhh, [card?.token.id ?? null], parts.pairings));
  if (card !== null) {
    requireFit(card.identity);
    requireReader(policy, card.token);
  }
  requirePolicy(policy, key?.publicKey.algorithm ?? null, user, parts, replaced);
  if (key !== null) await requireTrust(policy, key, parts);
  if (card !== null) requireCard(policy, card.token, null);
  await requireAttestation(policy, card, parts);
  return card === null ? null : requireOwnSecrets(policy, card.token);
}

export function pairingFromCard(user: Username, card: OnCard, pairedBy: string, pairedAtMs: number): Pairing {
  return { ...seenOn(card), user, cardKey: provenCardKey(card.token), pairedBy, pairedAtMs };
}

/** What the log tells of; other failures are nobody's attempt at anything. */
const refusals: readonly AgentErrorCode[] = [
  'wrong-password',
  'wrong-pin',
  'bad-proof',
  'card-suspect',
  'card-unchecked',
  'card-lost',
  'not-attested',
  'factory-secrets',
  'key-conflict',
  'not-allowed',
  'contactless',
  'untrusted-certificate',
];

/**
 * A user pairs a key on a card that is in with their own account.
 * @param inHand the card's PIN, where the person has typed it already
 * @throws AgentError `not-allowed`, `no-identity`, `weak-key`, `contactless`, `already-paired`, `key-conflict`,
 * `untrusted-certificate`, `card-suspect`, `card-unchecked`, `not-attested`, `factory-secrets`, `wrong-password`, `cancelled`, `bad-proof`, and those of Token.prove
 */
export async function pairOwnCard(
  account: Account,
  pkhh: Pkhh,
  asked: Asked<PairingParts>,
  wish: KeyringWish = 'ask',
  inHand: Pin | null = null,
): Promise<Pairing> {
  return auditedPairing(account.name, asked, () => proveAndPair(account, pkhh, asked, wish, inHand));
}

/** Records why it was refused. @throws what `act` throws */
export async function auditedPairing<T>(
  user: Username,
  { peer: actor, parts: { audit } }: Asked<PairingParts>,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const { code: detail } = asAgentError(error);
    if (refusals.includes(detail)) await audit.record({ kind: 'pairing-refused', user, actor, detail });
    throw error;
  }
}

/** The card with this key, which is not paired with the user yet. @throws AgentError `no-identity`, `already-paired`, `key-conflict` */
export async function cardWith(user: Username, pkhh: Pkhh, parts: PairingParts): Promise<OnCard> {
  const card = await findOnCards(parts, pkhh);
  if (card === null)
    throw new AgentError('no-identity', { detail: `no card with the key ${pkhh} is in a reader` });
  const known = parts.pairings.forUser(user).find((pairing) => pairing.pkhh === pkhh);
  if (known !== undefined) {
    const same = takesKey(known, card.identity.publicKey);
    throw new AgentError(same ? 'already-paired' : 'key-conflict');
  }
  return card;
}

async function proveAndPair(
  account: Account,
  pkhh: Pkhh,
  asked: Asked<PairingParts>,
  wish: KeyringWish,
  inHand: Pin | null,
): Promise<Pairing> {
  const { peer, person, parts } = asked;
  const permitting = (): Policy => {
    const policy = parts.policy();
    if (mayPair(policy, peer.uid, account.uid)) return policy;
    throw new AgentError('not-allowed', { detail: 'pairing.users_may_pair' });
  };
  const policy = permitting();
  const card = await cardWith(account.name, pkhh, parts);
  const warning = await requirePairable(policy, account.name, pkhh, card.identity, card, parts);
  if (warning !== null) person.tell('error', warning);
  person.tell('information', pairingText(card.identity.label, account.name));
  const hostId = parts.pairings.hostId();
  const password = await askSecret(person, accountPasswordPrompt(account.name));
  const scene = { user: account.name, pkhh, token: card.token, policy, hostId, wish };
  const rider = parts.offerRider(scene, password);
  try {
    await parts.checkPassword(account.name, password);
    await proveOrRecord(account.name, card, asked, rider, inHand);
    await rider?.askConsent(person);
    await requirePairable(permitting(), account.name, pkhh, card.identity, card, parts);
    const key = auditedIdentity(card.identity);
    const nowMs = parts.clock.nowMs();
    const paired = await addAndRecord(
      pairingFromCard(account.name, card, account.name, nowMs),
      key,
      peer,
      parts,
    );
    await rider?.seal(person, peer, key);
    return paired;
  } finally {
    rider?.forget();
  }
}

/** The proof by the card; what its failure says of the card is recorded. @throws AgentError as proveCard */
export async function proveOrRecord(
  user: Username,
  card: OnCard,
  asked: Asked<PairingParts>,
  rider: Rider | null,
  inHand: Pin | null,
): Promise<void> {
  try {
    await proveCard({ user, service: 'scauth' }, card, card.identity, asked, rider, inHand);
  } catch (error) {
    const where = {
      tokenId: card.token.id,
      user,
      key: auditedIdentity(card.identity),
      actor: asked.peer,
      detail: asAgentError(error).detail,
    };
    for (const event of eventsOfError(error, where)) await asked.parts.audit.record(event);
    throw error;
  }
}

/** What the administrator trusts: a hash, or a certificate. */
export type TrustedKey =
  | { readonly kind: 'hash'; readonly pkhh: Pkhh }
  | { readonly kind: 'certificate'; readonly certificate: Certificate };

/** More names in a sentence are not read. */
const MAX_NAMED = 20;

export interface PairingWish {
  /** Although another account has the key. */
  readonly shared?: boolean;
  /** Everything is looked at, and nothing is paired. */
  readonly dryRun?: boolean;
}

/** @throws AgentError `key-conflict`, `already-paired`, `paired-elsewhere` */
function requireFree(
  wanted: Pick<Pairing, 'user' | 'pkhh' | 'publicKey'>,
  { shared = false }: PairingWish,
  { pairings }: PairingParts,
): void {
  const known = pairings.forKey(wanted.pkhh);
  if (known.some((one) => clash(one, wanted))) throw new AgentError('key-conflict');
  if (known.some(({ user }) => user === wanted.user)) throw new AgentError('already-paired');
  if (known.length === 0 || shared) return;
  const users = known.map(({ user }) => user);
  throw new AgentError('paired-elsewhere', { say: namedOf(users.slice(0, MAX_NAMED), users.length) });
}

/**
 * The administrator pairs a key with an account; no card needs to be in. That it is paired already is said before anything
 * else, so that a list can be given twice.
 * @throws AgentError `weak-key`, `contactless`, `untrusted-certificate`, `card-suspect`, `card-unchecked`, `not-attested`, `factory-secrets`, `already-paired`, `key-conflict`, `paired-elsewhere`
 */
export async function pairForUser(
  user: Username,
  trusted: TrustedKey,
  peer: PeerCredentials,
  parts: PairingParts,
  wish: PairingWish = {},
): Promise<Pairing> {
  const add = async (pairing: Pairing, key: AuditedKey): Promise<Pairing> => {
    // Again, and with no wait between this and the table.
    requireFree(pairing, wish, parts);
    return wish.dryRun === true ? pairing : addAndRecord(pairing, key, peer, parts);
  };
  const nowMs = parts.clock.nowMs();
  if (trusted.kind === 'certificate') {
    const { certificate } = trusted;
    const { publicKey } = certificate;
    requireFree({ user, pkhh: publicKey.pkhh, publicKey }, wish, parts);
    await requirePairable(parts.policy(), user, publicKey.pkhh, { publicKey, certificate }, null, parts);
    const key = auditedKey(publicKey.pkhh, null, certificate);
    return add(
      {
        ...emptyPairing(user, key.pkhh, nowMs),
        publicKey,
        label: certificate.holder,
        certificate: certificate.der,
      },
      key,
    );
  }
  const card = await findOnCards(parts, trusted.pkhh).catch((error: unknown) => {
    // No reader service is no obstacle: the hash is enough.
    if (['no-service', 'not-authorised'].includes(asAgentError(error).code)) return null;
    throw error;
  });
  const publicKey = card?.identity.publicKey ?? null;
  requireFree({ user, pkhh: trusted.pkhh, publicKey }, wish, parts);
  await requirePairable(parts.policy(), user, trusted.pkhh, card?.identity ?? null, card, parts);
  if (card === null)
    return add(emptyPairing(user, trusted.pkhh, nowMs), auditedKey(trusted.pkhh, null, null));
  return add(pairingFromCard(user, card, 'root', nowMs), auditedIdentity(card.identity));
}

function emptyPairing(user: Username, pkhh: Pkhh, nowMs: number): Pairing {
  return {
    user,
    pkhh,
    publicKey: null,
    tokenId: null,
    driver: null,
    label: '',
    certificate: null,
    cardKey: null,
    pairedBy: 'root',
    pairedAtMs: nowMs,
  };
}

/** A pairing that the log does not know of must not stay. */
export async function addAndRecord(
  pairing: Pairing,
  key: AuditedKey,
  actor: PeerCredentials,
  parts: PairingParts,
): Promise<Pairing> {
  parts.pairings.add(pairing);
  try {
    await parts.audit.record({ kind: 'pairing-added', user: pairing.user, actor, key });
  } catch (error) {
    parts.pairings.remove(pairing.user, pairing.pkhh);
    throw error;
  }
  return pairing;
}
