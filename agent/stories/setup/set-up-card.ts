// The story of `sc_auth setup`: who may → which card → can it be set up → new PIN twice → PUK shown → card → pairing.
// Nothing is sent to the card before it is known that it is as it comes from its factory, or that we have begun with it.

import { AgentError, asAgentError, printable } from '../../base/errors.ts';
import { Pin } from '../../base/pin.ts';
import type { Account } from '../../model/account.ts';
import { FACTORY_PIN, type CardLook, type Issued, type NewKey } from '../../model/card/issuing.ts';
import type { PublicKey } from '../../model/key/key.ts';
import type { Pairing } from '../../model/pairing.ts';
import type { PeerCredentials } from '../../model/request.ts';
import { canSealTo } from '../../model/secret/sealed-secret.ts';
import { USUAL_TRIES, type PinState, type TokenId } from '../../model/card/token.ts';
import { CARD_READING_MS, type CardIssuer, type SetupLook, type Token } from '../../token/interface.ts';
import { tooWeak } from '../../words/pairing.ts';
import * as say from '../../words/setup.ts';
import { permitAttestation } from '../../../policy/permit-attestation.ts';
import { mayPair, refusesPairing } from '../../../policy/permit-pairing.ts';
import type { Policy } from '../../../policy/policy.ts';
import { auditedPinUse } from '../card/audited-failure.ts';
import type { Asked } from '../card/conversation.ts';
import { askCardPin, requireReader, tryConsent } from '../card/prove-card.ts';
import type { TryConsent } from '../card/ask-pin/last-try.ts';
import { promptName } from '../card/pin-prompt.ts';
import type { KeyringWish } from '../card/rider.ts';
import { ownersOf } from '../card/find/user-of-card.ts';
import { pairForUser, pairOwnCard, type PairingParts } from '../pair/pair.ts';
import { askStrongPin, showNewPuk } from './new-secrets.ts';

export interface SetupWish {
  /** Which card: the token's id, the reader that it is in; null for both: the only one. */
  readonly token: TokenId | null;
  readonly reader: string | null;
  readonly key: NewKey;
  /** What its certificates say whose it is; null: the account's name. */
  readonly holder: string | null;
  /** A certificate is asked for at an authority: the card is not paired before it has come. */
  readonly wantsRequest: boolean;
  readonly keyring: KeyringWish;
  /** The key of an officer whose help desk can give a new PIN by telephone; null: nobody can. */
  readonly officer: PublicKey | null;
}

export interface SetupParts extends PairingParts {
  /** Until its end nobody is asked to pair the card in this reader. */
  readonly atWork: (reader: string) => () => void;
}

export interface SetUp {
  readonly issued: Issued;
  /** null: it is paired when its certificate has come. */
  readonly pairing: Pairing | null;
  /** The officer's part, sealed to their key; null: there is none. */
  readonly deskPart: Buffer | null;
}

/** How often a card may find a new PIN too simple, or a person mistype the one that it has. */
const MOST_ROUNDS = 3;

/**
 * @param account whose card it is to be; another one's only as root
 * @throws AgentError `not-allowed`, `weak-key`, `no-card`, `invalid-argument` (several cards), `contactless`, `cannot-set-up`, `cancelled`,
 * and those of SetupLook.issue, pairOwnCard and pairForUser
 */
export async function setUpCard(account: Account, wish: SetupWish, asked: Asked<SetupParts>): Promise<SetUp> {
  const { peer, parts } = asked;
  requirePolicy(account, wish, peer, parts);
  const token = await cardToSetUp(wish, parts);
  const over = parts.atWork(token.slot.reader);
  try {
    return await setUpToken(token, account, wish, asked);
  } finally {
    over();
  }
}

async function setUpToken(
  token: Token,
  account: Account,
  wish: SetupWish,
  asked: Asked<PairingParts>,
): Promise<SetUp> {
  const { person, parts } = asked;
  const issuer = requireIssuer(token, parts);
  const look = await lookAt(issuer);
  requireAttestable(look, wish.key, parts.policy());
  person.tell('information', say.settingUpText(printable(token.slot.reader, 60), look.firmware, look.begun));
  const secrets = new Secrets();
  try {
    const setting = { account, wish, token, issuer, ...asked };
    const issued = await auditedPinUse({ kind: 'pin-changed', how: 'set-up' }, token, asked, () =>
      issue(look, secrets, setting),
    );
    await parts.tokens.readAgain?.(token, CARD_READING_MS);
    const deskPart = await enrol(issued, secrets, setting);
    const pairing = wish.wantsRequest ? null : await pair(issued, secrets, setting);
    return { issued, pairing, deskPart };
  } finally {
    secrets.wipe();
  }
}

