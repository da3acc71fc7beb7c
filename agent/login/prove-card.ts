// What a person shows to be the holder of a card outside of a login: the PIN, as their explicit wish, and a signature by the
// card. Used at pairing and by what sc_auth does with a card.

import { assertNever } from '../base/assert.ts';
import { AgentError } from '../base/errors.ts';
import type { Pin } from '../base/pin.ts';
import { Challenge } from '../model/challenge.ts';
import type { PublicKey } from '../model/key.ts';
import { verifyProof, type Proof } from '../model/proof.ts';
import type { Username } from '../model/request.ts';
import type { Identity } from '../model/token.ts';
import type { PairingTable } from '../pairing/interface.ts';
import type { OpenCard, Token } from '../token/interface.ts';
import { permitReader } from '../../policy/permit-reader.ts';
import type { Policy } from '../../policy/policy.ts';
import { askPin, pinOf } from './ask-pin.ts';
import type { Conversation } from './conversation.ts';
import type { KeyringOffer } from './offer-keyring.ts';
import { touchText } from './wording.ts';

export interface ProvingParts {
  readonly policy: () => Policy;
  readonly pairings: Pick<PairingTable, 'hostId'>;
}

export interface OnCard {
  readonly token: Token;
  readonly identity: Identity;
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

/**
 * Asks for the PIN of a card, as the person's explicit wish: the last try is spent only after a yes.
 * @param identity the key that is to be used with it; null: none
 * @returns null where the person types it on the reader
 * @throws AgentError `contactless`, `cancelled`, `pin-blocked`, `pin-reserve`, `pin-malformed`, and those of
 * Token.pinState
 */
export async function askCardPin(
  person: Conversation,
  policy: Policy,
  token: Token,
  label: string,
  identity: Identity | null = null,
): Promise<Pin | null> {
  requireReader(policy, token);
  const answer = await askPin({
    person,
    policy,
    token,
    cardPin: identity === null ? token.pins[0] : pinOf(token, identity),
    label,
    touch: identity?.touch ?? null,
    refused: null,
    instead: 'stop',
    cueBy: 'information',
  });
  switch (answer.kind) {
    case 'pin':
      return answer.pin;
    case 'on-reader':
      return null;
    case 'cancelled':
      throw new AgentError('cancelled');
    case 'blocked':
      throw new AgentError('pin-blocked');
    case 'reserve':
      throw new AgentError('pin-reserve', { triesLeft: answer.triesLeft });
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
 * The card signs for a key, and shows whether it opens what is sealed to it, where that is wanted.
 * @param paired the key that counts; null: only its hash is known, and the one on the card has to do
 * @throws AgentError as askCardPin, Token.prove and verifyProof
 */
export async function proveCard(
  { user, service }: { readonly user: Username; readonly service: string },
  { token, identity }: OnCard,
  { publicKey: paired }: { readonly publicKey: PublicKey | null },
  person: Conversation,
  parts: ProvingParts,
  keyring: KeyringOffer | null,
): Promise<void> {
  const pin = await askCardPin(person, parts.policy(), token, identity.label, identity);
  try {
    const hostId = parts.pairings.hostId();
    const challenge = Challenge.create({ purpose: 'pairing', hostId, user, service });
    const key = paired ?? identity.publicKey;
    const cue = touchText(identity.touch);
    if (cue !== null) person.tell('information', cue);
    const tryKeyring = async (early: Proof, card: OpenCard): Promise<void> => {
      verifyProof(challenge, early, key);
      await keyring?.tryCard(card, person);
    };
    const whileOpen = keyring === null ? undefined : tryKeyring;
    const { proof, released } = await token.prove(identity, challenge, pin, person.gone, whileOpen);
    verifyProof(challenge, proof, key);
    await released;
  } finally {
    pin?.wipe();
  }
}
