// The story of a login: permit → pairings → token → PIN and challenge → proof → decision → audit.
// It starts as a refusal; `grant` at the end of proveOnce is the only way to a yes.

import { assertNever } from '../base/assert.ts';
import { describeError, printable } from '../base/errors.ts';
import { Pin } from '../base/pin.ts';
import type { AuditLog } from '../audit/interface.ts';
import type { Accounts } from '../model/account.ts';
import type { AuditedKey, AuditEvent, LoginOutcome } from '../model/audit-event.ts';
import { Challenge } from '../model/challenge.ts';
import { grant, refusedByDefault, type AuthDecision } from '../model/decision.ts';
import { sameKey } from '../model/key.ts';
import type { Pairing } from '../model/pairing.ts';
import { verifyProof } from '../model/proof.ts';
import type { AuthRequest, Username } from '../model/request.ts';
import type { Identity } from '../model/token.ts';
import type { PairingTable } from '../pairing/interface.ts';
import { CARD_READING_MS, type Token, type TokenSource } from '../token/interface.ts';
import { permitAttempt, type Permission } from '../../policy/permit-attempt.ts';
import type { Policy } from '../../policy/policy.ts';
import { askPin } from './ask-pin.ts';
import { eventsOfDecision } from './audited-failure.ts';
import { auditedIdentity } from './audited-key.ts';
import type { Conversation } from './conversation.ts';
import { findPairedIdentity } from './find-identity.ts';
import { decisionOfError } from './outcome-of-error.ts';
import { userOfCard } from './user-of-card.ts';
import { deniedText, unavailableText, wrongPinText } from './wording.ts';

export interface LoginParts {
  /** The policy in force now; a request keeps the snapshot that it began with. */
  readonly policy: () => Policy;
  readonly accounts: Accounts;
  readonly pairings: PairingTable;
  readonly tokens: TokenSource;
  readonly audit: AuditLog;
  /** For the agent's own log: one line, no secret. */
  readonly log: (line: string) => void;
}

export interface LoginResult {
  readonly decision: AuthDecision;
  /** What was typed at the PIN prompt and cannot be a PIN: the next module may use it as the password. */
  readonly password: Pin | null;
}

type Refusal = Exclude<AuthDecision, { kind: 'granted' | 'retry' }>;

/** One login. Holds what is known so far, for the audit record. */
export class Login {
  readonly #request: AuthRequest;
  readonly #person: Conversation;
  readonly #parts: LoginParts;
  readonly #policy: Policy;
  #user: Username | null;
  #key: AuditedKey | null = null;
  #rule: string | null = null;
  #detail: string | null = null;
  #password: Pin | null = null;

  constructor(request: AuthRequest, person: Conversation, parts: LoginParts) {
    this.#request = request;
    this.#person = person;
    this.#parts = parts;
    this.#policy = parts.policy();
    this.#user = request.user;
  }

  /**
   * Runs the request to its end; never throws. The caller wipes `password`.
   * A grant that could not be written to the audit log is not given.
   */
  async run(): Promise<LoginResult> {
    let decision: AuthDecision = refusedByDefault;
    try {
      decision = await this.#decide();
    } catch (error) {
      this.#note(error);
      decision = decisionOfError(error);
    }
    decision = await this.#record(decision);
    this.#explain(decision);
    return { decision, password: this.#password };
  }

  async #decide(): Promise<AuthDecision> {
    const permission = await this.#permit(this.#policy);
    this.#rule = permission.rule;
    if (!permission.permitted) return { kind: 'denied', reason: permission.reason };
    const user = this.#request.user ?? (await this.#userOfCard());
    if (user === null) return { kind: 'unavailable', reason: 'no-user' };
    this.#user = user;

    const pairings = this.#parts.pairings.forUser(user);
    if (pairings.length === 0) return { kind: 'unavailable', reason: 'no-pairing' };
    const found = findPairedIdentity(await this.#parts.tokens.present(CARD_READING_MS), pairings);
    if (found.kind === 'no-card' || found.kind === 'other-card')
      return { kind: 'unavailable', reason: found.kind };
    this.#key = auditedIdentity(found.identity);
    if (found.kind === 'conflict') return { kind: 'denied', reason: 'key-conflict' };
    return this.#provePaired(user, found.token, found.identity, found.pairing);
  }

  async #userOfCard(): Promise<Username | null> {
    const tokens = await this.#parts.tokens.present(CARD_READING_MS);
    return userOfCard(tokens, this.#parts.pairings, this.#person);
  }

  async #permit(policy: Policy): Promise<Permission> {
    const { peer, user, service, rhost } = this.#request;
    const account = peer.uid === 0 || user === null ? null : await this.#parts.accounts.byName(user);
    return permitAttempt(policy, { service, rhost, peerUid: peer.uid, userUid: account?.uid ?? null });
  }