interface Setting extends Asked<PairingParts> {
  readonly account: Account;
  readonly wish: SetupWish;
  readonly token: Token;
  readonly issuer: CardIssuer;
}

/** What is kept while the card is set up, and wiped on each path. */
class Secrets {
  /** The PIN that the card has. */
  current: { readonly pin: Pin; readonly consent: TryConsent } | null = null;
  /** The one that it is to have; null: it stays. */
  next: Pin | null = null;
  /** Shown already; null: it stays. */
  puk: Pin | null = null;

  wipe(): void {
    this.current?.pin.wipe();
    this.next?.wipe();
    this.puk?.wipe();
  }
}

/** What a pairing would refuse is refused before the card is touched. */
function requirePolicy(
  account: Account,
  { key }: SetupWish,
  peer: PeerCredentials,
  parts: PairingParts,
): void {
  const policy = parts.policy();
  if (peer.uid !== 0 && !mayPair(policy, peer.uid, account.uid))
    throw new AgentError('not-allowed', { detail: 'pairing.users_may_pair' });
  const rule = refusesPairing(policy, key.algorithm, parts.pairings.forUser(account.name).length);
  if (rule === 'pairing.one_card_per_user') throw new AgentError('not-allowed', { detail: rule });
  if (rule !== null) throw new AgentError('weak-key', { say: tooWeak(rule) });
}

async function cardToSetUp({ token: id, reader }: SetupWish, parts: PairingParts): Promise<Token> {
  const present = await parts.tokens.present(CARD_READING_MS);
  const named = present.filter(
    (token) =>
      (id === null || token.id === id) && (reader === null || printable(token.slot.reader) === reader),
  );
  const [token, ...others] = named;
  if (token === undefined) {
    if (present.length > 0 && reader !== null)
      throw new AgentError('invalid-argument', { say: say.NO_SUCH_READER });
    throw parts.tokens.unread?.() ?? new AgentError('no-card');
  }
  if (others.length > 0) throw new AgentError('invalid-argument', { say: say.SEVERAL_CARDS });
  requireReader(parts.policy(), token);
  return token;
}

/** @throws AgentError `cannot-set-up` */
function requireIssuer(token: Token, { pairings }: PairingParts): CardIssuer {
  if (token.issuer === undefined)
    throw new AgentError('cannot-set-up', { say: say.CANNOT_SET_UP.driver(printable(token.driver, 60)) });
  // PC/SC part 10 has FEATURE_MODIFY_PIN for that; the pads are used for VERIFY only.
  if (token.pins[0].entry === 'reader')
    throw new AgentError('cannot-set-up', { say: say.CANNOT_SET_UP.pinPad });
  // One without a certificate looks like what an unfinished setup left.
  const bare = token.identities.filter(({ certificate }) => certificate === null);
  if (bare.some(({ publicKey }) => ownersOf(publicKey, pairings).length > 0))
    throw new AgentError('cannot-set-up', { say: say.CANNOT_SET_UP.paired });
  return token.issuer;
}

/** @throws AgentError `cannot-set-up` */
async function lookAt(issuer: CardIssuer): Promise<SetupLook> {
  const look = await issuer.look();
  if (look === null) throw new AgentError('cannot-set-up', { say: say.CANNOT_SET_UP.instructions });
  if (look.inUse.length > 0)
    throw new AgentError('cannot-set-up', { say: say.CANNOT_SET_UP.inUse(look.inUse) });
  requireAllTries('PIN', look.pin);
  if (look.secrets.puk !== false) requireAllTries('PUK', look.puk);
  return look;
}

/** A key that a pairing would refuse for what its maker will say of it is not made. @throws AgentError `cannot-set-up` */
function requireAttestable({ firmware, serial }: CardLook, key: NewKey, { attestation }: Policy): void {
  const { pinPolicy, touchPolicy } = key;
  const found = permitAttestation(attestation, { fault: null, pinPolicy, touchPolicy, firmware, serial });
  if (!found.permitted)
    throw new AgentError('cannot-set-up', { say: say.CANNOT_SET_UP.attestation(found.why, found.rule) });
}

