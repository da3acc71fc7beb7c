// The story of a pairing: who may → which key → is it fit → account password → PIN and proof → table → audit.
// Users prove both themselves (password) and the card (signature); the administrator's word is enough.

import { assertNever } from '../base/assert.ts';
import { AgentError, asAgentError, type AgentErrorCode } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Pin } from '../base/pin.ts';
import type { AuditLog } from '../audit/interface.ts';
import type { Account } from '../model/account.ts';
import type { AuditedKey } from '../model/audit-event.ts';
import { Challenge } from '../model/challenge.ts';
import { sameKey, type Certificate, type KeyAlgorithm, type Pkhh } from '../model/key.ts';
import type { Pairing } from '../model/pairing.ts';
import { verifyProof } from '../model/proof.ts';
import type { PeerCredentials, Username } from '../model/request.ts';
import type { Identity } from '../model/token.ts';
import type { PairingTable } from '../pairing/interface.ts';
import { CARD_READING_MS, type Token, type TokenSource } from '../token/interface.ts';
import type { CertificateTrust } from '../trust/interface.ts';
import { mayPair, refusesPairing, unfitForLogin } from '../../policy/permit-pairing.ts';
import { permitReader } from '../../policy/permit-reader.ts';
import type { Policy } from '../../policy/policy.ts';
import { askPin, pinOf } from './ask-pin.ts';
import { eventsOfError } from './audited-failure.ts';
import { auditedIdentity, auditedKey } from './audited-key.ts';
import { provenCardKey, requireCard } from './card-check.ts';
import { checkCertificate, type CertifiedKey } from './check-certificate.ts';
import type { Conversation } from './conversation.ts';
import { requireAttestation } from './require-attestation.ts';
import { touchText } from './wording.ts';

export interface PairingParts {
  readonly policy: () => Policy;
  readonly pairings: PairingTable;
  readonly tokens: TokenSource;
  readonly trust: CertificateTrust;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** Checks an account password by PAM and wipes it. @throws AgentError `wrong-password`, `not-allowed`, `internal` */
  readonly checkPassword: (user: Username, password: Pin) => Promise<void>;
}

interface OnCard {
  readonly token: Token;
  readonly identity: Identity;
}

