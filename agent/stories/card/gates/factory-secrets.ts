// A card whose PIN or PUK is the factory's: whoever finds it can log in with it. Asked at pairing; and at a login by a pairing
// that was made without the card (from a hash, a certificate or by [mapping]), since nobody has looked at it before.

import { AgentError, asAgentError } from '../../../base/errors.ts';
import { UNKNOWN_SECRETS, type FactorySecrets } from '../../../model/card/factory-secrets.ts';
import type { Pairing } from '../../../model/pairing.ts';
import type { Token } from '../../../token/interface.ts';
import { factorySecretsText, PUK_NOT_TOLD } from '../../../words/factory-secrets.ts';
import { permitFactorySecrets } from '../../../../policy/permit-factory-secrets.ts';
import type { Policy } from '../../../../policy/policy.ts';
import { isMapped } from '../find/mapped-card.ts';

type Asked = Pick<Token, 'factorySecrets' | 'askFactorySecrets' | 'unblockPin'>;

/** What the card says now, or what its driver has seen. @throws AgentError what a card throws */
async function secretsOf(token: Asked): Promise<FactorySecrets> {
  return (await token.askFactorySecrets?.()) ?? token.factorySecrets;
}

/**
 * For pairing.
 * @returns a warning for the person, where the policy lets such a card be paired, or the card does not tell; null: there is none
 * @throws AgentError `factory-secrets`, and what a card throws
 */
export async function requireOwnSecrets(policy: Policy, token: Asked): Promise<string | null> {
  let secrets: FactorySecrets;
  try {
    secrets = await secretsOf(token);
  } catch (error) {
    // Metadata that make no sense are the same as none.
    if (asAgentError(error).code !== 'malformed') throw error;
    secrets = UNKNOWN_SECRETS;
  }
  const text = factorySecretsText(secrets);
  const found = permitFactorySecrets(policy, secrets);
  if (!found.permitted) throw new AgentError('factory-secrets', { say: text ?? '', detail: found.rule });
  if (found.warn) return text;
  return secrets.puk === null && token.unblockPin !== undefined ? PUK_NOT_TOLD : null;
}

/** Whether a login is refused for them; known without asking the card. */
export function refusesFactorySecrets(policy: Policy, token: Asked, pairing: Pairing): boolean {
  const seenWhenPaired = pairing.tokenId !== null && !isMapped(pairing);
  return !seenWhenPaired && !permitFactorySecrets(policy, token.factorySecrets).permitted;
}
