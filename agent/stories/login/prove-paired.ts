// From the PIN prompt to the proof: asks for the PIN as often as policy allows, lets the card sign, and verifies. `grant`
// at the end of #proveOnce is the only way to a yes.

import { asAgentError, describeError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import { Challenge } from '../../model/challenge.ts';
import { grant, type AuthDecision } from '../../model/decision.ts';
import { sameKey } from '../../model/key/key.ts';
import { verifyProof } from '../../model/proof.ts';
import { wantsSilence, type AuthRequest } from '../../model/request.ts';
import type { Identity } from '../../model/card/token.ts';
import type { Token } from '../../token/interface.ts';
import type { Policy } from '../../../policy/policy.ts';
import { askPin, pinOf, type CueBy, type PinAnswer } from '../card/ask-pin/ask-pin.ts';
import type { Conversation } from '../card/conversation.ts';
import { auditedIdentity } from '../card/audited-key.ts';
import { findPairedIdentities, type PairedCard } from '../card/find/find-identity.ts';
import { fittingWords, pinWords, promptName } from '../card/pin-prompt.ts';
import { lostCard } from '../card/gates/said-lost.ts';
import { isStillPaired } from '../card/gates/still-paired.ts';
import { TryConsent } from '../card/ask-pin/last-try.ts';
import { maySpendLast } from '../card/ask-pin/whose-tries.ts';
import type { KeyringRelease } from '../keyring/unseal-keyring.ts';
import { ENTER_MEANS_PASSWORD, NOW_YOUR_PASSWORD, touchText } from '../../words/login.ts';
import { consentPrompt, wrongPinText } from '../../words/pin-tries.ts';
import { refusedAtGate } from './gates.ts';
import type { LoginParts } from './login-parts.ts';
import type { LoginRecord } from './login-record.ts';
import type { RequestPermit } from './permit-request.ts';
import { unblockAtLogin } from './unblock-at-login.ts';

/** The login that this is the heart of. */
export interface ProofScene {
  readonly request: AuthRequest;
  readonly person: Conversation;
  readonly parts: LoginParts;
  /** With which the login began. */
  readonly policy: Policy;
  /** The program shows no prompt: what the next one asks for has to be told. */
  readonly hidden: boolean;
  readonly permit: RequestPermit;
  readonly record: LoginRecord;
  readonly keyring: KeyringRelease | null;
}

/** `typed`: what was typed and is no PIN; the caller wipes it. */
export interface ProofEnd {
  readonly decision: AuthDecision;
  readonly typed: Pin | null;
}

const INSTEAD: AuthDecision = { kind: 'unavailable', reason: 'password-instead' };
const CHANGED: AuthDecision = { kind: 'denied', reason: 'changed-meanwhile' };

/** A PIN that is found blocked before it is asked for ends like one that was blocked by a wrong one. */
function blockedOr(decisionOf: (error: unknown) => AuthDecision): (error: unknown) => ProofEnd {
  return (error) => {
    if (asAgentError(error).code !== 'pin-blocked') throw error;
    return { decision: decisionOf(error), typed: null };
  };
}

/** One card of one person, in one login. */
export class PairedProof {
  #card: PairedCard;
  readonly #scene: ProofScene;

  constructor(card: PairedCard, scene: ProofScene) {
    this.#card = card;
    this.#scene = scene;
  }

  /** @throws AgentError as askPin */
  async run(): Promise<ProofEnd> {
    const { detail } = this.#scene.record;
    const end = await this.#byPin().catch(blockedOr((error) => this.#scene.record.refusedBy(error)));
    if (end.decision.kind !== 'denied' || end.decision.reason !== 'pin-blocked') return end;
    const unblocked = await unblockAtLogin(this.#card, this.#scene, () => this.#isOwner());
    switch (unblocked.kind) {
      case 'blocked':
        return end;
      case 'instead': {
        if (!unblocked.typed.isEmpty) return { decision: INSTEAD, typed: unblocked.typed };
        unblocked.typed.wipe();
        return end;
      }
      case 'new-pin': {
        // What was noted of the blocked PIN is over.
        this.#scene.record.detail = detail;
        const decision = await this.#proveOnce(unblocked.pin, this.#consent());
        return { decision: decision.kind === 'retry' ? end.decision : decision, typed: null };
      }
    }
  }

  /** The same wrong PIN is never sent twice. @throws AgentError as askPin */
  async #byPin(): Promise<ProofEnd> {
    const { person, policy } = this.#scene;
    let refused: Pin | null = null;
    try {
      for (let attempt = 1; ; attempt += 1) {
        const changed = await this.#followCard(null);
        if (changed !== null) return { decision: changed, typed: null };
        const consent = this.#consent();
        const answer = await this.#ask(refused, consent);
        if (answer.kind === 'not-a-pin') {
          if (answer.typed.isEmpty && this.#tellsNext()) person.tell(this.#messageKind(), NOW_YOUR_PASSWORD);
          return { decision: INSTEAD, typed: answer.typed };
        }
        const pin = answer.kind === 'pin' ? answer.pin : null;
        const again: Pin | null = attempt < policy.login.pinAttempts ? (pin?.copy() ?? null) : null;
        refused?.wipe();
        refused = again;
        const decision = await this.#proveOnce(pin, consent);
        if (decision.kind !== 'retry') return { decision, typed: null };
        const isLast = attempt >= policy.login.pinAttempts;
        const next = isLast && this.#tellsNext() ? ` ${NOW_YOUR_PASSWORD}` : '';
        person.tell('error', `${wrongPinText(decision.triesLeft)}${next}`);
        if (decision.triesLeft === 0)
          return { decision: { kind: 'denied', reason: 'pin-blocked' }, typed: null };
        if (isLast) return { decision: { kind: 'denied', reason: 'wrong-pin' }, typed: null };
      }
    } finally {
      refused?.wipe();
    }
  }

  #consent(): TryConsent {
    const { person, parts } = this.#scene;
    return new TryConsent({
      ...{ person, policy: parts.policy, secret: 'PIN' },
      question: (now) => consentPrompt(now, 'password'),
      mine: () => this.#isOwner(),
    });
  }

  /** `su ada` shows Ada's card to whoever types it; where a login begins, nobody is known yet. */
  async #isOwner(): Promise<boolean> {
    const { parts } = this.#scene;
    const { peer } = this.#scene.request;
    const uid = peer.uid === 0 ? parts.loginUidOf(peer.pid) : peer.uid;
    if (uid === null) return true;
    const requester = await parts.accounts.byUid(uid);
    return requester?.name === this.#card.pairing.user || (await maySpendLast(this.#card.token, uid, parts));
  }

  async #ask(refused: Pin | null, consent: TryConsent): Promise<PinAnswer> {
    const { token, identity, pairing } = this.#card;
    const { person, parts, policy, request } = this.#scene;
    const instead = parts.passwordInstead(pairing.user);
    const words = pinWords(policy, request.service, instead !== 'no');
    const cueBy = this.#cueBy();
    // Only where a message has a line of its own; the form says it itself, and macOS does not.
    const tells = words === 'sentence' && policy.prompt.style !== 'macos' && cueBy !== 'prompt';
    if (tells && instead === 'untold' && refused === null) person.tell(cueBy, ENTER_MEANS_PASSWORD);
    const prompt = { label: promptName(policy, token, identity), touch: identity.touch };
    return askPin({
      ...{ person, consent, token, ...prompt, refused, cueBy },
      words: await fittingWords(words, prompt, policy, person),
      cardPin: pinOf(token, identity),
      digitsOnly: policy.login.pinDigits,
      // Where a gate says no, it says so again before anything is sent.
      isBack: async (typed) => (await this.#followCard(typed)) !== null || this.#card.token !== token,
    });
  }

  /** sudo asks for silence and means the messages of others; a locker may show nothing but prompts. */
  #cueBy(): CueBy {
    const { policy, request } = this.#scene;
    if (policy.login.promptOnlyServices.includes(request.service)) return 'prompt';
    return this.#messageKind();
  }

  #messageKind(): 'information' | 'error' {
    return wantsSilence(this.#scene.request) ? 'error' : 'information';
  }

  /** Whether a password follows whose prompt nobody sees. */
  #tellsNext(): boolean {
    const { hidden, parts } = this.#scene;
    return hidden && parts.passwordInstead(this.#card.pairing.user) !== 'no';
  }

  /**
   * A card that was taken out and put back while somebody typed is a new token here, and the same card to them: its key
   * counts. It passes the gates anew. Where it is not in, or would take the PIN in another way, the one that was shown
   * stays, and says what is wrong.
   * @returns a refusal; null: go on
   */
  async #followCard(pin: Pin | null): Promise<AuthDecision | null> {
    const { token, identity, pairing } = this.#card;
    const { request, parts, policy, permit, record, keyring } = this.#scene;
    const same = (tokens: readonly Token[]): PairedCard | null => {
      if (tokens.includes(token)) return this.#card;
      const found = findPairedIdentities(
        tokens.filter((one) => parts.driverGate(one, request)),
        [pairing],
      );
      const cards = found.kind === 'found' ? found.cards : [];
      return cards.find((card) => sameKey(card.identity.publicKey, identity.publicKey)) ?? null;
    };
    const card = same(await parts.tokens.present(policy.login.cardWaitMs, (read) => same(read) !== null));
    if (card === null || card === this.#card) return null;
    const cardPin = pinOf(card.token, card.identity);
    if (cardPin.entry !== pinOf(token, identity).entry) return null;
    if (pin !== null && !card.token.acceptsPin(pin, cardPin)) return null;
    const refusal = await refusedAtGate(card, parts.policy(), {
      ...{ permit, trust: parts.trust, pairings: parts.pairings },
    });
    if (refusal !== null) return record.refusedAt(refusal);
    this.#card = card;
    record.key = auditedIdentity(card.identity);
    keyring?.useToken(card.token);
    return null;
  }

  async #proveOnce(pin: Pin | null, consent: TryConsent): Promise<AuthDecision> {
    const { request, person, parts, record, keyring } = this.#scene;
    try {
      const refused = (await this.#followCard(pin)) ?? this.#refusedMeanwhile();
      if (refused !== null) return refused;
      const { token, identity, pairing } = this.#card;
      const { user } = pairing;
      const hostId = parts.pairings.hostId();
      const challenge = Challenge.create({ purpose: 'login', hostId, user, service: request.service });
      this.#tellTouch(identity);
      // A pairing made from a hash alone has no key yet: the hash found this one, and it has to sign.
      const key = pairing.publicKey ?? identity.publicKey;
      const whileOpen = keyring?.whileOpen((early) => verifyProof(challenge, early, key));
      const { proof, released } = await consent.send(pin, (attempt) =>
        token.prove(identity, challenge, attempt, person.gone, whileOpen),
      );
      released.catch((error: unknown) => {
        record.say(`card not put back: ${describeError(error)}`);
      });
      const verified = verifyProof(challenge, proof, key);
      const refusal = this.#refusedMeanwhile() ?? (await this.#refusedByNewPolicy());
      if (refusal !== null) return refusal;
      if (pairing.publicKey === null) parts.pairings.fixKey(user, pairing.pkhh, verified.key);
      return grant(verified, { ...pairing, publicKey: key });
    } catch (error) {
      return record.refusedBy(error);
    } finally {
      pin?.wipe();
    }
  }

  /** A key that always wants a touch says so in the prompt already; one that sometimes does says it only here. */
  #tellTouch({ touch }: Identity): void {
    const text = touchText(touch);
    if (text === null) return;
    const mustBeSeen = touch === 'cached' && wantsSilence(this.#scene.request);
    this.#scene.person.tell(mustBeSeen ? 'error' : 'information', text);
  }

  /** The pairing must be what it was, and nobody have said meanwhile that the card is lost. */
  #refusedMeanwhile(): AuthDecision | null {
    const { parts, policy } = this.#scene;
    if (lostCard(this.#card, parts.pairings) !== null) return { kind: 'denied', reason: 'card-lost' };
    return isStillPaired(this.#card.pairing, policy, parts) ? null : CHANGED;
  }

  /** The policy that is in force now must permit as well. */
  async #refusedByNewPolicy(): Promise<AuthDecision | null> {
    const { parts, policy, permit, record } = this.#scene;
    const now = parts.policy();
    if (now === policy) return null;
    const { trust, pairings } = parts;
    const refusal = await refusedAtGate(this.#card, now, { permit, trust, pairings });
    if (refusal === null) return null;
    record.refusedAt(refusal);
    return CHANGED;
  }
}
