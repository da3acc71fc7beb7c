// `sc_auth explain`: how far a login by card would come, link by link, ending at the first that fails. It calls what
// the login calls (permitAttempt, findCards, permitTry) and puts names to their answers. No PIN, no signature, no change.

import { toHex } from '../../base/bytes.ts';
import { asAgentError, printable, type AgentError } from '../../base/errors.ts';
import type { Account } from '../../model/account.ts';
import type { ReaderInfo } from '../../model/inventory.ts';
import type { SessionPlace } from '../../model/peer-session.ts';
import type { Link, LinkName } from '../../model/link.ts';
import { isRemoteHost, type PeerCredentials } from '../../model/request.ts';
import type { Identity } from '../../model/token.ts';
import type { Token } from '../../token/interface.ts';
import type { CertificateTrust } from '../../trust/interface.ts';
import type { SessionSource } from '../../logind/interface.ts';
import { permitAttempt } from '../../../policy/permit-attempt.ts';
import { permitTry } from '../../../policy/permit-try.ts';
import type { Policy } from '../../../policy/policy.ts';
import { pinOf } from '../card/ask-pin.ts';
import { checkCard } from '../card/card-check.ts';
import { checkCertificate } from '../card/check-certificate.ts';
import { sessionAsked } from './explain-session.ts';
import { cardRemedy, REMEDY, reasonText } from '../../words/explain.ts';
import type { EntryQuestion } from '../enforcement/explain-enforcement.ts';
import { findCards, type CardParts, type FoundCards } from '../card/find-cards.ts';
import { triesLeftText } from '../../words/login.ts';

export interface ReaderSource {
  readers(): readonly ReaderInfo[];
}

export interface ExplainParts extends CardParts {
  readonly trust: CertificateTrust;
  readonly policy: () => Policy;
  readonly readers: ReaderSource;
  /** What enforcement says of it; null where it is off. Absent: there is none. */
  readonly enforcement?: (asked: EntryQuestion, place: SessionPlace) => Promise<string | null>;
  readonly sessions?: SessionSource;
  /** Whether a token driver may run in a login by this service (driver-gate.ts); absent: each may. */
  readonly mayDriverServe?: (driver: string, service: string) => boolean;
}

export interface Question {
  readonly account: Account;
  readonly service: string;
  readonly rhost: string | null;
  /** Who asks. */
  readonly peer: PeerCredentials;
  /** Every detail (settings, ATRs, hashes), for root. */
  readonly inFull: boolean;
}

/** The first link that fails ends the walk. */
class Broken extends Error {}

class Walk {
  readonly links: Link[] = [];
  readonly #question: Question;
  readonly #parts: ExplainParts;

  constructor(question: Question, parts: ExplainParts) {
    this.#question = question;
    this.#parts = parts;
  }

