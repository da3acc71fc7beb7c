// The methods of io.scauth about login keyrings: which cards open them, and that they no longer do. Enabling is a
// conversation (card-stories.ts).

import { printable } from '../../base/errors.ts';
import { auditedKey } from '../../stories/card/audited-key.ts';
import type { KeyringParts } from '../../stories/card/keyring-parts.ts';
import type { KeptSecret } from '../../model/secret/keyring.ts';
import { parsePkhh } from '../../model/key/key.ts';
import type { WireKeyringCard } from '../../protocol/io-scauth.ts';
import { userInScope } from './caller.ts';
import type { Run } from './method-parts.ts';

/** Whether the password is another one than it was when it was sealed; null: not known here. */
async function passwordChanged(kept: KeptSecret, { passwordMark }: KeyringParts): Promise<boolean | null> {
  const now = await passwordMark(kept.user);
  return kept.passwordMark === null || now === null ? null : !now.equals(kept.passwordMark);
}

/** @throws AgentError `store-unreadable` */
export const getKeyring: Run<'GetKeyring'> = async (
  { user: asked },
  peer,
  { policy, pairings, keyring, accounts },
) => {
  const user = await userInScope(peer, asked, accounts);
  const { allowed, services } = policy().keyring;
  const kept = keyring.table.secretsOf(user);
  const cards: WireKeyringCard[] = [];
  for (const { pkhh, label, tokenId } of pairings.forUser(user)) {
    const secret = kept.find((one) => one.pkhh === pkhh);
    cards.push({
      hash: pkhh,
      label: printable(label, 300),
      token: tokenId,
      enabled: secret !== undefined,
      sealedAt: secret === undefined ? null : new Date(secret.sealedAtMs).toISOString(),
      passwordChanged: secret === undefined ? null : await passwordChanged(secret, keyring),
    });
  }
  return { user, allowed, pam: keyring.pamOpensKeyrings(), services, cards };
};

/**
 * Forgets what is sealed for one pairing, or for all of the user's, and names those that had something.
 * @throws AgentError `store-unreadable`, and what the audit log throws
 */
export const disableKeyring: Run<'DisableKeyring'> = async (
  { user: asked, hash },
  actor,
  { pairings, keyring, audit, accounts },
) => {
  const user = await userInScope(actor, asked, accounts);
  const gone = keyring.table.dropSecrets(user, hash === null ? null : parsePkhh(hash));
  for (const pkhh of gone) {
    const tokenId = pairings.forUser(user).find((pairing) => pairing.pkhh === pkhh)?.tokenId ?? null;
    const key = auditedKey(pkhh, tokenId, null);
    await audit.record({ kind: 'keyring', action: 'disabled', user, actor, key, detail: null });
  }
  return { disabled: gone };
};
