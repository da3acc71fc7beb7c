// `sc_auth explain`: how far a login by card would come, link by link, ending at the first that fails. It calls what
// the login calls (permitAttempt, findCards, permitTry) and puts names to their answers. No PIN, no signature, no change.

import { toHex } from '../../base/bytes.ts';
import { asAgentError, printable, type AgentError } from '../../base/errors.ts';
import type { Account } from '../../model/account.ts';
import type { FleetStanding } from '../../model/book/book-state.ts';
import type { DriverInfo } from '../../model/card/driver.ts';
import type { ReaderInfo } from '../../model/inventory.ts';
import type { PeerSession, SessionPlace } from '../../model/peer-session.ts';
import type { Link, LinkName } from '../../model/link.ts';
import { isRemoteHost, type PeerCredentials } from '../../model/request.ts';
import type { Identity } from '../../model/card/token.ts';
import type { Token } from '../../token/interface.ts';
import type { CertificateTrust } from '../../trust/interface.ts';
import type { SessionSource } from '../../logind/interface.ts';
import { permitAttempt, type Permission } from '../../../policy/permit-attempt.ts';
import { permitReader } from '../../../policy/permit-reader.ts';
import { permitTry } from '../../../policy/permit-try.ts';
import type { Policy } from '../../../policy/policy.ts';
import { pinOf } from '../card/ask-pin/ask-pin.ts';
import { checkCard } from '../card/card-check.ts';
import { checkCertificate } from '../card/gates/check-certificate.ts';
import { sessionAsked } from './explain-session.ts';
import { broken, good, type Finding } from './finding.ts';
import {
  cardRemedy,
  DRIVER_FAILS,
  found as say,
  REMEDY,
  reasonText,
  blockedRemedy,
  noKeyRemedy,
  remedyOf,
} from '../../words/explain.ts';
import { fleetRemedy, fleetText, pairedByBook } from '../../words/fleet.ts';
import type { EntryQuestion } from '../enforcement/explain-enforcement.ts';
import { findCards, wantsCard, type CardParts, type FoundCards } from '../card/find/find-cards.ts';
import type { PairedCard } from '../card/find/find-identity.ts';
import { isMapped, mappedBy } from '../card/find/mapped-card.ts';
import { lostCard } from '../card/gates/said-lost.ts';
import { pinPrompt } from '../../words/login.ts';
import { triesLeftText } from '../../words/pin-tries.ts';
import { pinWords, promptName } from '../card/pin-prompt.ts';

const PIV = 'org.scauth.piv';

export interface ReaderSource {
  readers(): readonly ReaderInfo[];
  /** Absent: nothing is known of the drivers. */
  drivers?(): readonly DriverInfo[];
}

