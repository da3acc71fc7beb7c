// The story of a login: permit → pairings → token → PIN and challenge → proof → decision → audit.
// It starts as a refusal; `grant` at the end of proveOnce is the only way to a yes.

import { assertNever } from '../../base/assert.ts';
import { describeError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import { Challenge } from '../../model/challenge.ts';
import { grant, refusedByDefault, type AuthDecision } from '../../model/decision.ts';
import type { Pairing } from '../../model/pairing.ts';
import { verifyProof } from '../../model/proof.ts';
import { wantsSilence, type AuthRequest, type Username } from '../../model/request.ts';
import type { Identity } from '../../model/token.ts';
import type { Token } from '../../token/interface.ts';
import type { CardPermission } from '../../../policy/permit-card.ts';
import { permitReader } from '../../../policy/permit-reader.ts';
import type { Policy } from '../../../policy/policy.ts';
import { askPin, pinOf, type CueBy } from '../card/ask-pin.ts';
import { auditedIdentity } from '../card/audited-key.ts';
import { awaitCard, type CardWait } from './await-card.ts';
import { checkCard } from '../card/card-check.ts';
import { checkCertificate } from '../card/check-certificate.ts';
import { chooseCard } from '../card/choose-card.ts';
import type { Conversation } from '../card/conversation.ts';
import { findCards, wantsCard, type FoundCards } from '../card/find-cards.ts';
import type { PairedCard } from '../card/find-identity.ts';
import type { LoginParts, LoginResult } from './login-parts.ts';
import { LoginRecord } from './login-record.ts';
import { isStillPaired } from '../card/still-paired.ts';
import { releaseKeyring, type KeyringRelease } from '../keyring/release-keyring.ts';
import { decisionOfError } from '../card/outcome-of-error.ts';
import { RequestPermit } from './permit-request.ts';
import { chooseUser, usersOf } from '../card/user-of-card.ts';
import { TryConsent } from '../card/try-consent.ts';
import { maySpendLast } from '../card/whose-tries.ts';
import { consentPrompt, deniedText, touchText, unavailableText, wrongPinText } from '../../words/login.ts';

export type { LoginParts, LoginResult } from './login-parts.ts';

type Refusal = Exclude<AuthDecision, { kind: 'granted' | 'retry' }>;

/** One login. */
export class Login {
  readonly #request: AuthRequest;
  readonly #person: Conversation;
  readonly #parts: LoginParts;
  readonly #policy: Policy;
  readonly #record: LoginRecord;
  readonly #permit: RequestPermit;
  #password: Pin | null = null;
  #keyring: KeyringRelease | null = null;

  constructor(request: AuthRequest, person: Conversation, parts: LoginParts) {
    this.#request = request;
    this.#person = person;
    this.#parts = parts;
    this.#policy = parts.policy();
    this.#record = new LoginRecord(request, parts);
    this.#permit = new RequestPermit(request, parts);
  }

  /**
   * Runs the request to its end; never throws. The caller wipes `password` and `keyringSecret`.
   * A grant that could not be written to the audit log is not given.
   */
  async run(): Promise<LoginResult> {
    let decision: AuthDecision = refusedByDefault;
    try {
      decision = await this.#decide();
    } catch (error) {
      decision = this.#decisionOf(error);
    }
    decision = await this.#record.write(decision);
    this.#explain(decision);
    const keyringSecret = await this.#openKeyring(decision);
    return { decision, password: this.#password, keyringSecret };
  }

  /** Behind the grant, and it changes nothing about it. */
  async #openKeyring(decision: AuthDecision): Promise<Pin | null> {
    const keyring = this.#keyring;
    if (keyring === null) return null;
    if (decision.kind !== 'granted' || this.#record.key === null) {
      keyring.wipe();
      return null;
    }
    const { secret, text, detail } = await keyring.open();
    const { user } = decision;
    const { key } = this.#record;
    const action = secret === null ? 'failed' : 'released';
    this.#record.add({ kind: 'keyring', action, user, actor: this.#request.peer, key, detail });
    if (text !== null) this.#person.tell('error', text);
    return secret;
  }

  async #decide(): Promise<AuthDecision> {
    const permission = await this.#permit.beforeSession(this.#policy);
    this.#record.rule = permission.rule;
    if (!permission.permitted) return { kind: 'denied', reason: permission.reason };
    if (this.#request.user === null) {
      const refusal = await this.#refuseElsewhere();
      if (refusal !== null) return refusal;
    }
    const user = this.#request.user ?? (await this.#userOfCard());
    if (user === null) return { kind: 'unavailable', reason: 'no-user' };
    this.#record.user = user;

    const found = await this.#findCards(user);
    // Nobody who is elsewhere is asked for a PIN, or told of a card.
    const refusal =
      found.kind === 'cards' || found.decision.kind === 'denied' ? await this.#refuseElsewhere() : null;
    if (refusal !== null) return refusal;
    if (found.kind === 'cards' && found.rule !== null) this.#record.rule = found.rule;
    if (found.kind === 'cards') return this.#withCards(user, found.cards, found.severalPairings);
    if (found.identity !== null) this.#record.key = auditedIdentity(found.identity);
    this.#record.rule = found.rule ?? this.#record.rule;
    return found.decision;
  }

  #findCards(user: Username): Promise<FoundCards> {
    const tokens = { present: () => this.#tokens() };
    const look = (): Promise<FoundCards> => findCards(user, this.#policy, { ...this.#parts, tokens });
    return awaitCard(look, wantsCard, this.#cardWait());
  }

  /** Lockers that show prompts alone have a secret already, and could not say what is waited for. */
  #cardWait(): CardWait {
    const { wait, promptOnlyServices } = this.#policy.login;
    const waits = !promptOnlyServices.includes(this.#request.service);
    return {
      waitMs: waits ? wait * 1000 : 0,
      mayWait: async () => (await this.#permit.withSession(this.#policy)).permitted,
      person: this.#person,
      tokens: this.#parts.tokens,
    };
  }

  /** Which of the cards it is to be, and the proof by it. */
  async #withCards(
    user: Username,
    cards: readonly [PairedCard, ...PairedCard[]],
    severalPairings: boolean,
  ): Promise<AuthDecision> {
    this.#record.noticeRequester();
    const choice = await chooseCard(cards, this.#person);
    if (choice.kind === 'cancelled') return choice;
    if (choice.kind === 'not-chosen') {
      // Digits alone are a number that is not in the list, or a PIN: neither is a password.
      const tokens = cards.map(({ token }) => token);
      if (choice.typed.isDigits) choice.typed.wipe();
      else this.#keepAsPassword(tokens, choice.typed);
      return { kind: 'unavailable', reason: 'password-instead' };
    }
    const { token, identity, pairing } = choice.card;
    this.#record.key = auditedIdentity(identity);
    // Before the PIN: a card that may not log in gets none, and costs no try.
    if (!(await this.#isTrusted(this.#policy, identity)))
      return { kind: 'denied', reason: 'certificate-not-trusted' };
    const card = this.#checkCard(this.#policy, token, pairing);
    if (!card.permitted) return { kind: 'denied', reason: card.reason };
    this.#keyring = releaseKeyring(
      {
        ...{ request: this.#request, policy: this.#policy, person: this.#person, pairing, token },
        hostId: () => this.#parts.pairings.hostId(),
        log: (line) => {
          this.#record.say(line);
        },
      },
      this.#parts.keyring,
    );
    const decision = await this.#provePaired(user, token, identity, pairing);
    // Only who has several pairings can be asked which, so only there the last one matters.
    if (decision.kind === 'granted' && severalPairings) this.#rememberUse(user, pairing);
    return decision;
  }

  /** Once the answer is on its way: nobody waits for this, and a failure costs only the order of the next question. */
  #rememberUse(user: Username, { pkhh }: Pairing): void {
    setImmediate(() => {
      try {
        this.#parts.pairings.noteUse(user, pkhh, this.#parts.clock.nowMs());
      } catch (error) {
        this.#record.say(`the use of the card was not noted: ${describeError(error)}`);
      }
    });
  }

  /** Where nobody is paired with anything, nobody is kept waiting for a card. */
  async #userOfCard(): Promise<Username | null> {
    const { pairings } = this.#parts;
    const look = async (): Promise<Username[]> => usersOf(await this.#tokens(), pairings);
    const misses = (users: readonly Username[]): boolean => users.length === 0 && !pairings.isEmpty();
    return chooseUser(await awaitCard(look, misses, this.#cardWait()), this.#person);
  }

  /** The tokens that are in and whose drivers may run now. */
  async #tokens(): Promise<Token[]> {
    const { tokens, driverGate: mayRun = () => true } = this.#parts;
    this.#permit.lookUp(this.#policy);
    const present = await tokens.present(this.#policy.login.cardWaitMs);
    const usable = present.filter((token) => mayRun(token, this.#request));
    if (usable.length < present.length) {
      this.#record.rule = 'enable-for-login';
      this.#record.say("a card's driver may not run before login");
    }
    return usable;
  }

  async #refuseElsewhere(): Promise<Refusal | null> {
    const permission = await this.#permit.withSession(this.#policy);
    if (permission.permitted) return null;
    this.#record.rule = permission.rule;
    this.#record.detail = permission.where;
    return { kind: 'denied', reason: permission.reason };
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
        const consent = this.#consent(user, token);
        const answer = await this.#askPin(token, identity, refused, consent);
        if ('kind' in answer) return answer;
        const again: Pin | null =
          attempt < this.#policy.login.pinAttempts ? (answer.pin?.copy() ?? null) : null;
        refused?.wipe();
        refused = again;
        const decision = await this.#proveOnce(user, { token, identity, pairing }, answer.pin, consent);
        if (decision.kind !== 'retry') return decision;
        this.#person.tell('error', wrongPinText(decision.triesLeft));
        if (decision.triesLeft === 0) return { kind: 'denied', reason: 'pin-blocked' };
        if (attempt >= this.#policy.login.pinAttempts) return { kind: 'denied', reason: 'wrong-pin' };
      }
    } finally {
      refused?.wipe();
    }
  }

  #consent(user: Username, token: Token): TryConsent {
    return new TryConsent({
      ...{ person: this.#person, policy: this.#parts.policy, secret: 'PIN' },
      question: (now) => consentPrompt(now, 'password'),
      mine: () => this.#isOwner(user, token),
    });
  }

  /** `su ada` shows Ada's card to whoever types it; where a login begins, nobody is known yet. */
  async #isOwner(user: Username, token: Token): Promise<boolean> {
    const { peer } = this.#request;
    const uid = peer.uid === 0 ? this.#parts.loginUidOf(peer.pid) : peer.uid;
    if (uid === null) return true;
    const requester = await this.#parts.accounts.byUid(uid);
    return requester?.name === user || (await maySpendLast(token, uid, this.#parts));
  }

  /** The PIN (null: typed on the reader), or why there is none. @throws AgentError as askPin */
  async #askPin(
    token: Token,
    identity: Identity,
    refused: Pin | null,
    consent: TryConsent,
  ): Promise<{ readonly pin: Pin | null } | Refusal> {
    const { label, touch } = identity;
    const answer = await askPin({
      ...{ person: this.#person, consent, token, label, touch, refused, cueBy: this.#cueBy() },
      cardPin: pinOf(token, identity),
    });
    switch (answer.kind) {
      case 'pin':
        return { pin: answer.pin };
      case 'on-reader':
        return { pin: null };
      case 'not-a-pin':
        this.#keepAsPassword([token], answer.typed);
        return { kind: 'unavailable', reason: 'password-instead' };
      default:
        return assertNever(answer);
    }
  }

  /** sudo asks for silence and means the messages of others; a locker may show nothing but prompts. */
  #cueBy(): CueBy {
    if (this.#policy.login.promptOnlyServices.includes(this.#request.service)) return 'prompt';
    return wantsSilence(this.#request) ? 'error' : 'information';
  }

  /** A key that always wants a touch says so in the prompt already; one that sometimes does says it only here. */
  #tellTouch({ touch }: Identity): void {
    const text = touchText(touch);
    if (text === null) return;
    const mustBeSeen = touch === 'cached' && wantsSilence(this.#request);
    this.#person.tell(mustBeSeen ? 'error' : 'information', text);
  }

  /** For the next module; but nothing that could be the PIN of one of these ever leaves as a password. */
  #keepAsPassword(tokens: readonly Token[], typed: Pin): void {
    if (typed.isEmpty || tokens.some((token) => token.acceptsPin(typed))) typed.wipe();
    else this.#password = typed;
  }

  async #proveOnce(
    user: Username,
    { token, identity, pairing }: PairedCard,
    pin: Pin | null,
    consent: TryConsent,
  ): Promise<AuthDecision> {
    try {
      if (!isStillPaired(pairing, this.#policy, this.#parts))
        return { kind: 'denied', reason: 'changed-meanwhile' };
      const { service } = this.#request;
      const hostId = this.#parts.pairings.hostId();
      const challenge = Challenge.create({ purpose: 'login', hostId, user, service });
      this.#tellTouch(identity);
      // A pairing made from a hash alone has no key yet: the hash found this one, and it has to sign.
      const key = pairing.publicKey ?? identity.publicKey;
      const { gone } = this.#person;
      const whileOpen = this.#keyring?.whileOpen((early) => verifyProof(challenge, early, key));
      const { proof, released } = await consent.send(pin, (attempt) =>
        token.prove(identity, challenge, attempt, gone, whileOpen),
      );
      released.catch((error: unknown) => {
        this.#record.say(`card not put back: ${describeError(error)}`);
      });
      const verified = verifyProof(challenge, proof, key);
      if (!(await this.#stillPermitted({ token, identity, pairing })))
        return { kind: 'denied', reason: 'changed-meanwhile' };
      if (pairing.publicKey === null) this.#parts.pairings.fixKey(user, pairing.pkhh, verified.key);
      return grant(verified, { ...pairing, publicKey: key });
    } catch (error) {
      return this.#decisionOf(error);
    } finally {
      pin?.wipe();
    }
  }

  #decisionOf(error: unknown): Exclude<AuthDecision, { kind: 'granted' }> {
    const decision = decisionOfError(error);
    if (decision.kind === 'denied' && decision.reason === 'pin-reserve')
      this.#record.rule = 'login.try_reserve';
    else if (decision.kind !== 'cancelled') this.#record.note(error);
    return decision;
  }

  /** The policy that is in force now must permit as well, and the pairing must be what it was. */
  async #stillPermitted({ token, identity, pairing }: PairedCard): Promise<boolean> {
    if (!isStillPaired(pairing, this.#policy, this.#parts)) return false;
    const now = this.#parts.policy();
    if (now === this.#policy) return true;
    if (!permitReader(now, token.slot) || !this.#checkCard(now, token, pairing).permitted) return false;
    return (await this.#permit.withSession(now)).permitted && (await this.#isTrusted(now, identity));
  }

  async #isTrusted({ trust }: Policy, identity: Identity): Promise<boolean> {
    const found = await checkCertificate(trust, identity, this.#parts.trust);
    if (found.permitted) return true;
    this.#record.rule = found.rule;
    this.#record.detail = found.why;
    return false;
  }

  #checkCard(policy: Policy, token: Token, pairing: Pairing): CardPermission {
    const found = checkCard(policy, token, pairing);
    if (found.permitted) return found;
    this.#record.rule = found.rule;
    this.#record.detail = found.why;
    return found;
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