  /** Asks for the PIN as often as policy allows; the same wrong PIN is never sent twice. */
  async #provePaired(
    user: Username,
    token: Token,
    identity: Identity,
    pairing: Pairing,
  ): Promise<AuthDecision> {
    let refused: Pin | null = null;
    try {
      for (let attempt = 1; ; attempt += 1) {
        const answer = await this.#askPin(token, identity, refused);
        if (!(answer instanceof Pin)) return answer;
        const again: Pin | null = attempt < this.#policy.pinAttempts ? answer.copy() : null;
        refused?.wipe();
        refused = again;
        const decision = await this.#proveOnce(user, token, identity, pairing, answer);
        if (decision.kind !== 'retry') return decision;
        this.#person.tell('error', wrongPinText(decision.triesLeft));
        if (decision.triesLeft === 0) return { kind: 'denied', reason: 'pin-blocked' };
        if (attempt >= this.#policy.pinAttempts) return { kind: 'denied', reason: 'wrong-pin' };
      }
    } finally {
      refused?.wipe();
    }
  }

  /** The PIN, or why there is none. */
  async #askPin(token: Token, identity: Identity, refused: Pin | null): Promise<Pin | Refusal> {
    const { label } = identity;
    const answer = await askPin({
      person: this.#person,
      policy: this.#policy,
      token,
      label,
      refused,
      instead: 'password',
    });
    switch (answer.kind) {
      case 'pin':
        return answer.pin;
      case 'cancelled':
        return answer;
      case 'not-a-pin':
        this.#keepAsPassword(token, answer.typed);
        return { kind: 'unavailable', reason: 'password-instead' };
      case 'blocked':
        return { kind: 'denied', reason: 'pin-blocked' };
      case 'reserve':
        this.#rule = 'login.try_reserve';
        return { kind: 'denied', reason: 'pin-reserve' };
      default:
        return assertNever(answer);
    }
  }

  /** For the next module; but nothing that could be the PIN ever leaves as a password. */
  #keepAsPassword(token: Token, typed: Pin): void {
    if (typed.isEmpty || token.acceptsPin(typed)) typed.wipe();
    else this.#password = typed;
  }

  async #proveOnce(
    user: Username,
    token: Token,
    identity: Identity,
    pairing: Pairing,
    pin: Pin,
  ): Promise<AuthDecision> {
    try {
      if (!this.#stillPaired(user, pairing)) return { kind: 'denied', reason: 'changed-meanwhile' };
      const { service } = this.#request;
      const hostId = this.#parts.pairings.hostId();
      const challenge = Challenge.create({ purpose: 'login', hostId, user, service });
      const { proof, released } = await token.prove(identity, challenge, pin);
      released.catch((error: unknown) => {
        this.#parts.log(`${this.#request.id}: card not put back: ${describeError(error)}`);
      });
      // A pairing made from a hash alone has no key yet: the hash found this one, and now it has signed.
      const verified = verifyProof(challenge, proof, pairing.publicKey ?? identity.publicKey);
      if (!(await this.#stillPermitted(user, pairing)))
        return { kind: 'denied', reason: 'changed-meanwhile' };
      if (pairing.publicKey === null) this.#parts.pairings.fixKey(user, pairing.pkhh, verified.key);
      return grant(verified, { ...pairing, publicKey: pairing.publicKey ?? identity.publicKey });
    } catch (error) {
      this.#note(error);
      return decisionOfError(error);
    } finally {
      pin.wipe();
    }
  }

  #stillPaired(user: Username, pairing: Pairing): boolean {
    const now = this.#parts.pairings.forUser(user).find((candidate) => candidate.pkhh === pairing.pkhh);
    if (now === undefined) return false;
    if (pairing.publicKey === null || now.publicKey === null) return pairing.publicKey === now.publicKey;
    return sameKey(pairing.publicKey, now.publicKey);
  }

  /** The policy that is in force now must permit as well, and the pairing must be what it was. */
  async #stillPermitted(user: Username, pairing: Pairing): Promise<boolean> {
    if (!this.#stillPaired(user, pairing)) return false;
    const now = this.#parts.policy();
    if (now === this.#policy) return true;
    return (await this.#permit(now)).permitted;
  }

  #note(error: unknown): void {
    this.#detail = describeError(error);
    this.#parts.log(`${this.#request.id}: ${this.#detail}`);
  }

  /**
   * No record, no grant (unless the policy says otherwise); other outcomes are recorded once the answer is on its way. A user without a pairing has
   * nothing to do with cards: no record either.
   */
  async #record(decision: AuthDecision): Promise<AuthDecision> {
    if (decision.kind === 'unavailable' && ['no-pairing', 'no-user'].includes(decision.reason))
      return decision;
    const event = this.#eventOf(decision);
    if (decision.kind !== 'granted') {
      setImmediate(() => {
        for (const one of [event, ...this.#eventsOfCard(decision)]) {
          this.#parts.audit.record(one).catch((error: unknown) => {
            this.#parts.log(`${this.#request.id}: ${describeError(error)}`);
          });
        }
      });
      return decision;
    }
    try {
      await this.#parts.audit.record(event);
      return decision;
    } catch (error) {
      this.#note(error);
      if (!this.#parts.policy().noRecordNoGrant) return decision;
      return { kind: 'unavailable', reason: 'internal' };
    }
  }

  #eventsOfCard(decision: AuthDecision): AuditEvent[] {
    const key = this.#key;
    if (key?.tokenId == null) return [];
    const { tokenId } = key;
    const actor = this.#request.peer;
    return eventsOfDecision(decision, { tokenId, user: this.#user, key, actor, detail: this.#detail });
  }

  #eventOf(decision: AuthDecision): AuditEvent {
    const { id, service, tty, rhost, peer } = this.#request;
    return {
      kind: 'login',
      outcome: outcomeOf(decision),
      requestId: id,
      user: this.#user,
      service: printable(service),
      tty: tty === null ? null : printable(tty),
      rhost: rhost === null ? null : printable(rhost),
      peer,
      key: this.#key,
      rule: this.#rule,
      detail: this.#detail,
    };
  }

  #explain(decision: AuthDecision): void {
    const text =
      decision.kind === 'denied'
        ? deniedText(decision.reason)
        : decision.kind === 'unavailable'
          ? unavailableText(decision.reason)
          : null;
    if (text !== null) this.#person.tell('error', text);
  }
}

function outcomeOf(decision: AuthDecision): LoginOutcome {
  switch (decision.kind) {
    case 'granted':
      return { kind: 'granted' };
    case 'denied':
      return { kind: 'denied', reason: decision.reason };
    case 'retry':
      return { kind: 'denied', reason: 'wrong-pin' };
    case 'unavailable':
      return { kind: 'unavailable', reason: decision.reason };
    case 'cancelled':
      return { kind: 'cancelled' };
  }
}
