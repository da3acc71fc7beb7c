// `sc_auth pair` with a card whose PIN or PUK is the factory's: both get values of its holder's own, on the spot. Keys and
// certificates stay as they are.

import { AgentError } from '../../base/errors.ts';
import { Pin } from '../../base/pin.ts';
import { FACTORY_PIN, FACTORY_PUK } from '../../model/card/issuing.ts';
import type { Pkhh } from '../../model/key/key.ts';
import { CARD_READING_MS, type Token } from '../../token/interface.ts';
import { pukConsentPrompt } from '../../words/pin-tries.ts';
import { SECRETS_ARE_OWN } from '../../words/setup.ts';
import { auditedPinUse } from '../card/audited-failure.ts';
import { chooseToken } from '../card/find/choose-token.ts';
import type { Asked } from '../card/conversation.ts';
import { TryConsent } from '../card/ask-pin/last-try.ts';
import { promptName } from '../card/pin-prompt.ts';
import { requireReader, tryConsent } from '../card/prove-card.ts';
import { maySpendLast } from '../card/ask-pin/whose-tries.ts';
import type { PairingParts } from '../pair/pair.ts';
import { askStrongPin, showNewPuk } from './new-secrets.ts';

/**
 * @param pkhh a key of the card; null: the only card that is in
 * @returns the token whose secrets are its own now
 * @throws AgentError `not-supported`, `cancelled`, `wrong-pin` and `wrong-puk` (the card has not told the truth), those of chooseToken
 */
export async function takeOwnSecrets(pkhh: Pkhh | null, asked: Asked<PairingParts>): Promise<Token> {
  const { person, parts } = asked;
  const token =
    pkhh === null ? await chooseToken({ id: null, user: null }, parts) : await tokenWithKey(pkhh, parts);
  requireReader(parts.policy(), token);
  const secrets = (await token.askFactorySecrets?.()) ?? token.factorySecrets;
  const change = (act: () => Promise<void>): Promise<void> =>
    auditedPinUse({ kind: 'pin-changed', how: 'changed' }, token, asked, act);
  if (secrets.pin !== true && secrets.puk !== true) person.tell('information', SECRETS_ARE_OWN);
  if (secrets.pin === true) await change(() => newPin(token, asked));
  if (secrets.puk === true) await change(() => newPuk(token, asked));
  return token;
}

async function tokenWithKey(pkhh: Pkhh, { tokens }: PairingParts): Promise<Token> {
  const present = await tokens.present(CARD_READING_MS);
  const token = present.find(({ identities }) => identities.some(({ publicKey }) => publicKey.pkhh === pkhh));
  if (token === undefined) throw new AgentError('no-identity', { detail: `no card has the key ${pkhh}` });
  return token;
}

async function newPin(token: Token, asked: Asked<PairingParts>): Promise<void> {
  const { person, parts } = asked;
  const changePin = token.changePin?.bind(token);
  if (changePin === undefined || token.pins[0].entry === 'reader')
    throw new AgentError('not-supported', { detail: token.driver });
  const next = await askStrongPin(person, token, parts.policy(), promptName(parts.policy(), token));
  try {
    const consent = tryConsent(token, asked);
    await consent.sendWith(new Pin(Buffer.from(FACTORY_PIN)), next, changePin);
  } finally {
    next.wipe();
  }
}

async function newPuk(token: Token, { peer, person, parts }: Asked<PairingParts>): Promise<void> {
  const changePuk = token.changePuk?.bind(token);
  if (changePuk === undefined) throw new AgentError('not-supported', { detail: token.driver });
  const consent = new TryConsent({
    ...{ person, policy: parts.policy, secret: 'PUK', question: pukConsentPrompt },
    mine: () => maySpendLast(token, peer.uid, parts),
  });
  const next = await showNewPuk(person);
  try {
    await consent.sendWith(new Pin(Buffer.from(FACTORY_PUK)), next, changePuk);
  } finally {
    next.wipe();
  }
}
