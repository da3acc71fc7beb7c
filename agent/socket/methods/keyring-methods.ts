// The methods of io.scauth about login keyrings: which cards open them, and that they no longer do. Enabling is a
// conversation (card-stories.ts).

import { printable } from '../../base/errors.ts';
import { auditedKey } from '../../stories/card/audited-key.ts';
import type { KeyringParts } from '../../stories/card/keyring-parts.ts';
import type { KeyringWish } from '../../stories/card/rider.ts';
import type { PairingParts } from '../../stories/pair/pair.ts';
import type { KeptSecret } from '../../model/keyring.ts';
import type { Pkhh } from '../../model/key.ts';
import type { PeerCredentials, Username } from '../../model/request.ts';
import { InvalidParameter } from './parameters.ts';
import type { Methods, WireKeyringCard } from '../../protocol/io-scauth.ts';

export interface KeyringMethodParts extends Pick<PairingParts, 'policy' | 'pairings' | 'audit' | 'clock'> {
  /** Absent: cards open no keyrings here. */
  readonly keyring?: KeyringParts;
}

/** @throws InvalidParameter */
export function keyringWish({ keyring = null }: Readonly<Record<string, unknown>>): KeyringWish {
  if (keyring === null) return 'ask';
  if (keyring !== 'ask' && keyring !== 'yes' && keyring !== 'no') throw new InvalidParameter('keyring');
  return keyring;
}

/** Whether the password is another one than it was when it was sealed; null: not known here. */
async function passwordChanged(kept: KeptSecret, { passwordMark }: KeyringParts): Promise<boolean | null> {
  const now = await passwordMark(kept.user);
  return kept.passwordMark === null || now === null ? null : !now.equals(kept.passwordMark);
}

/** @throws AgentError `store-unreadable` */
export async function keyringOf(
  user: Username,
  { policy, pairings, keyring }: KeyringMethodParts,
): Promise<Methods['GetKeyring']['reply']> {
  const { allowed, services } = policy().keyring;
  const kept = keyring?.table.secretsOf(user) ?? [];
  const cards: WireKeyringCard[] = [];
  for (const { pkhh, label, tokenId } of pairings.forUser(user)) {
    const secret = kept.find((one) => one.pkhh === pkhh);
    cards.push({
      hash: pkhh,
      label: printable(label, 300),
      token: tokenId,
      enabled: secret !== undefined,
      sealedAt: secret === undefined ? null : new Date(secret.sealedAtMs).toISOString(),
      passwordChanged:
        secret === undefined || keyring === undefined ? null : await passwordChanged(secret, keyring),
    });
  }
  return { user, allowed, pam: keyring?.pamOpensKeyrings() ?? false, services, cards };
}

/**
 * Forgets what is sealed for one pairing, or for all of the user's.
 * @returns the hashes of the pairings that had something
 * @throws AgentError `store-unreadable`, and what the audit log throws
 */
export async function disableKeyring(
  user: Username,
  hash: Pkhh | null,
  actor: PeerCredentials,
  { pairings, keyring, audit }: KeyringMethodParts,
): Promise<Pkhh[]> {
  const gone = keyring?.table.dropSecrets(user, hash) ?? [];
  for (const pkhh of gone) {
    const tokenId = pairings.forUser(user).find((pairing) => pairing.pkhh === pkhh)?.tokenId ?? null;
    const key = auditedKey(pkhh, tokenId, null);
    await audit.record({ kind: 'keyring', action: 'disabled', user, actor, key, detail: null });
  }
  return gone;
}