export interface ExplainParts extends CardParts {
  readonly fleet: () => FleetStanding;
  readonly trust: CertificateTrust;
  readonly policy: () => Policy;
  readonly readers: ReaderSource;
  /** What enforcement says of it; null where it is off. */
  readonly enforcement: (asked: EntryQuestion, place: SessionPlace) => Promise<string | null>;
  readonly sessions: SessionSource;
  /** Whether a token driver may run in a login by this service (driver-gate.ts). */
  readonly mayDriverServe: (driver: string, service: string) => boolean;
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

interface CardFacts {
  /** What a login would find; why it would find nothing. */
  readonly outcome: FoundCards | AgentError;
  readonly present: readonly Token[];
  /** Those whose drivers a login by this service would ask. */
  readonly tokens: readonly Token[];
  /** Their keys for login. */
  readonly keys: readonly Identity[];
}

/** What the links are judged by. */
interface Facts {
  readonly question: Question;
  readonly parts: ExplainParts;
  readonly policy: Policy;
  readonly session: PeerSession;
  readonly permission: Permission;
  /** What enforcement says of it; null where it is off, or cannot be read: nor can the pairings then, and that link says so. */
  readonly enforced: string | null;
  /** Looked at once, when the first link asks for them. */
  readonly cards: () => Promise<CardFacts>;
}

async function factsOf(question: Question, parts: ExplainParts): Promise<Facts> {
  const policy = parts.policy();
  const { account, service, rhost, peer } = question;
  const session = await sessionAsked(account, peer, parts.sessions);
  // As a login service asks: as root, for this account.
  const asked = { service, rhost, peerUid: 0, userUid: account.uid, session: session.place };
  let cards: Promise<CardFacts> | null = null;
  return {
    ...{ question, parts, policy, session },
    permission: permitAttempt(policy, asked),
    enforced: await parts.enforcement(question, session.place).catch(() => null),
    cards: () => (cards ??= lookAtCards(question, parts, policy)),
  };
}

async function lookAtCards(
  { account, service }: Question,
  parts: ExplainParts,
  policy: Policy,
): Promise<CardFacts> {
  const usable = (tokens: readonly Token[]): Token[] =>
    tokens.filter(({ driver }) => parts.mayDriverServe(driver, service));
  const tokens = { present: async (waitMs: number) => usable(await parts.tokens.present(waitMs)) };
  const outcome = await findCards(account.name, policy, { ...parts, tokens }).catch(asAgentError);
  const present = outcome instanceof Error ? [] : await parts.tokens.present(policy.login.cardWaitMs);
  const keys = usable(present).flatMap(({ identities }) => identities);
  return {
    ...{ outcome, present, tokens: usable(present) },
    keys: keys.filter(({ use }) => use === 'authentication'),
  };
}

interface Step {
  readonly link: LinkName;
  /** null: there is nothing to say of this link. */
  readonly check: (facts: Facts) => Promise<Finding | null> | Finding | null;
}

/** In the order of a login; the first link that fails ends the walk. */
const STEPS: readonly Step[] = [
  { link: 'policy', check: checkPolicy },
  { link: 'session', check: checkSession },
  { link: 'enforcement', check: checkEnforcement },
  { link: 'reader', check: checkReader },
  { link: 'card', check: checkCardIsIn },
  { link: 'driver', check: checkDriver },
  { link: 'certificate', check: checkKeys },
  { link: 'trust', check: checkTrust },
  { link: 'pairing', check: checkPairing },
  { link: 'tries', check: checkTries },
  { link: 'proof', check: checkProof },
];

function checkPolicy({ permission, question: { service } }: Facts): Finding {
  if (!permission.permitted && permission.reason !== 'remote-not-allowed')
    return broken(reasonText(permission.reason), REMEDY.policy, permission.rule);
  return good(say.allowed(service), permission.rule);
}

function checkSession({ permission, session, question: { rhost } }: Facts): Finding {
  const where = isRemoteHost(rhost) ? say.fromHost : session.detail;
  if (permission.permitted) return good(where);
  return broken(say.elsewhere(where, reasonText(permission.reason)), REMEDY.session, permission.rule);
}

function checkEnforcement({ enforced }: Facts): Finding | null {
  return enforced === null ? null : good(enforced);
}

function fault(link: LinkName, error: AgentError): Finding {
  return broken(reasonText(error.code), remedyOf(error.code, link), error.detail);
}

async function checkReader({ parts, cards, policy }: Facts): Promise<Finding> {
  const { outcome, tokens } = await cards();
  if (outcome instanceof Error && !['store-unreadable', 'store-newer'].includes(outcome.code))
    return fault('reader', outcome);
  const readers = parts.readers.readers();
  if (readers.length === 0) return broken(say.noReader, say.connectReader);
  // Also where nobody is paired yet: no card that is in could be.
  const isOutOfReach = tokens.length > 0 && !tokens.some(({ slot }) => permitReader(policy, slot));
  if (isOutOfReach || isRefusal(outcome, 'contactless-not-allowed'))
    return broken(reasonText('contactless-not-allowed'), REMEDY.reader, 'reader.contactless');
  return good(readers.map(({ name }) => printable(name)).join(', '));
}

function listed(texts: Iterable<string>): string {
  return [...texts].join(', ');
}

/** Why drivers do not work that a login would ask. */
function failingDrivers({ readers }: ExplainParts): string[] {
  return (readers.drivers?.() ?? []).flatMap(({ state, failing, problems }) =>
    state === 'disabled' ? [] : (failing ?? problems),
  );
}

/** The reader to speak of where no card in any could be read. */
function unreadCard({ readers }: ExplainParts): ReaderInfo | null {
  const held = readers.readers().filter(({ state }) => state !== 'empty');
  return held.find(isUnread) ?? held[0] ?? null;
}

/** As a login tells of it: another program holds the card, or it does not answer. */
function isUnread({ error }: ReaderInfo): boolean {
  return error?.code === 'card-busy' || error?.code === 'card-timeout';
}

function placeOf({ name, atr }: ReaderInfo): string {
  return `reader ${printable(name)}${atr === null ? '' : `, ATR ${toHex(atr)}`}`;
}

async function checkCardIsIn({ parts, cards }: Facts): Promise<Finding | null> {
  const { outcome, present, tokens } = await cards();
  // The pairings cannot be read: no card was looked at.
  if (outcome instanceof Error) return null;
  const [keptOut] = present;
  const missed = wantsCard(outcome) && parts.readers.readers().some(isUnread);
  if (tokens.length > 0 && !missed)
    return good(listed(tokens.map(({ label }) => label)), listed(tokens.map(({ id }) => id)));
  if (keptOut !== undefined && !missed) return good(keptOut.label, keptOut.id);
  const reader = unreadCard(parts);
  if (reader === null) {
    const failing = failingDrivers(parts);
    if (failing.length === 0) return broken(reasonText('no-card'), REMEDY.card);
    return broken(say.noCardAndFailing(listed(failing)), DRIVER_FAILS);
  }
  const { state, error } = reader;
  const where = placeOf(reader);
  switch (state) {
    case 'unknown':
      return good(say.card, where);
    case 'mute':
      return broken(say.mute, REMEDY.card, where);
    case 'broken':
      if (error?.code === 'driver-fault' || error?.code === 'module-fault') return good(say.card, where);
      return broken(
        reasonText(error?.code ?? 'card-fault'),
        remedyOf(error?.code ?? 'card-fault', 'card'),
        failureAt(reader),
      );
    case 'reading':
    case 'ready':
    case 'empty':
      return broken(say.late, REMEDY.card, where);
  }
}

function failureAt(reader: ReaderInfo): string {
  const { error } = reader;
  return error === null ? placeOf(reader) : `${error.code}: ${error.detail}; ${placeOf(reader)}`;
}

async function checkDriver({ parts, cards, question: { service } }: Facts): Promise<Finding | null> {
  const { outcome, present, tokens } = await cards();
  if (outcome instanceof Error) return null;
  const drivers = listed(new Set(tokens.map(({ driver }) => driver)));
  const failing = failingDrivers(parts);
  if (tokens.length > 0)
    return good(failing.length === 0 ? drivers : say.othersFail(drivers, listed(failing)));
  const [keptOut] = present;
  if (keptOut !== undefined) {
    const detail = say.driverKeptOut(service);
    return broken(detail, say.letDriverRun(keptOut.driver), keptOut.driver);
  }
  const reader = unreadCard(parts);
  if (reader?.state === 'broken') {
    const code = reader.error?.code ?? 'driver-fault';
    return broken(reasonText(code), remedyOf(code, 'driver'), failureAt(reader));
  }
  return broken(say.noDriver, REMEDY.driver, reader === null ? null : placeOf(reader));
}

function nameOf({ label, publicKey }: Identity): string {
  return `${label} ${publicKey.pkhh}`;
}

async function checkKeys({ cards }: Facts): Promise<Finding | null> {
  const { outcome, tokens, keys } = await cards();
  if (outcome instanceof Error) return null;
  const notes = tokens.flatMap((token) => token.notes).join('; ');
  const isPiv = tokens.every(({ driver }) => driver === PIV);
  if (keys.length === 0) return broken(say.noKey(notes), noKeyRemedy(isPiv));
  return good(listed(keys.map(({ label }) => label)), listed(keys.map(nameOf)));
}

async function checkTrust({ cards, policy, parts }: Facts): Promise<Finding | null> {
  const { outcome, keys } = await cards();
  if (outcome instanceof Error) return null;
  const key = outcome.kind === 'cards' ? outcome.cards[0].identity : keys[0];
  if (key === undefined) return null;
  const trust = await checkCertificate(policy.trust, key, parts.trust);
  if (!trust.permitted)
    return broken(reasonText('certificate-not-trusted'), REMEDY.trust, `${trust.rule}: ${trust.why}`);
  return good(say.trusted, `trust.level = ${policy.trust.level}`);
}

async function checkPairing({ cards, parts, policy, question }: Facts): Promise<Finding> {
  const { outcome, keys } = await cards();
  if (outcome instanceof Error) return fault('pairing', outcome);
  if (outcome.kind === 'refused') {
    const { reason } = outcome.decision;
    const standing = parts.fleet();
    const stale = standing.freshness === 'fresh' ? null : fleetText(standing);
    // A card of the book would look just so.
    if (stale !== null)
      return broken(`${reasonText(reason)} ${stale}`, fleetRemedy(standing), listed(keys.map(nameOf)));
    const more = listed([`${reason}: ${listed(keys.map(nameOf))}`, ...outcome.refusals]);
    if (outcome.refusals.length === 0) return broken(reasonText(reason), REMEDY.pairing, more);
    // What SSSD said, which may be of other accounts, is for root.
    return broken(`${reasonText(reason)}; ${say.sssdRefuses}`, say.askAboutMapping, more);
  }
  const [taken] = outcome.cards;
  const { token, pairing } = taken;
  const lost = lostCard(taken, parts.pairings);
  if (lost !== null)
    return broken(
      reasonText('card-lost'),
      remedyOf('card-lost', 'pairing'),
      `${lost.kind} ${lost.name}, by ${lost.by}`,
    );
  const card = checkCard(policy, token, pairing);
  if (!card.permitted)
    return broken(
      reasonText(card.reason),
      cardRemedy(card.reason, policy.login.cardCheck === 'always'),
      `${card.rule}: ${card.why}`,
    );
  const { book } = pairing;
  const signed = book === undefined ? '' : `; ${pairedByBook(book)}; ${fleetText(parts.fleet()) ?? ''}`;
  const said = isMapped(pairing) ? say.mapped(mappedBy(pairing)) : say.paired(question.account.name);
  return good(`${said}${signed}`, `${pairing.pkhh} by ${pairing.pairedBy}`);
}

/** The card that a login would take; null where it would take none. */
async function cardTaken({ cards }: Facts): Promise<PairedCard | null> {
  const { outcome } = await cards();
  return outcome instanceof Error || outcome.kind === 'refused' ? null : outcome.cards[0];
}

async function checkTries(facts: Facts): Promise<Finding | null> {
  const card = await cardTaken(facts);
  if (card === null) return null;
  const { token, identity } = card;
  const state = await token.pinState(pinOf(token, identity)).catch(asAgentError);
  const blocked = broken(reasonText('pin-blocked'), blockedRemedy(token.unblockPin !== undefined));
  if (state instanceof Error) return state.code === 'pin-blocked' ? blocked : fault('tries', state);
  const { triesLeft } = state;
  switch (permitTry(facts.policy, state)) {
    case 'blocked':
      return blocked;
    case 'needs-consent': {
      const { tryReserve } = facts.policy.login;
      return good(
        say.lastTries(triesLeft === null ? null : triesLeftText(triesLeft)),
        `login.try_reserve = ${tryReserve}`,
      );
    }
    case 'permitted':
      return good(triesLeft === null ? say.triesUnknown : triesLeftText(triesLeft));
  }
}

async function checkProof(facts: Facts): Promise<Finding | null> {
  const card = await cardTaken(facts);
  if (card === null) return null;
  const { identity, pairing, token } = card;
  const { policy, question, enforced } = facts;
  const how = pairing.publicKey === null ? say.keyNotFixed : identity.publicKey.algorithm;
  const words = pinWords(policy, question.service, enforced === null);
  const prompt = pinPrompt(promptName(policy, token, identity), identity.touch, words);
  return good(say.proof(prompt.trim()), `${how}; prompt.style = ${policy.prompt.style}`);
}

function isRefusal(outcome: FoundCards | AgentError, reason: string): boolean {
  return !(outcome instanceof Error) && outcome.kind === 'refused' && outcome.decision.reason === reason;
}

/** Never throws for a link that fails: that is the answer. @returns at least one; only the last may be broken */
export async function explainLogin(question: Question, parts: ExplainParts): Promise<readonly Link[]> {
  const facts = await factsOf(question, parts);
  const links: Link[] = [];
  for (const { link: name, check } of STEPS) {
    const found = await check(facts);
    if (found === null) continue;
    const { ok, detail, more, remedy } = found;
    const said = more === null || !question.inFull ? detail : `${detail} (${more})`;
    links.push({ name, ok, detail: printable(said, 500), remedy });
    if (!ok) break;
  }
  return links;
}
