// The story of a login: permit → pairings → card → gates → PIN and proof (prove-paired.ts) → audit. It starts as a
// refusal. What surrounds it, and what follows a yes, is in stories/serve-login.ts.
// Why: DECISIONS.md D182.

import { refusedByDefault, type AuthDecision } from '../../model/decision.ts';
import type { AuthRequest, Username } from '../../model/request.ts';
import type { Enough, Token } from '../../token/interface.ts';
import { pkcs11Name } from './session-card-name.ts';
import type { Policy } from '../../../policy/policy.ts';
import { auditedIdentity } from '../card/audited-key.ts';
import { askingBook } from '../card/find/ask-book.ts';
import { chooseCard } from '../card/find/choose-card.ts';
import type { Conversation } from '../card/conversation.ts';
import { findCards, wantsCard, type FoundCards } from '../card/find/find-cards.ts';
import { mappedBy } from '../card/find/mapped-card.ts';
import { chooseUser, usersOf } from '../card/find/user-of-card.ts';
import { releaseKeyring } from '../keyring/unseal-keyring.ts';
import type { Pin } from '../../base/pin.ts';
import { pairedByBook } from '../../words/fleet.ts';
import { factorySecretsText } from '../../words/factory-secrets.ts';
import { awaitCard, type CardWait } from './wait-for-card.ts';
import { fromHere, refusedAtGate } from './gates.ts';
import type { LoginOutcome, LoginParts } from './login-parts.ts';
import { hidesPrompts, withPromptsTold } from './hidden-prompts.ts';
import { LoginRecord } from './login-record.ts';
import { RequestPermit } from './permit-request.ts';
import { PairedProof, type ProofEnd } from './prove-paired.ts';

type Ended = Omit<LoginOutcome, 'record'>;

function ended(decision: AuthDecision, more: Partial<Ended> = {}): Ended {
  const nothing = { password: null, keyring: null, tokenName: null, severalPairings: false, warning: null };
  return { decision, ...nothing, ...more };
}

/** One login. */
export class Login {
  readonly #request: AuthRequest;
  readonly #person: Conversation;
  readonly #parts: LoginParts;
  readonly #policy: Policy;
  /** The program shows no prompt. */
  readonly #hidden: boolean;
  readonly #record: LoginRecord;
  readonly #permit: RequestPermit;

  constructor(request: AuthRequest, person: Conversation, parts: LoginParts) {
    this.#request = request;
    this.#parts = parts;
    this.#policy = parts.policy();
    this.#hidden = hidesPrompts(request, this.#policy);
    this.#person = this.#hidden ? withPromptsTold(person, request) : person;
    this.#record = new LoginRecord(request, parts);
    this.#permit = new RequestPermit(request, parts);
  }

