// What a person shows to be the holder of a card outside of a login: the PIN, as their explicit wish, and a signature by the
// card. Used at pairing and by what sc_auth does with a card.

import { assertNever } from '../../base/assert.ts';
import { AgentError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import { Challenge } from '../../model/challenge.ts';
import type { PublicKey } from '../../model/key/key.ts';
import { verifyProof, type Proof } from '../../model/proof.ts';
import type { Username } from '../../model/request.ts';
import type { Identity } from '../../model/card/token.ts';
import type { PairingTable } from '../../store/interface.ts';
import type { Token, WhileOpen } from '../../token/interface.ts';
import { permitReader } from '../../../policy/permit-reader.ts';
import type { Policy } from '../../../policy/policy.ts';
import { askPin, pinOf } from './ask-pin/ask-pin.ts';
import type { Asked, Conversation } from './conversation.ts';
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
export function tryConsent(token: Token, { peer, person, parts }: Asked<OwnerParts>): TryConsent {
  return new TryConsent({
    ...{ person, policy: parts.policy, secret: 'PIN' },
    question: (now) => consentPrompt(now, 'stop'),
    mine: () => maySpendLast(token, peer.uid, parts),
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
  token: Token,
  asked: Asked<OwnerParts>,
  identity: Identity | null = null,
): Promise<CardPinTry> {
  const { person, parts } = asked;
  requireReader(parts.policy(), token);
  const consent = tryConsent(token, asked);
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
 * The card signs, once the person knows that it waits for a touch.
 * @param paired the key that counts; null: only its hash is known, and the one on the card has to do
 * @returns the proof, verified, with the card let go of
 * @throws AgentError as Token.prove and verifyProof
 */
export async function proofBy(
  { token, identity }: OnCard,
  challenge: Challenge,
  paired: PublicKey | null,
  { pin, consent }: CardPinTry,
  person: Conversation,
  whileOpen?: WhileOpen,
): Promise<{ readonly proof: Proof; readonly key: PublicKey }> {
  const cue = touchText(identity.touch);
  if (cue !== null) person.tell('information', cue);
  const { proof, released } = await consent.send(pin, (attempt) =>
    token.prove(identity, challenge, attempt, person.gone, whileOpen),
  );
  const { key } = verifyProof(challenge, proof, paired ?? identity.publicKey);
  await released;
  return { proof, key };
}

/**
 * The card signs for a key, and shows what rides along, if anything does.
 * @param paired the key that counts; null: only its hash is known, and the one on the card has to do
 * @param inHand the PIN, which the person has typed a moment ago and which stays the caller's; null: it is asked for
 * @throws AgentError as askCardPin, Token.prove and verifyProof
 */
export async function proveCard(
  { user, service }: { readonly user: Username; readonly service: string },
  card: OnCard,
  { publicKey: paired }: { readonly publicKey: PublicKey | null },
  asked: Asked<ProvingParts>,
  rider: Pick<Rider, 'tryCard'> | null,
  inHand: Pin | null = null,
): Promise<void> {
  const { token, identity } = card;
  const { person, parts } = asked;
  const typed =
    inHand === null
      ? await askCardPin(token, asked, identity)
      : { pin: inHand.copy(), consent: tryConsent(token, asked) };
  try {
    const hostId = parts.pairings.hostId();
    const challenge = Challenge.create({ purpose: 'pairing', hostId, user, service });
    const ride: WhileOpen = async (early, open) => {
      verifyProof(challenge, early, paired ?? identity.publicKey);
      await rider?.tryCard(open, person);
    };
    await proofBy(card, challenge, paired, typed, person, rider === null ? undefined : ride);
  } finally {
    typed.pin?.wipe();
  }
}
