// `sc_auth test`: a login of one's own card from the policy to the verified signature, each step with its time.
// Nothing is granted and nothing is changed: the challenge is for a rehearsal, no key is fixed, no pairing is touched.
// The PIN is a real one: a wrong one costs a try, so the log has it.

import { AgentError, asAgentError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { AuditLog } from '../../audit/interface.ts';
import type { Account, Accounts } from '../../model/account.ts';
import { Challenge } from '../../model/challenge.ts';
import type { Pairing } from '../../model/pairing.ts';
import { verifyProof } from '../../model/proof.ts';
import type { PeerSession } from '../../model/peer-session.ts';
import type { PeerCredentials } from '../../model/request.ts';
import type { PairingTable } from '../../store/interface.ts';
import { CARD_READING_MS, type TokenSource } from '../../token/interface.ts';
import type { CertificateUsers } from '../../sssd/interface.ts';
import type { CertificateTrust } from '../../trust/interface.ts';
import type { SessionSource } from '../../logind/interface.ts';
import { permitAttempt } from '../../../policy/permit-attempt.ts';
import type { Policy } from '../../../policy/policy.ts';
import { pinOf } from '../card/ask-pin/ask-pin.ts';
import { auditedIdentity } from '../card/audited-key.ts';
import type { Conversation } from '../card/conversation.ts';
import { requireCard } from '../card/card-check.ts';
import { sessionAsked } from './explain-session.ts';
import { findCards, type FoundCards } from '../card/find/find-cards.ts';
import type { PairedCard } from '../card/find/find-identity.ts';
import { isMapped, mappedBy, mapsCards } from '../card/find/mapped-card.ts';
import { lostCard, requireNotLost } from '../card/gates/said-lost.ts';
import { requireChoice } from '../card/find/choose-card.ts';
import { requireTrust } from '../pair/pair.ts';
import { askCardPin } from '../card/prove-card.ts';
import { isStillPaired } from '../card/gates/still-paired.ts';
import { CARD_LEFT } from '../../words/commands.ts';
import { touchText } from '../../words/login.ts';
import { triesLeftText } from '../../words/pin-tries.ts';

export interface RehearsalParts {
  readonly policy: () => Policy;
  readonly pairings: PairingTable;
  readonly tokens: TokenSource;
  readonly accounts: Pick<Accounts, 'byName' | 'byUid'>;
  readonly audit: AuditLog;
  readonly trust: CertificateTrust;
  /** Whom SSSD is asked by; absent: nobody. */
  readonly sssd?: CertificateUsers;
  readonly clock: Clock;
  /** Whether a token driver may run in a login by this service (driver-gate.ts). */
  readonly mayDriverServe: (driver: string, service: string) => boolean;
  readonly sessions: SessionSource;
}

/** In the order of a login. */
export type StepName =
  | 'policy'
  | 'pairings'
  | 'card'
  | 'certificate'
  | 'driver'
  | 'tries'
  | 'PIN'
  | 'proof'
  | 'signature'
  | 'pairing'
  | 'release';

export interface RehearsalStep {
  readonly name: StepName;
  readonly good: boolean;
  readonly ms: number;
  /** What was found; safe to print. */
  readonly note: string;
}

export interface Rehearsal {
  readonly steps: readonly RehearsalStep[];
  readonly token: string | null;
  readonly hash: string | null;
  /** Why a login would not be granted; null when it would. */
  readonly failure: AgentError | null;
}

/** One rehearsal; collects its steps. */
class Rehearser {
  readonly steps: RehearsalStep[] = [];
  found: PairedCard | null = null;
  readonly #parts: RehearsalParts;

  constructor(parts: RehearsalParts) {
    this.#parts = parts;
  }

  /** Runs a step and takes its time. @param note what to say of its result */
  async step<T>(name: StepName, act: () => T | Promise<T>, note: (result: T) => string): Promise<T> {
    const { clock } = this.#parts;
    const from = clock.monotonicMs();
    try {
      const result = await act();
      this.steps.push({ name, good: true, ms: clock.monotonicMs() - from, note: note(result) });
      return result;
    } catch (error) {
      this.steps.push({ name, good: false, ms: clock.monotonicMs() - from, note: asAgentError(error).code });
      throw error;
    }
  }

  /** @throws AgentError whatever would keep a login from being granted */
  async run(account: Account, service: string, peer: PeerCredentials, person: Conversation): Promise<void> {
    const policy = this.#parts.policy();
    await this.step(
      'policy',
      async () => permit(policy, service, account, await sessionAsked(account, peer, this.#parts.sessions)),
      (rule) => `${rule} permits ${service}`,
    );
    await this.step('pairings', () => this.#pairings(account, policy), countOf);
    this.found = await this.step(
      'card',
      () => this.#find(account, policy, person),
      ({ identity }) => identity.label,
    );
    const { token, identity, pairing } = this.found;
    await this.step(
      'certificate',
      async () => {
        await requireTrust(policy, identity, this.#parts);
        requireNotLost(lostCard({ token, identity, pairing }, this.#parts.pairings));
        requireCard(policy, token, pairing);
      },
      () => (policy.trust.level === 0 ? 'trust is off' : 'trusted'),
    );
    await this.step(
      'driver',
      () => {
        if (!this.#parts.mayDriverServe(token.driver, service))
          throw new AgentError('not-allowed', { detail: 'enable-for-login' });
      },
      () => token.driver,
    );
    await this.step(
      'tries',
      () => token.pinState(pinOf(token, identity)),
      ({ triesLeft }) => (triesLeft === null ? 'the card does not say' : triesLeftText(triesLeft)),
    );
    const { pin, consent } = await this.step(
      'PIN',
      () => askCardPin(token, { peer, person, parts: this.#parts }, identity),
      ({ pin: typed }) => (typed === null ? 'to be typed on the reader' : 'typed'),
    );
    try {
      const hostId = this.#parts.pairings.hostId();
      const challenge = Challenge.create({ purpose: 'rehearsal', hostId, user: account.name, service });
      const cue = touchText(identity.touch);
      if (cue !== null) person.tell('information', cue);
      const signed = await this.step(
        'proof',
        () => consent.send(pin, (attempt) => token.prove(identity, challenge, attempt, person.gone)),
        ({ proof }) => proof.scheme,
      );
      try {
        await this.step(
          'signature',
          () => verifyProof(challenge, signed.proof, pairing.publicKey ?? identity.publicKey),
          () => whoseKey(pairing),
        );
        await this.step(
          'pairing',
          () => {
            if (!isStillPaired(pairing, policy, this.#parts))
              throw new AgentError('not-paired', { detail: 'changed meanwhile' });
          },
          () => (isMapped(pairing) ? 'none; the settings are as they were' : 'as it was'),
        );
      } finally {
        await this.step(
          'release',
          () => signed.released,
          (left) => CARD_LEFT[left],
        );
      }
    } finally {
      pin?.wipe();
    }
  }

  #pairings({ name }: Account, policy: Policy): Pairing[] {
    const pairings = this.#parts.pairings.forUser(name);
    if (pairings.length === 0 && !mapsCards(policy))
      throw new AgentError('not-paired', { detail: `${name} has no pairing` });
    return pairings;
  }

  /** The card of which a login would take the PIN; found by what the login calls. */
  async #find({ name }: Account, policy: Policy, person: Conversation): Promise<PairedCard> {
    const tokens = { present: () => this.#parts.tokens.present(CARD_READING_MS) };
    const found = await findCards(name, policy, { ...this.#parts, tokens });
    if (found.kind === 'refused') throw failureOf(found);
    return requireChoice(found.cards, person);
  }
}

/** Why no card was found, as the code that commands tell. */
function failureOf({ decision, rule, refusals }: Extract<FoundCards, { kind: 'refused' }>): AgentError {
  const detail = [rule ?? decision.reason, ...refusals].join('; ');
  switch (decision.reason) {
    case 'no-card':
      return new AgentError('no-card', { detail });
    case 'no-pairing':
      return new AgentError('not-paired', { detail });
    case 'key-conflict':
      return new AgentError('key-conflict', { detail });
    case 'contactless-not-allowed':
      return new AgentError('contactless', { detail });
    default:
      return new AgentError('no-identity', { detail });
  }
}

/** @returns the rule that permits. @throws AgentError `not-allowed` */
function permit(policy: Policy, service: string, { uid }: Account, { place, detail }: PeerSession): string {
  const facts = { service, rhost: null, peerUid: uid, userUid: uid, session: place };
  const permission = permitAttempt(policy, facts);
  if (permission.permitted) return permission.rule;
  const elsewhere = permission.reason === 'remote-not-allowed' ? `: ${detail}` : '';
  throw new AgentError('not-allowed', { detail: `${permission.rule}${elsewhere}` });
}

function whoseKey(pairing: Pairing): string {
  if (isMapped(pairing)) {
    const said = mappedBy(pairing);
    return `by the key of the certificate that [mapping] takes${said === null ? '' : `: ${said}`}`;
  }
  return pairing.publicKey === null ? 'good; a login would fix this key' : 'by the paired key';
}

function countOf({ length }: readonly Pairing[]): string {
  if (length === 0) return 'none; [mapping] may take the certificate of a card';
  return length === 1 ? '1 pairing' : `${length} pairings`;
}

/** Never throws: what went wrong is what a rehearsal is for. @param service PAM service to rehearse for */
export async function rehearseLogin(
  account: Account,
  service: string,
  peer: PeerCredentials,
  person: Conversation,
  parts: RehearsalParts,
): Promise<Rehearsal> {
  const rehearser = new Rehearser(parts);
  let failure: AgentError | null = null;
  try {
    await rehearser.run(account, service, peer, person);
  } catch (error) {
    failure = asAgentError(error);
  }
  const { steps, found } = rehearser;
  const good = steps.some((step) => step.name === 'proof' && step.good);
  if (found !== null && (good || failure?.code === 'wrong-pin')) {
    const { token, identity } = found;
    const card = { tokenId: token.id, user: account.name, key: auditedIdentity(identity) };
    await parts.audit.record({ kind: 'pin-checked', good, ...card, actor: peer });
  }
  return { steps, token: found?.token.id ?? null, hash: found?.pairing.pkhh ?? null, failure };
}
