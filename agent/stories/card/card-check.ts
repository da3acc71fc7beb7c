// The card's identity before the PIN: when a card goes in, its own key (9E) signs a challenge of ours, and the pairing
// says which key that must be. A copy of somebody's certificates, put in to catch a PIN, gets none.
// What was shown holds for one insertion: each makes a token of its own.

import { AgentError, asAgentError } from '../../base/errors.ts';
import { CARD_KEY_UNASKED, type CardKeyProof } from '../../model/card/card-key.ts';
import { Challenge } from '../../model/challenge.ts';
import type { Pairing } from '../../model/pairing.ts';
import { verifyProof } from '../../model/proof.ts';
import type { CardKeyCheck, Token } from '../../token/interface.ts';
import { permitCard, type CardPermission } from '../../../policy/permit-card.ts';
import type { Policy } from '../../../policy/policy.ts';

/** @param hostId names this machine in the challenge; where it cannot be read no card is asked */
export function cardKeyCheck(hostId: () => Buffer): CardKeyCheck {
  return {
    begin() {
      let challenge: Challenge;
      try {
        challenge = Challenge.create({ purpose: 'card', hostId: hostId(), user: '', service: 'scauth' });
      } catch {
        return null;
      }
      return {
        challenge,
        conclude(key, proof): CardKeyProof {
          try {
            return { kind: 'proven', key: verifyProof(challenge, proof, key).key };
          } catch (error) {
            return { kind: 'failed', key, detail: asAgentError(error).detail };
          }
        },
      };
    },
  };
}

/** What the card has proved of itself; a driver that does not ask leaves it unknown. */
function cardKeyOf({ cardProof }: Pick<Token, 'cardProof'>): CardKeyProof {
  return cardProof ?? CARD_KEY_UNASKED;
}

/** The SPKI to keep with a pairing: only of a key that the card has proved. */
export function provenCardKey(token: Pick<Token, 'cardProof'>): Buffer | null {
  const proof = cardKeyOf(token);
  return proof.kind === 'proven' ? proof.key.spki : null;
}

/** Whether a PIN may go to this card. @param pairing null: it is being paired */
export function checkCard(
  policy: Policy,
  token: Pick<Token, 'cardProof'>,
  pairing: Pick<Pairing, 'cardKey'> | null,
): CardPermission {
  return permitCard(policy, { paired: pairing?.cardKey ?? null, shown: cardKeyOf(token) });
}

/** @throws AgentError `card-suspect`, `card-unchecked` */
export function requireCard(
  policy: Policy,
  token: Pick<Token, 'cardProof'>,
  pairing: Pick<Pairing, 'cardKey'> | null,
): void {
  const found = checkCard(policy, token, pairing);
  if (!found.permitted) throw new AgentError(found.reason, { detail: `${found.rule}: ${found.why}` });
}