async function findOnCards(parts: PairingParts, pkhh: Pkhh): Promise<OnCard | null> {
  const matches: OnCard[] = [];
  for (const token of await parts.tokens.present(CARD_READING_MS)) {
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
  const unfit = unfitForLogin(identity);
  if (unfit !== null) throw new AgentError('weak-key', { detail: unfit });
}

/** @param algorithm null: the key is not known, only its hash @throws AgentError `not-allowed`, `weak-key` */
function requirePolicy(
  policy: Policy,
  algorithm: KeyAlgorithm | null,
  user: Username,
  parts: PairingParts,
): void {
  const rule = refusesPairing(policy, algorithm, parts.pairings.forUser(user).length);
  if (rule === null) return;
  throw rule === 'pairing.one_card_per_user'
    ? new AgentError('not-allowed', { detail: rule })
    : new AgentError('weak-key', { detail: `It is smaller than the policy (${rule}) wants.` });
}

/** A pairing that no login would take is not made. @throws AgentError `untrusted-certificate` */
export async function requireTrust(
  { trust }: Policy,
  key: CertifiedKey,
  parts: { readonly trust: CertificateTrust },
): Promise<void> {
  const found = await checkCertificate(trust, key, parts.trust);
  if (!found.permitted) throw new AgentError('untrusted-certificate', { detail: found.why });
}

function pairingFromCard(user: Username, card: OnCard, pairedBy: string, nowMs: number): Pairing {
  const { token, identity } = card;
  return {
    user,
    pkhh: identity.publicKey.pkhh,
    publicKey: identity.publicKey,
    tokenId: token.id,
    driver: token.driver,
    label: identity.label,
    certificate: identity.certificate?.der ?? null,
    cardKey: provenCardKey(token),
    pairedBy,
    pairedAtMs: nowMs,
  };
}

/** Asks for a secret that must not be empty. @throws AgentError `cancelled` */
async function askSecret(person: Conversation, text: string): Promise<Pin> {
  const typed = await person.ask(text, false);
  if (typed === null) throw new AgentError('cancelled');
  if (!typed.isEmpty) return typed;
  typed.wipe();
  throw new AgentError('cancelled', { detail: 'nothing was typed' });
}

/** @throws AgentError `contactless` where the card is not to be used through the reader that it is in */
function requireReader(policy: Policy, { slot }: Token): void {
  if (!permitReader(policy, slot)) throw new AgentError('contactless', { detail: 'reader.contactless' });
}

/**
 * Asks for the PIN of a card, as the person's explicit wish: the last try is spent only after a yes.
 * @param identity the key that is to be used with it; null: none
 * @returns null where the person types it on the reader
 * @throws AgentError `contactless`, `cancelled`, `pin-blocked`, `pin-reserve`, `pin-malformed`, and those of
 * Token.pinState
 */
export async function askCardPin(
  person: Conversation,
  policy: Policy,
  token: Token,
  label: string,
  identity: Identity | null = null,
): Promise<Pin | null> {
  requireReader(policy, token);
  const answer = await askPin({
    person,
    policy,
    token,
    cardPin: identity === null ? token.pins[0] : pinOf(token, identity),
    label,
    touch: identity?.touch ?? null,
    refused: null,
    instead: 'stop',
    cueBy: 'information',
  });
  switch (answer.kind) {
    case 'pin':
      return answer.pin;
    case 'on-reader':
      return null;
    case 'cancelled':
      throw new AgentError('cancelled');
    case 'blocked':
      throw new AgentError('pin-blocked');
    case 'reserve':
      throw new AgentError('pin-reserve', { triesLeft: answer.triesLeft });
    case 'not-a-pin': {
      const { isEmpty } = answer.typed;
      answer.typed.wipe();
      throw new AgentError(isEmpty ? 'cancelled' : 'pin-malformed');
    }
    default:
      return assertNever(answer);
  }
}

/** What the log tells of; other failures are nobody's attempt at anything. */
const refusals: readonly AgentErrorCode[] = [
  'wrong-password',
  'wrong-pin',
  'bad-proof',
  'card-suspect',
  'not-attested',
  'key-conflict',
  'not-allowed',
  'contactless',
  'untrusted-certificate',
];

/**
 * A user pairs a key on a card that is in with their own account.
 * @throws AgentError `not-allowed`, `no-identity`, `weak-key`, `contactless`, `already-paired`, `key-conflict`,
 * `untrusted-certificate`, `card-suspect`, `not-attested`, `wrong-password`, `cancelled`, `bad-proof`, and those of Token.prove
 */
export async function pairOwnCard(
  account: Account,
  pkhh: Pkhh,
  peer: PeerCredentials,
  person: Conversation,
  parts: PairingParts,
): Promise<Pairing> {
  try {
    return await proveAndPair(account, pkhh, peer, person, parts);
  } catch (error) {
    const { code } = asAgentError(error);
    if (refusals.includes(code)) {
      await parts.audit.record({ kind: 'pairing-refused', user: account.name, actor: peer, detail: code });
    }
    throw error;
  }
}

async function proveAndPair(
  account: Account,
  pkhh: Pkhh,
  peer: PeerCredentials,
  person: Conversation,
  parts: PairingParts,
): Promise<Pairing> {
  const policy = parts.policy();
  if (!mayPair(policy, peer.uid, account.uid)) {
    throw new AgentError('not-allowed', { detail: 'pairing.users_may_pair' });
  }
  const card = await findOnCards(parts, pkhh);
  if (card === null)
    throw new AgentError('no-identity', { detail: `no card with the key ${pkhh} is in a reader` });
  requireFit(card.identity);
  requireReader(policy, card.token);
  const known = parts.pairings.forUser(account.name).find((pairing) => pairing.pkhh === pkhh);
  if (known !== undefined) {
    const same = known.publicKey === null || sameKey(known.publicKey, card.identity.publicKey);
    throw new AgentError(same ? 'already-paired' : 'key-conflict');
  }
  requirePolicy(policy, card.identity.publicKey.algorithm, account.name, parts);
  await requireTrust(policy, card.identity, parts);
  requireCard(policy, card.token, null);
  await requireAttestation(policy, card, parts);
  person.tell('information', `Pairing '${card.identity.label}' with the account ${account.name}.`);
  const password = await askSecret(person, `Account password of ${account.name}: `);
  await parts.checkPassword(account.name, password);
  try {
    await proveCard(account.name, card, person, parts);
  } catch (error) {
    const key = auditedIdentity(card.identity);
    const where = {
      tokenId: card.token.id,
      user: account.name,
      key,
      actor: peer,
      detail: asAgentError(error).detail,
    };
    for (const event of eventsOfError(error, where)) await parts.audit.record(event);
    throw error;
  }
  // The policy may have changed while the person typed.
  if (!mayPair(parts.policy(), peer.uid, account.uid)) throw new AgentError('not-allowed');
  requirePolicy(parts.policy(), card.identity.publicKey.algorithm, account.name, parts);
  await requireTrust(parts.policy(), card.identity, parts);
  if (parts.policy() !== policy) await requireAttestation(parts.policy(), card, parts);
  return addAndRecord(
    pairingFromCard(account.name, card, account.name, parts.clock.nowMs()),
    auditedIdentity(card.identity),
    peer,
    parts,
  );
}

/** The card signs for the key that is to be paired. @throws AgentError as askCardPin, Token.prove and verifyProof */
async function proveCard(
  user: Username,
  card: OnCard,
  person: Conversation,
  parts: PairingParts,
): Promise<void> {
  const pin = await askCardPin(person, parts.policy(), card.token, card.identity.label, card.identity);
  try {
    const hostId = parts.pairings.hostId();
    const challenge = Challenge.create({ purpose: 'pairing', hostId, user, service: 'scauth' });
    const cue = touchText(card.identity.touch);
    if (cue !== null) person.tell('information', cue);
    const { proof, released } = await card.token.prove(card.identity, challenge, pin, person.gone);
    verifyProof(challenge, proof, card.identity.publicKey);
    await released;
  } finally {
    pin?.wipe();
  }
}

/** What the administrator trusts: a hash, or a certificate. */
export type TrustedKey =
  | { readonly kind: 'hash'; readonly pkhh: Pkhh }
  | { readonly kind: 'certificate'; readonly certificate: Certificate };

/**
 * The administrator pairs a key with an account; no card needs to be in.
 * @throws AgentError `weak-key`, `contactless`, `untrusted-certificate`, `card-suspect`, `not-attested`, `already-paired`, `key-conflict`
 */
export async function pairForUser(
  user: Username,
  trusted: TrustedKey,
  peer: PeerCredentials,
  parts: PairingParts,
): Promise<Pairing> {
  const nowMs = parts.clock.nowMs();
  const algorithm = trusted.kind === 'certificate' ? trusted.certificate.publicKey.algorithm : null;
  requirePolicy(parts.policy(), algorithm, user, parts);
  if (trusted.kind === 'certificate') {
    const { certificate } = trusted;
    await requireTrust(parts.policy(), { publicKey: certificate.publicKey, certificate }, parts);
    await requireAttestation(parts.policy(), null, parts);
    const key = auditedKey(certificate.publicKey.pkhh, null, certificate);
    return addAndRecord(
      {
        ...emptyPairing(user, key.pkhh, nowMs),
        publicKey: certificate.publicKey,
        label: certificate.commonName,
        certificate: certificate.der,
      },
      key,
      peer,
      parts,
    );
  }
  const card = await findOnCards(parts, trusted.pkhh).catch((error: unknown) => {
    // No reader service is no obstacle: the hash is enough.
    if (['no-service', 'not-authorised'].includes(asAgentError(error).code)) return null;
    throw error;
  });
  await requireAttestation(parts.policy(), card, parts);
  if (card === null) {
    const key = auditedKey(trusted.pkhh, null, null);
    return addAndRecord(emptyPairing(user, trusted.pkhh, nowMs), key, peer, parts);
  }
  requireFit(card.identity);
  requireReader(parts.policy(), card.token);
  requirePolicy(parts.policy(), card.identity.publicKey.algorithm, user, parts);
  await requireTrust(parts.policy(), card.identity, parts);
  requireCard(parts.policy(), card.token, null);
  return addAndRecord(
    pairingFromCard(user, card, 'root', nowMs),
    auditedIdentity(card.identity),
    peer,
    parts,
  );
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
async function addAndRecord(
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
