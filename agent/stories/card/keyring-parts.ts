// What the stories of the keyring need, and which key of a card a secret can be sealed to. Decides nothing.

import { canSealTo, type SealBinding } from '../../model/secret/sealed-secret.ts';
import type { PasswordMarks } from '../../model/secret/keyring.ts';
import type { Pairing } from '../../model/pairing.ts';
import type { Identity } from '../../model/card/token.ts';
import type { KeyringTable } from '../../store/interface.ts';
import type { Token } from '../../token/interface.ts';

export interface KeyringParts {
  readonly table: KeyringTable;
  readonly passwordMark: PasswordMarks;
  /** Whether any PAM stack of this machine opens keyrings. */
  readonly pamOpensKeyrings: () => boolean;
  /** Whether a module would ask for the password behind a login by card. */
  readonly pamAsksForPassword: () => boolean;
}

/** What is sealed for one pairing on this machine. */
export function bindingOf({ user, pkhh }: Pick<Pairing, 'user' | 'pkhh'>, hostId: Buffer): SealBinding {
  return { hostId, user, pkhh };
}

/** The key for key management that secrets are sealed to; null where the card or its driver has none. */
export function sealingKey(token: Token): Identity | null {
  if (token.canAgree === undefined) return null;
  return (
    token.identities.find(
      (identity) =>
        identity.use === 'key-management' &&
        canSealTo(identity.publicKey) &&
        token.canAgree?.(identity) === true,
    ) ?? null
  );
}