  /** @param more for root only */
  #good(name: LinkName, detail: string, more: string | null = null): void {
    this.links.push({ name, ok: true, detail: this.#said(detail, more), remedy: null });
  }

  #broken(name: LinkName, detail: string, remedy: string, more: string | null = null): never {
    this.links.push({ name, ok: false, detail: this.#said(detail, more), remedy });
    throw new Broken(name);
  }

  #said(detail: string, more: string | null): string {
    return printable(more === null || !this.#question.inFull ? detail : `${detail} (${more})`, 500);
  }

  #fault(name: LinkName, error: AgentError): never {
    this.#broken(name, reasonText(error.code), REMEDY[name], error.detail);
  }

  async run(): Promise<void> {
    const policy = this.#parts.policy();
    await this.#policyAndSession(policy);
    const outcome = await this.#cards(policy);
    this.#reader(outcome);
    const present = outcome instanceof Error ? [] : await this.#parts.tokens.present(policy.login.cardWaitMs);
    const tokens = this.#usable(present);
    if (tokens.length === 0) this.#keptOut(present);
    this.#cardAndDriver(tokens, outcome);
    const cards = await this.#keyAndPairing(tokens, outcome, policy);
    await this.#tries(cards.cards[0], policy);
    const { identity, pairing } = cards.cards[0];
    const how = pairing.publicKey === null ? 'the first login fixes the key' : identity.publicKey.algorithm;
    this.#good('proof', 'Nothing is in its way; it takes the PIN, so it was not tried', how);
  }

  async #policyAndSession(policy: Policy): Promise<void> {
    const { account, service, rhost, peer } = this.#question;
    const session = await sessionAsked(account, peer, this.#parts.sessions);
    // As a login service asks: as root, for this account.
    const permission = permitAttempt(policy, {
      service,
      rhost,
      peerUid: 0,
      userUid: account.uid,
      session: session.place,
    });
    if (!permission.permitted && permission.reason !== 'remote-not-allowed')
      this.#broken('policy', reasonText(permission.reason), REMEDY.policy, permission.rule);
    this.#good('policy', `Cards may be used for ${service}`, permission.rule);
    const where = isRemoteHost(rhost) ? 'From another host' : session.detail;
    if (!permission.permitted)
      this.#broken('session', `${where}. ${reasonText(permission.reason)}`, REMEDY.session, permission.rule);
    this.#good('session', where);
    // Where it cannot be read, nor can the pairings: that link says so.
    const asked = this.#parts.enforcement?.(this.#question, session.place).catch(() => null);
    const word = (await asked) ?? null;
    if (word !== null) this.#good('enforcement', word);
  }

  async #cards(policy: Policy): Promise<FoundCards | AgentError> {
    try {
      const present = async (waitMs: number): Promise<Token[]> =>
        this.#usable(await this.#parts.tokens.present(waitMs));
      return await findCards(this.#question.account.name, policy, { ...this.#parts, tokens: { present } });
    } catch (error) {
      return asAgentError(error);
    }
  }

  #reader(outcome: FoundCards | AgentError): void {
    if (outcome instanceof Error && !['store-unreadable', 'store-newer'].includes(outcome.code))
      this.#fault('reader', outcome);
    const readers = this.#parts.readers.readers();
    if (readers.length === 0)
      this.#broken(
        'reader',
        'pcscd knows no reader',
        'Connect a reader; `pcsc_scan` shows whether pcscd sees it.',
      );
    if (isRefusal(outcome, 'contactless-not-allowed'))
      this.#broken('reader', reasonText('contactless-not-allowed'), REMEDY.reader, 'reader.contactless');
    this.#good('reader', readers.map(({ name }) => printable(name)).join(', '));
  }

  /** Those whose drivers a login by this service would ask. */
  #usable(tokens: readonly Token[]): Token[] {
    const { mayDriverServe = () => true } = this.#parts;
    return tokens.filter(({ driver }) => mayDriverServe(driver, this.#question.service));
  }

  /** Cards are in, and none of their drivers may run before anybody has logged in. */
  #keptOut([first]: readonly Token[]): void {
    if (first === undefined) return;
    this.#good('card', first.label, first.id);
    const { service } = this.#question;
    const detail = `The driver of the card may not run before anybody has logged in (${service})`;
    this.#broken('driver', detail, `sudo sc_auth enable-for-login ${first.driver}`, first.driver);
  }

  #cardAndDriver(tokens: readonly Token[], outcome: FoundCards | AgentError): void {
    if (tokens.length === 0 && !(outcome instanceof Error)) {
      const readers = this.#parts.readers.readers().filter(({ state }) => state !== 'empty');
      const [first] = readers;
      if (first === undefined) this.#broken('card', 'No card is in a reader', REMEDY.card);
      this.#badCard(first);
    }
    if (outcome instanceof Error) this.#fault('pairing', outcome);
    this.#good('card', tokens.map(({ label }) => label).join(', '), tokens.map(({ id }) => id).join(', '));
    this.#good('driver', [...new Set(tokens.map(({ driver }) => driver))].join(', '));
  }

  #badCard({ state, atr, error, name }: ReaderInfo): never {
    const where = `reader ${printable(name)}${atr === null ? '' : `, ATR ${toHex(atr)}`}`;
    switch (state) {
      case 'unknown':
        this.#good('card', 'A card is in', where);
        return this.#broken('driver', 'No driver knows this card', REMEDY.driver, where);
      case 'mute':
        return this.#broken(
          'card',
          'The card does not answer: broken, or put in the wrong way',
          REMEDY.card,
          where,
        );
      case 'broken': {
        const failure = error === null ? where : `${error.code}: ${error.detail}; ${where}`;
        if (error?.code !== 'driver-fault')
          return this.#broken('card', reasonText(error?.code ?? 'card-fault'), REMEDY.card, failure);
        this.#good('card', 'A card is in', where);
        return this.#broken('driver', reasonText(error.code), REMEDY.driver, failure);
      }
      case 'reading':
      case 'ready':
      case 'empty':
        return this.#broken('card', 'The card was not read in time', REMEDY.card, where);
    }
  }

  async #keyAndPairing(
    tokens: readonly Token[],
    outcome: FoundCards | AgentError,
    policy: Policy,
  ): Promise<Extract<FoundCards, { kind: 'cards' }>> {
    const keys = tokens.flatMap(({ identities }) => identities).filter(({ use }) => use === 'authentication');
    const notes = tokens.flatMap((token) => token.notes).join('; ');
    const [firstKey] = keys;
    if (firstKey === undefined)
      this.#broken('certificate', 'The card has no key for login', REMEDY.certificate, notes || null);
    const about = (key: Identity) => `${key.label} ${key.publicKey.pkhh}`;
    this.#good('certificate', keys.map(({ label }) => label).join(', '), keys.map(about).join(', '));
    const found = !(outcome instanceof Error) && outcome.kind === 'cards';
    const trust = await checkCertificate(
      policy.trust,
      found ? outcome.cards[0].identity : firstKey,
      this.#parts.trust,
    );
    if (!trust.permitted)
      this.#broken(
        'trust',
        reasonText('certificate-not-trusted'),
        REMEDY.trust,
        `${trust.rule}: ${trust.why}`,
      );
    this.#good('trust', 'Nothing refuses the certificate', `trust.level = ${policy.trust.level}`);
    if (outcome instanceof Error) this.#fault('pairing', outcome);
    if (outcome.kind === 'refused') {
      const { reason } = outcome.decision;
      this.#broken('pairing', reasonText(reason), REMEDY.pairing, `${reason}: ${keys.map(about).join(', ')}`);
    }
    const [{ token, pairing }] = outcome.cards;
    const card = checkCard(policy, token, pairing);
    if (!card.permitted)
      this.#broken(
        'pairing',
        reasonText(card.reason),
        cardRemedy(card.reason, policy.login.cardCheck),
        `${card.rule}: ${card.why}`,
      );
    this.#good(
      'pairing',
      `Paired with ${this.#question.account.name}`,
      `${pairing.pkhh} by ${pairing.pairedBy}`,
    );
    return outcome;
  }

  async #tries(card: { readonly token: Token; readonly identity: Identity }, policy: Policy): Promise<void> {
    const { token, identity } = card;
    let triesLeft: number | null;
    try {
      const state = await token.pinState(pinOf(token, identity));
      triesLeft = state.triesLeft;
      if (permitTry(policy, state) === 'blocked') this.#broken('tries', 'The PIN is blocked', REMEDY.tries);
      if (permitTry(policy, state) === 'needs-consent') {
        const left = triesLeft === null ? 'The next try may be the last' : `Only ${triesLeftText(triesLeft)}`;
        this.#good(
          'tries',
          `${left}: the login asks for a yes first`,
          `login.try_reserve = ${policy.login.tryReserve}`,
        );
        return;
      }
    } catch (error) {
      if (error instanceof Broken) throw error;
      this.#fault('tries', asAgentError(error));
    }
    this.#good('tries', triesLeft === null ? 'The card does not say how many' : triesLeftText(triesLeft));
  }
}

function isRefusal(outcome: FoundCards | AgentError, reason: string): boolean {
  return !(outcome instanceof Error) && outcome.kind === 'refused' && outcome.decision.reason === reason;
}

/** Never throws for a link that fails: that is the answer. @returns at least one; only the last may be broken */
export async function explainLogin(question: Question, parts: ExplainParts): Promise<readonly Link[]> {
  const walk = new Walk(question, parts);
  try {
    await walk.run();
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
  }
  return walk.links;
}
