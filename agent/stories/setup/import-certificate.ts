// The story of `sc_auth import-certificate`: which key is it for → PIN → card. What an authority made of the request of
// `sc_auth setup --csr` takes the place of the certificate that the key has.

import { AgentError } from '../../base/errors.ts';
import { sameKey, type Certificate } from '../../model/key/key.ts';
import type { TokenId } from '../../model/card/token.ts';
import { CARD_READING_MS, type CardIssuer, type Token } from '../../token/interface.ts';
import { auditedPinUse } from '../card/audited-failure.ts';
import type { Asked } from '../card/conversation.ts';
import { type OnCard } from '../card/find/find-identity.ts';
import { askCardPin } from '../card/prove-card.ts';
import type { PairingParts } from '../pair/pair.ts';

/**
 * @param id null: whichever card has the key
 * @returns the key whose certificate it is now
 * @throws AgentError `no-card`, `no-identity` (the certificate is for a key that is on no card here), `not-supported`, and those of askCardPin and
 * CardIssuer.putCertificate
 */
export async function importCertificate(
  certificate: Certificate,
  id: TokenId | null,
  asked: Asked<PairingParts>,
): Promise<OnCard> {
  const { parts } = asked;
  const card = await cardWithKey(certificate, id, parts);
  const { token, identity } = card;
  const put = await wayOnto(token);
  await auditedPinUse({ kind: 'pin-checked' }, token, asked, async () => {
    const { pin, consent } = await askCardPin(token, asked);
    await consent.send(pin, (attempt) => put(identity, certificate, attempt));
  });
  await parts.tokens.readAgain?.(token, CARD_READING_MS);
  return card;
}

/** Known before anybody is asked for a PIN. @throws AgentError `not-supported` */
async function wayOnto({ issuer, keys, driver }: Token): Promise<CardIssuer['putCertificate']> {
  if (issuer !== undefined && (await issuer.look()) !== null)
    return (identity, certificate, pin) => issuer.putCertificate(identity, certificate, pin);
  if (keys !== undefined) return (identity, { der }, pin) => keys.putCertificate(identity, der, pin);
  throw new AgentError('not-supported', { detail: driver });
}

async function cardWithKey(
  { publicKey }: Certificate,
  id: TokenId | null,
  { tokens }: PairingParts,
): Promise<OnCard> {
  const present = await tokens.present(CARD_READING_MS);
  if (present.length === 0) throw tokens.unread?.() ?? new AgentError('no-card');
  for (const token of present)
    for (const identity of token.identities)
      if ((id === null || token.id === id) && sameKey(identity.publicKey, publicKey))
        return { token, identity };
  throw new AgentError('no-identity', { detail: `no card has the key ${publicKey.pkhh} of the certificate` });
}
