// What rides along with the proof of a pairing: something more that the card shows in the same transaction, and that the
// person may want. The login keyring's seal is the one there is (stories/keyring/offer-keyring.ts).

import type { Pin } from '../../base/pin.ts';
import type { AuditedKey } from '../../model/sealed-log/audit-event.ts';
import type { Pkhh } from '../../model/key/key.ts';
import type { PeerCredentials, Username } from '../../model/request.ts';
import type { OpenCard, Token } from '../../token/interface.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { Conversation } from './conversation.ts';

/** `ask`: where it makes sense. `yes`: the person has said so already. */
export type KeyringWish = 'ask' | 'yes' | 'no';

export interface RiderScene {
  readonly user: Username;
  readonly pkhh: Pkhh;
  readonly token: Token;
  readonly policy: Policy;
  readonly hostId: Buffer;
  readonly wish: KeyringWish;
}

export interface Rider {
  /** In the transaction of the proof, after it was verified. Never rejects. */
  tryCard(card: OpenCard, person: Conversation): Promise<void>;
  /** The question, where the card can and nobody has said yes before. @throws AgentError `cancelled` */
  askConsent(person: Conversation): Promise<void>;
  /** Once the card is paired. Never rejects: it tells. */
  seal(person: Conversation, actor: PeerCredentials, key: AuditedKey): Promise<void>;
  /** Wipes what it keeps of the password; on each path. */
  forget(): void;
}

/**
 * @param password the account's, of which a copy is kept until `forget`
 * @returns null where there is nothing to offer
 */
export type OfferRider = (scene: RiderScene, password: Pin) => Rider | null;
