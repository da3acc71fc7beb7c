// What a person shows to be the holder of a card outside of a login: the PIN, as their explicit wish, and a signature by the
// card. Used at pairing and by what sc_auth does with a card.

import { assertNever } from '../../base/assert.ts';
import { AgentError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import { Challenge } from '../../model/challenge.ts';
import type { PublicKey } from '../../model/key/key.ts';
import { verifyProof, type Proof } from '../../model/proof.ts';
import type { PeerCredentials, Username } from '../../model/request.ts';
import type { Identity } from '../../model/card/token.ts';
import type { PairingTable } from '../../store/interface.ts';
import type { OpenCard, Token } from '../../token/interface.ts';
import { permitReader } from '../../../policy/permit-reader.ts';
import type { Policy } from '../../../policy/policy.ts';
import { askPin, pinOf } from './ask-pin/ask-pin.ts';
import type { Conversation } from './conversation.ts';
import type { OnCard } from './find/find-identity.ts';
import type { Rider } from './rider.ts';
import { promptName } from './pin-prompt.ts';
import { TryConsent } from './ask-pin/last-try.ts';
import { maySpendLast, type OwnerParts } from './ask-pin/whose-tries.ts';
import { touchText } from '../../words/login.ts';
import { consentPrompt } from '../../words/pin-tries.ts';

export interface ProvingParts extends OwnerParts {
  readonly pairings: Pick<PairingTable, 'hostId' | 'forKey'>;
}

/** Asks for a secret that must not be empty. @throws AgentError `cancelled` */
export async function askSecret(person: Conversation, text: string): Promise<Pin> {
  const typed = await person.ask(text, false);
  if (typed === null) throw new AgentError('cancelled');
  if (!typed.isEmpty) return typed;
  typed.wipe();
  throw new AgentError('cancelled', { detail: 'nothing was typed' });
}

/** @throws AgentError `contactless` where the card is not to be used through the reader that it is in */
export function requireReader(policy: Policy, { slot }: Token): void {
  if (!permitReader(policy, slot)) throw new AgentError('contactless', { detail: 'reader.contactless' });
}

/** A PIN that was asked for, and the way to send it. */
export interface CardPinTry {
  /** null: it is typed on the reader. */
  readonly pin: Pin | null;
  readonly consent: TryConsent;
}

/** Whether a try of this card's PIN may be used, outside of a login. */
export function tryConsent(
  person: Conversation,
  actor: PeerCredentials,
  parts: OwnerParts,
  token: Token,
): TryConsent {
  return new TryConsent({
    ...{ person, policy: parts.policy, secret: 'PIN' },
    question: (now) => consentPrompt(now, 'stop'),
    mine: () => maySpendLast(token, actor.uid, parts),
  });
}

/**
 * Asks for the PIN of a card, as the person's explicit wish: the last try is spent only after a yes, and only by whose
 * card it is.
 * @param identity the key that is to be used with it; null: none
 * @throws AgentError `contactless`, `cancelled`, `pin-blocked`, `pin-reserve`, `pin-not-yours`, `pin-malformed`, and those
 * of Token.pinState
 */
export async function askCardPin(
  person: Conversation,
  actor: PeerCredentials,
  parts: OwnerParts,
  token: Token,
  identity: Identity | null = null,
): Promise<CardPinTry> {
  requireReader(parts.policy(), token);
  const consent = tryConsent(person, actor, parts, token);
  const answer = await askPin({
    ...{ person, consent, token, refused: null, cueBy: 'information', words: 'sentence' },
    label: promptName(parts.policy(), token, identity ?? undefined),
    cardPin: identity === null ? token.pins[0] : pinOf(token, identity),
    touch: identity?.touch ?? null,
  });
  switch (answer.kind) {
    case 'pin':
      return { pin: answer.pin, consent };
    case 'on-reader':
      return { pin: null, consent };
    case 'not-a-pin': {
      const { isEmpty } = answer.typed;
      answer.typed.wipe();
      throw new AgentError(isEmpty ? 'cancelled' : 'pin-malformed');
    }
    default:
      return assertNever(answer);
  }
}

/**
 * The card signs for a key, and shows what rides along, if anything does.
 * @param paired the key that counts; null: only its hash is known, and the one on the card has to do
 * @param inHand the PIN, which the person has typed a moment ago and which stays the caller's; null: it is asked for
 * @throws AgentError as askCardPin, Token.prove and verifyProof
 */
export async function proveCard(
  {
    user,
    service,
    actor,
  }: { readonly user: Username; readonly service: string; readonly actor: PeerCredentials },
  { token, identity }: OnCard,
  { publicKey: paired }: { readonly publicKey: PublicKey | null },
  person: Conversation,
  parts: ProvingParts,
  rider: Pick<Rider, 'tryCard'> | null,
  inHand: Pin | null = null,
): Promise<void> {
  const { pin, consent } =
    inHand === null
      ? await askCardPin(person, actor, parts, token, identity)
      : { pin: inHand.copy(), consent: tryConsent(person, actor, parts, token) };
  try {
    const hostId = parts.pairings.hostId();
    const challenge = Challenge.create({ purpose: 'pairing', hostId, user, service });
    const key = paired ?? identity.publicKey;
    const cue = touchText(identity.touch);
    if (cue !== null) person.tell('information', cue);
    const ride = async (early: Proof, card: OpenCard): Promise<void> => {
      verifyProof(challenge, early, key);
      await rider?.tryCard(card, person);
    };
    const whileOpen = rider === null ? undefined : ride;
    const { proof, released } = await consent.send(pin, (attempt) =>
      token.prove(identity, challenge, attempt, person.gone, whileOpen),
    );
    verifyProof(challenge, proof, key);
    await released;
  } finally {
    pin?.wipe();
  }
}