/** Somebody has tried, and what the card says of its secrets may not be so. */
function requireAllTries(secret: 'PIN' | 'PUK', { triesLeft, triesTotal }: PinState): void {
  const total = triesTotal ?? USUAL_TRIES;
  if (triesLeft !== null && triesLeft < total)
    throw new AgentError('cannot-set-up', { say: say.CANNOT_SET_UP.tries(secret, triesLeft, total) });
}

/** Asks for what is wanted, and does it; what the card does not take is asked for again. */
async function issue(first: SetupLook, secrets: Secrets, setting: Setting): Promise<Issued> {
  const { issuer, person, account, wish } = setting;
  await askSecrets(first, secrets, setting);
  person.tell('information', say.WORKING);
  let look = first;
  for (let round = 1; ; round += 1) {
    const { current, next, puk } = secrets;
    if (current === null) throw new AgentError('internal', { detail: 'no PIN was asked for' });
    try {
      return await current.consent.send(current.pin.copy(), ({ pin, permit }) => {
        if (pin === null) throw new AgentError('internal', { detail: 'the PIN came from nowhere' });
        return look.issue({
          pin: { pin, permit },
          nextPin: next?.copy() ?? null,
          nextPuk: look.secrets.puk === false ? null : (puk?.copy() ?? null),
          key: wish.key,
          holder: printable(wish.holder ?? account.fullName ?? account.name, 64),
          wantsRequest: wish.wantsRequest,
          beforeTouch: () => {
            person.tell('information', say.TOUCH_NOW);
          },
        });
      });
    } catch (error) {
      if (round === MOST_ROUNDS || !(await askAgain(error, secrets, setting))) throw error;
    }
    // What was done is done: the card goes on from there.
    const now = await issuer.look();
    if (now === null) throw new AgentError('card-changed');
    look = now;
  }
}

/** The two questions: the PIN that the card is to have, or the one that it has; and the PUK is shown. */
async function askSecrets(look: CardLook, secrets: Secrets, setting: Setting): Promise<void> {
  const { person, token } = setting;
  if (look.secrets.pin === false) await askCurrent(secrets, setting);
  else {
    secrets.next = await askNext(setting);
    const pin = new Pin(Buffer.from(FACTORY_PIN));
    secrets.current = { pin, consent: tryConsent(token, setting) };
  }
  if (look.secrets.puk === false) {
    person.tell('information', say.PUK_STAYS);
    return;
  }
  secrets.puk = await showNewPuk(person);
}

async function askCurrent(secrets: Secrets, setting: Setting): Promise<void> {
  setting.person.tell('information', say.PIN_IS_SET);
  const { pin, consent } = await askCardPin(setting.token, setting);
  if (pin === null) throw new AgentError('internal', { detail: 'the PIN came from nowhere' });
  secrets.current?.pin.wipe();
  secrets.current = { pin, consent };
}

function askNext({ person, token, parts }: Setting): Promise<Pin> {
  return askStrongPin(person, token, parts.policy(), promptName(parts.policy(), token));
}

/** @returns whether the person has given what the card wants instead */
async function askAgain(error: unknown, secrets: Secrets, setting: Setting): Promise<boolean> {
  const { code } = asAgentError(error);
  if (secrets.next === null) return false;
  if (code === 'pin-malformed') {
    setting.person.tell('error', say.TOO_SIMPLE);
    secrets.next.wipe();
    secrets.next = await askNext(setting);
    return true;
  }
  if (code !== 'wrong-pin') return false;
  // It does not say whether its PIN is the factory's, or not rightly.
  secrets.next.wipe();
  secrets.next = null;
  await askCurrent(secrets, setting);
  return true;
}

/** Only a PUK that is known here can be left with anybody. */
async function enrol(
  { publicKey }: Issued,
  { puk }: Secrets,
  { account, wish, parts }: Setting,
): Promise<Buffer | null> {
  const { officer } = wish;
  if (officer === null || puk === null || !canSealTo(officer)) return null;
  return parts.helpDesk.enrol(account.name, publicKey.pkhh, puk, officer);
}

/** With the PIN that was typed a moment ago. */
async function pair(
  { publicKey: { pkhh } }: Issued,
  { current, next }: Secrets,
  setting: Setting,
): Promise<Pairing> {
  const { account, wish, peer, person, parts } = setting;
  try {
    if (peer.uid === 0) return await pairForUser(account.name, { kind: 'hash', pkhh }, peer, parts);
    return await pairOwnCard(account, pkhh, setting, wish.keyring, next ?? current?.pin ?? null);
  } catch (error) {
    person.tell('error', say.NOT_PAIRED_YET);
    throw error;
  }
}
