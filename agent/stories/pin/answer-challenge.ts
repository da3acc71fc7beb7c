// The story of `sc_auth answer-challenge`, at a help desk: the officer's card opens its part of somebody's card, and what
// comes of that and a challenge is shown. Neither the part nor anything that serves for another challenge leaves this process.

import { AgentError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import type { SecretBuffer } from '../../base/secret.ts';
import type { Account } from '../../model/account.ts';
import { answerTo, type DeskBinding } from '../../model/secret/help-desk.ts';
import type { Pkhh } from '../../model/key/key.ts';
import type { Username } from '../../model/request.ts';
import { cardInputOf, openSealed } from '../../model/secret/sealed-secret.ts';
import type { Identity } from '../../model/card/token.ts';
import type { OpenCard, Token } from '../../token/interface.ts';
import { ANSWER_TEXT, NO_SUCH_CHALLENGE } from '../../words/help-desk.ts';
import { auditedPinUse } from '../card/audited-failure.ts';
import type { Asked } from '../card/conversation.ts';
import { proveCard } from '../card/prove-card.ts';
import { wholeTokens } from '../card/find/whole-tokens.ts';
import type { PinParts } from './change-pin.ts';

const SERVICE = 'help-desk';

/** What a setup has left with the officer. */
export interface DeskPart {
  readonly hostId: Buffer;
  readonly user: Username;
  readonly pkhh: Pkhh;
  /** The officer's key that it is sealed to. */
  readonly recipient: Pkhh;
  readonly sealed: Buffer;
}

interface OfficerCard {
  readonly token: Token;
  /** Opens the part. */
  readonly opens: Identity;
  /** Proves the card. */
  readonly signs: Identity;
}

/** @throws AgentError `no-identity` */
async function officerCard(recipient: Pkhh, { tokens }: PinParts): Promise<OfficerCard> {
  for (const token of await wholeTokens(tokens)) {
    const opens = token.identities.find(({ publicKey }) => publicKey.pkhh === recipient);
    const signs = token.identities.find(({ use }) => use === 'authentication');
    if (opens !== undefined && signs !== undefined && token.canAgree?.(opens) === true)
      return { token, opens, signs };
  }
  throw new AgentError('no-identity', { detail: `no card opens what is sealed to ${recipient}` });
}

/** @throws AgentError `invalid-argument` for what is no challenge */
function answered(challenge: Pin, seed: Uint8Array, binding: DeskBinding): Pin {
  try {
    return answerTo(challenge, seed, binding);
  } catch (cause) {
    throw new AgentError('invalid-argument', { say: NO_SUCH_CHALLENGE, cause });
  }
}

/**
 * @param challenge as it was read aloud; wiped
 * @returns whether the answer was seen
 * @throws AgentError `no-identity`, `invalid-argument` (no challenge), `malformed` (not sealed to this card, or for another machine or
 * card), those of proveCard
 */
export async function answerChallenge(
  account: Account,
  { hostId, user, pkhh, recipient, sealed }: DeskPart,
  challenge: Pin,
  asked: Asked<PinParts>,
): Promise<boolean> {
  const { token, opens, signs } = await officerCard(recipient, asked.parts);
  const input = cardInputOf(sealed, opens.publicKey);
  const binding = { hostId, user, pkhh };
  let agreed: SecretBuffer | null = null;
  const rider = {
    tryCard: async (card: OpenCard): Promise<void> => {
      agreed = await card.agree(opens, input);
    },
  };
  const use = { user: account.name, service: SERVICE };
  try {
    await auditedPinUse({ kind: 'pin-checked' }, token, asked, () =>
      proveCard(use, { token, identity: signs }, signs, asked, rider),
    );
    const opened = agreed as SecretBuffer | null;
    if (opened === null) throw new AgentError('card-fault', { detail: 'the card has opened nothing' });
    const seed = openSealed(sealed, opens.publicKey, opened.bytes, { ...binding, what: 'help desk seed' });
    try {
      const answer = seed.peek((bytes) => answered(challenge, bytes, binding));
      try {
        return (await asked.person.show?.(ANSWER_TEXT, answer)) === true;
      } finally {
        answer.wipe();
      }
    } finally {
      seed.wipe();
    }
  } finally {
    challenge.wipe();
    (agreed as SecretBuffer | null)?.release();
  }
}
