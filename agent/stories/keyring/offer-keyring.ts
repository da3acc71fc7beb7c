// Letting a card open the keyring: is there a key for it, does the card open with it, does the person want it, and the
// sealing itself. Used at pairing and by `sc_auth keyring enable`. A pairing does not hang on it.

import { randomFillSync } from 'node:crypto';
import { AgentError, describeError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import { Pin } from '../../base/pin.ts';
import { SecretBuffer } from '../../base/secret.ts';
import type { AuditLog } from '../../audit/interface.ts';
import { cardInputOf, openSealed, sealSecret, type SealBinding } from '../../model/secret/sealed-secret.ts';
import type { AuditedKey } from '../../model/sealed-log/audit-event.ts';
import type { PeerCredentials } from '../../model/request.ts';
import type { Identity } from '../../model/card/token.ts';
import type { OpenCard } from '../../token/interface.ts';
import type { Conversation } from '../card/conversation.ts';
import { sealingKey, type KeyringParts } from '../card/keyring-parts.ts';
import type { Rider, RiderScene } from '../card/rider.ts';
import { keyringConsent, keyringText } from '../../words/keyring.ts';
import { touchText } from '../../words/login.ts';

export interface OfferParts {
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly keyring: KeyringParts;
}

/**
 * @param password the account's, of which a copy is kept until `forget`
 * @returns null where there is nothing to offer: no such key, no PAM module for keyrings, or not wished
 */
export function offerKeyring(scene: RiderScene, password: Pin, parts: OfferParts): KeyringOffer | null {
  const { policy, wish, token } = scene;
  if (!policy.keyring.allowed || wish === 'no') return null;
  const key = sealingKey(token);
  if (key === null || (wish === 'ask' && !parts.keyring.pamOpensKeyrings())) return null;
  return new KeyringOffer(scene, key, password.copy(), parts);
}

export class KeyringOffer implements Rider {
  readonly #scene: RiderScene;
  readonly #key: Identity;
  readonly #password: Pin;
  readonly #parts: OfferParts;
  #failure: string | null = 'not tried';
  #wanted = false;

  constructor(scene: RiderScene, key: Identity, password: Pin, parts: OfferParts) {
    this.#scene = scene;
    this.#key = key;
    this.#password = password;
    this.#parts = parts;
    this.#wanted = scene.wish === 'yes';
  }

  /** Why the card cannot open a keyring; null when it has shown that it can. */
  get failure(): string | null {
    return this.#failure;
  }

  /**
   * In the transaction of the proof: does the card open what is sealed to the key that it shows? Never rejects.
   * The key comes from a certificate that anybody may have written to the card.
   */
  async tryCard(card: OpenCard, person: Conversation): Promise<void> {
    const sample = new SecretBuffer(32);
    let agreed: SecretBuffer | null = null;
    try {
      randomFillSync(sample.bytes);
      const { publicKey, touch } = this.#key;
      const sealed = sealSecret(sample.bytes, publicKey, this.#binding);
      const cue = touchText(touch);
      if (cue !== null) person.tell('information', cue);
      agreed = await card.agree(this.#key, cardInputOf(sealed, publicKey));
      const opened = openSealed(sealed, publicKey, agreed.bytes, this.#binding);
      const same = opened.peek((bytes) => bytes.equals(sample.bytes));
      opened.wipe();
      this.#failure = same ? null : 'another secret came out than went in';
    } catch (error) {
      this.#failure = describeError(error);
    } finally {
      sample.release();
      agreed?.release();
    }
  }

  async askConsent(person: Conversation): Promise<void> {
    if (this.#wanted || this.#failure !== null) return;
    const usual = this.#parts.keyring.pamAsksForPassword();
    const typed = await person.ask(keyringConsent(usual), true);
    if (typed === null) throw new AgentError('cancelled');
    this.#wanted = typed.says('yes') || typed.says('y') || (usual && typed.isEmpty);
    typed.wipe();
  }

  async seal(person: Conversation, actor: PeerCredentials, key: AuditedKey): Promise<void> {
    if (!this.#wanted) return;
    if (this.#failure !== null) {
      person.tell('error', keyringText['card-cannot']);
      return;
    }
    try {
      await this.keep(actor, key);
      person.tell('information', keyringText.enabled);
    } catch {
      person.tell('error', keyringText['not-kept']);
    }
  }

  /** @throws AgentError `not-paired`, `store-unreadable`, and what the audit log throws: then nothing is kept */
  async keep(actor: PeerCredentials, key: AuditedKey): Promise<void> {
    const { user, pkhh } = this.#scene;
    const { keyring, audit, clock } = this.#parts;
    const { publicKey } = this.#key;
    const sealed = this.#password.peek((bytes) => sealSecret(bytes, publicKey, this.#binding));
    const passwordMark = await keyring.passwordMark(user);
    keyring.table.keepSecret({
      ...{ user, pkhh, key: publicKey, sealed, passwordMark },
      sealedAtMs: clock.nowMs(),
    });
    try {
      await audit.record({ kind: 'keyring', action: 'enabled', user, actor, key, detail: null });
    } catch (error) {
      keyring.table.dropSecrets(user, pkhh);
      throw error;
    }
  }

  forget(): void {
    this.#password.wipe();
  }

  get #binding(): SealBinding {
    const { user, pkhh, hostId } = this.#scene;
    return { user, pkhh, hostId };
  }
}
