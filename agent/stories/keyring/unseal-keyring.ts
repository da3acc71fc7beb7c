// The keyring's secret in a login: the card's part in the transaction of the proof, the rest when the login is granted
// and recorded. Whatever fails here leaves the login as it is and tells the person what to do.

import { describeError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import type { SecretBuffer } from '../../base/secret.ts';
import { cardInputOf, openSealed } from '../../model/secret/sealed-secret.ts';
import { sameKey } from '../../model/key/key.ts';
import type { KeptSecret } from '../../model/secret/keyring.ts';
import type { Pairing } from '../../model/pairing.ts';
import type { AuthRequest } from '../../model/request.ts';
import type { OpenCard, Token, WhileOpen } from '../../token/interface.ts';
import type { Proof } from '../../model/proof.ts';
import { mayOpenKeyring } from '../../../policy/permit-keyring.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { Conversation } from '../card/conversation.ts';
import { bindingOf, type KeyringParts } from '../card/keyring-parts.ts';
import { isMapped } from '../card/find/mapped-card.ts';
import { keyringText } from '../../words/keyring.ts';
import { touchText } from '../../words/login.ts';

export interface ReleaseScene {
  readonly request: AuthRequest;
  readonly policy: Policy;
  readonly pairing: Pairing;
  readonly token: Token;
  readonly person: Conversation;
  readonly hostId: () => Buffer;
  readonly log: (line: string) => void;
}

/** How it ended; whoever gets a secret wipes it. */
export interface Released {
  readonly secret: Pin | null;
  /** What the person has to know; null: nothing. */
  readonly text: string | null;
  /** For the audit log. */
  readonly detail: string | null;
}

/** @returns null where nothing is kept for this login: then nothing more is asked of the card */
export function releaseKeyring(scene: ReleaseScene, parts: KeyringParts | undefined): KeyringRelease | null {
  const { request, policy, pairing } = scene;
  if (parts === undefined || !mayOpenKeyring(policy, request) || isMapped(pairing)) return null;
  try {
    const kept = parts.table.secretsOf(pairing.user).find(({ pkhh }) => pkhh === pairing.pkhh);
    return kept === undefined ? null : new KeyringRelease(kept, scene, parts);
  } catch (error) {
    scene.log(`the keyring stays locked: ${describeError(error)}`);
    return null;
  }
}

export class KeyringRelease {
  readonly #kept: KeptSecret;
  readonly #scene: ReleaseScene;
  #token: Token;
  readonly #parts: KeyringParts;
  #agreed: SecretBuffer | null = null;
  #failure: string | null = 'the card was not asked';

  constructor(kept: KeptSecret, scene: ReleaseScene, parts: KeyringParts) {
    this.#kept = kept;
    this.#scene = scene;
    this.#token = scene.token;
    this.#parts = parts;
  }

  /** The same card, put in anew. */
  useToken(token: Token): void {
    this.#token = token;
  }

  /**
   * For Token.prove. @param check throws unless the proof is good: nothing is asked of a card before that
   */
  whileOpen(check: (proof: Proof) => unknown): WhileOpen {
    return async (proof, card) => {
      check(proof);
      await this.#fetch(card);
    };
  }

  /** The card's part. Never rejects: the proof that came before it stands. */
  async #fetch(card: OpenCard): Promise<void> {
    this.wipe();
    const { key, sealed } = this.#kept;
    try {
      const token = this.#token;
      const { person } = this.#scene;
      // Also one that was moved to a place for retired keys since.
      const identity = token.identities.find((own) => sameKey(own.publicKey, key));
      if (identity === undefined || token.canAgree?.(identity) !== true) {
        this.#failure = 'the key that it is sealed to is not on the card';
        return;
      }
      const input = cardInputOf(sealed, key);
      const cue = touchText(identity.touch);
      if (cue !== null) person.tell('error', cue);
      this.#agreed = await card.agree(identity, input);
      this.#failure = null;
    } catch (error) {
      this.#failure = describeError(error);
    }
  }

  /** After the grant. Never rejects. */
  async open(): Promise<Released> {
    const { pairing, hostId } = this.#scene;
    const { key, sealed, user, passwordMark } = this.#kept;
    let secret: Pin | null = null;
    try {
      if (this.#agreed === null) return this.#locked(this.#failure);
      secret = openSealed(sealed, key, this.#agreed.bytes, bindingOf(pairing, hostId()));
      const now = await this.#parts.passwordMark(user);
      const changed = passwordMark !== null && now !== null && !passwordMark.equals(now);
      if (!changed) return { secret, text: null, detail: null };
      // It may still be the keyring's: that one changes only where PAM changes both.
      return { secret, text: keyringText['old-password'], detail: 'sealed before the password changed' };
    } catch (error) {
      secret?.wipe();
      return this.#locked(describeError(error));
    } finally {
      this.wipe();
    }
  }

  /** Forgets what the card gave. */
  wipe(): void {
    this.#agreed?.release();
    this.#agreed = null;
  }

  #locked(detail: string | null): Released {
    this.#scene.log(`the keyring stays locked: ${detail ?? 'unknown'}`);
    return { secret: null, text: keyringText.locked, detail };
  }
}