  /** Runs the request to its end; never throws. A grant that could not be written to the audit log is not given. */
  async run(): Promise<LoginOutcome> {
    let end = ended(refusedByDefault);
    try {
      end = await this.#decide();
    } catch (error) {
      end = ended(this.#record.refusedBy(error));
    }
    return { ...end, decision: await this.#record.write(end.decision), record: this.#record };
  }

  async #decide(): Promise<Ended> {
    const permission = await this.#permit.beforeSession(this.#policy);
    this.#record.rule = permission.rule;
    if (!permission.permitted) return ended({ kind: 'denied', reason: permission.reason });
    const before = this.#request.user === null ? await this.#refusedElsewhere() : null;
    if (before !== null) return ended(before);
    const user = this.#request.user ?? (await this.#userOfCard());
    if (user === null) return ended({ kind: 'unavailable', reason: 'no-user' });
    this.#record.user = user;

    await this.#parts.book?.ready(user);
    const found = await this.#findCards(user);
    // The card that is missed may be one that is in and cannot be read.
    const unread = wantsCard(found) ? (this.#parts.tokens.unread?.() ?? null) : null;
    // Nobody who is elsewhere is asked for a PIN, or told of a card.
    const hidden = found.kind === 'cards' || found.decision.kind === 'denied' || unread !== null;
    const refusal = hidden ? await this.#refusedElsewhere() : null;
    if (refusal !== null) return ended(refusal);
    this.#record.rule = found.rule ?? this.#record.rule;
    if (found.kind === 'cards') return this.#withCards(found);
    for (const line of found.refusals) this.#record.say(line);
    if (unread !== null) return ended(this.#record.refusedBy(unread));
    if (found.identity !== null) this.#record.key = auditedIdentity(found.identity);
    return ended(found.decision);
  }

  /** Which of the cards it is to be, and the proof by it. */
  async #withCards({ cards, severalPairings }: Extract<FoundCards, { kind: 'cards' }>): Promise<Ended> {
    this.#record.noticeRequester();
    const choice = await chooseCard(cards, this.#person);
    if (choice.kind === 'cancelled') return ended(choice);
    if (choice.kind === 'not-chosen') {
      const tokens = cards.map(({ token }) => token);
      // Digits alone are a number that is not in the list, or a PIN: neither is a password.
      const password = choice.typed.isDigits
        ? wiped(choice.typed)
        : passwordOf(choice.typed, tokens, this.#policy);
      return ended({ kind: 'unavailable', reason: 'password-instead' }, { password });
    }
    const { card } = choice;
    const { identity, pairing, token } = card;
    this.#record.key = auditedIdentity(identity);
    // Before the PIN: a card that may not log in gets none, and costs no try.
    const { trust, pairings } = this.#parts;
    const refusal = await refusedAtGate(card, this.#policy, { permit: this.#permit, trust, pairings });
    if (refusal !== null) return ended(this.#record.refusedAt(refusal));
    const warning = factorySecretsText(token.factorySecrets);
    const said = [warning, pairing.book === undefined ? null : pairedByBook(pairing.book), mappedBy(pairing)];
    this.#record.detail = said.filter((text) => text !== null).join('; ') || null;
    const scene = {
      ...{ request: this.#request, person: this.#person, policy: this.#policy, hidden: this.#hidden },
    };
    const keyring = releaseKeyring(
      {
        ...{ ...scene, pairing, token },
        hostId: () => this.#parts.pairings.hostId(),
        log: (line) => {
          this.#record.say(line);
        },
      },
      this.#parts.keyring,
    );
    const proof = { ...scene, parts: this.#parts, permit: this.#permit, record: this.#record, keyring };
    let end: ProofEnd;
    try {
      end = await new PairedProof(card, proof).run();
    } catch (error) {
      end = { decision: this.#record.refusedBy(error), typed: null };
    }
    const password = end.typed === null ? null : passwordOf(end.typed, [token], this.#policy);
    const tokenName = pkcs11Name(token, identity, this.#policy.pkcs11.modules);
    return ended(end.decision, { password, keyring, tokenName, severalPairings, warning });
  }

  #findCards(user: Username): Promise<FoundCards> {
    const tokens = { present: (_: number, enough?: Enough) => this.#tokens(enough) };
    const look = (): Promise<FoundCards> =>
      askingBook(
        () => findCards(user, this.#policy, { ...this.#parts, tokens }),
        (found) => wantsCard(found) || isUnpaired(found),
        () => this.#tokens(undefined),
        this.#parts.book,
      );
    return awaitCard(look, wantsCard, this.#cardWait());
  }

  /** Where nobody is paired with anything, nobody is kept waiting for a card. */
  async #userOfCard(): Promise<Username | null> {
    const { pairings } = this.#parts;
    const enough = (read: readonly Token[]): boolean => usersOf(read, pairings).length > 0;
    const look = (): Promise<Username[]> =>
      askingBook(
        async () => usersOf(await this.#tokens(enough), pairings),
        (users) => users.length === 0,
        () => this.#tokens(undefined),
        this.#parts.book,
      );
    const misses = (users: readonly Username[]): boolean => users.length === 0 && !pairings.isEmpty();
    return chooseUser(await awaitCard(look, misses, this.#cardWait()), this.#person);
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

  /** The tokens that are in and whose drivers may run now. */
  async #tokens(enough: Enough | undefined): Promise<Token[]> {
    const { tokens, driverGate: mayRun } = this.#parts;
    this.#permit.lookUp(this.#policy);
    const ofThese = (read: readonly Token[]): Token[] => read.filter((token) => mayRun(token, this.#request));
    const present = await tokens.present(
      this.#policy.login.cardWaitMs,
      enough && ((read) => enough(ofThese(read))),
    );
    const usable = ofThese(present);
    if (usable.length < present.length) {
      this.#record.rule = 'enable-for-login';
      this.#record.say("a card's driver may not run before login");
    }
    return usable;
  }

  async #refusedElsewhere(): Promise<AuthDecision | null> {
    const refusal = await fromHere(this.#permit, this.#policy);
    return refusal === null ? null : this.#record.refusedAt(refusal);
  }
}

function isUnpaired(found: FoundCards): boolean {
  return (
    found.kind === 'refused' &&
    found.decision.kind === 'unavailable' &&
    found.decision.reason === 'no-pairing'
  );
}

function wiped(typed: Pin): null {
  typed.wipe();
  return null;
}

/** For the next module; but nothing that could be the PIN of one of these ever leaves as a password. */
function passwordOf(typed: Pin, tokens: readonly Token[], { login }: Policy): Pin | null {
  const isPin = tokens.some((token) => token.acceptsPin(typed)) && (typed.isDigits || !login.pinDigits);
  return typed.isEmpty || isPin ? wiped(typed) : typed;
}
