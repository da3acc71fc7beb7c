// The account's password has just changed (PAM's chauthtok, after the module that changed it): what cards open is sealed
// anew. The public keys are enough, so no card need be in. Never stops a change of password.

import { describeError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { AuditLog } from '../../audit/interface.ts';
import { sealSecret } from '../../model/secret/sealed-secret.ts';
import type { AuthRequest } from '../../model/request.ts';
import type { PairingTable } from '../../store/interface.ts';
import { auditedKey } from '../card/audited-key.ts';
import type { Conversation } from '../card/conversation.ts';
import { bindingOf, type KeyringParts } from '../card/keyring-parts.ts';
import { keyringText } from '../../words/keyring.ts';

export interface ResealParts {
  readonly pairings: Pick<PairingTable, 'hostId' | 'forUser'>;
  readonly keyring: KeyringParts;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** Only root changes passwords (passwd is setuid): anybody else could have any text sealed. Never rejects. */
export async function passwordChanged(
  { id, user, peer }: AuthRequest,
  person: Conversation,
  parts: ResealParts,
): Promise<void> {
  const { keyring, pairings, audit, clock } = parts;
  if (user === null || peer.uid !== 0) return;
  try {
    const kept = keyring.table.secretsOf(user);
    // Nothing is taken that there is no use for.
    if (kept.length === 0) return;
    const password = (await person.takeNewPassword?.()) ?? null;
    if (password === null) throw new Error('the new password was not handed over: is pam_unix before us?');
    try {
      const passwordMark = await keyring.passwordMark(user);
      const hostId = pairings.hostId();
      for (const { pkhh, key } of kept) {
        const sealed = password.peek((bytes) => sealSecret(bytes, key, bindingOf({ user, pkhh }, hostId)));
        keyring.table.keepSecret({ user, pkhh, key, sealed, passwordMark, sealedAtMs: clock.nowMs() });
      }
    } finally {
      password.wipe();
    }
    for (const { pkhh } of kept) {
      const tokenId = pairings.forUser(user).find((pairing) => pairing.pkhh === pkhh)?.tokenId ?? null;
      const key = auditedKey(pkhh, tokenId, null);
      await audit.record({ kind: 'keyring', action: 'resealed', user, actor: peer, key, detail: null });
    }
    person.tell('information', keyringText.resealed);
  } catch (error) {
    parts.log(`${id}: the keyring was not sealed anew: ${describeError(error)}`);
    person.tell('error', keyringText['not-resealed']);
  }
}
