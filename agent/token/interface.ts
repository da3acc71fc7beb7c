// Token drivers and tokens as the login story sees them. A driver turns a card into a token; the story asks for
// meanings (prove, pinState), never for APDUs.

import type { AgentError } from '../base/errors.ts';
import type { Challenge } from '../model/challenge.ts';
import type { FactorySecrets } from '../model/card/factory-secrets.ts';
import type { Attestation } from '../model/card/attestation.ts';
import type { CardKeyProof } from '../model/card/card-key.ts';
import type { Certificate, PublicKey } from '../model/key/key.ts';
import type { Proof } from '../model/proof.ts';
import type { SecretBuffer } from '../base/secret.ts';
import type { CardLook, Issued, IssueOrder, MachineKeyAlgorithm } from '../model/card/issuing.ts';
import type { UnsignedDocument } from '../model/key/unsigned-document.ts';
import type { CardPin, Identity, PinState, PinTry, TokenId } from '../model/card/token.ts';
import type { Pin } from '../base/pin.ts';
import type { CardChannel, CardSlot } from '../pcsc/channel.ts';

/** How a driver lets a card prove its own key while it reads it. The challenge is never the driver's. */
export interface CardKeyCheck {
  /** null: nothing is asked of this card. */
  begin(): {
    readonly challenge: Challenge;
    /** @param key the one that the card shows; its signature is verified with it */
    conclude(key: PublicKey, proof: Proof): CardKeyProof;
  } | null;
}

export interface TokenDriver {
  /** Reverse domain name, e.g. `org.scauth.piv`. */
  readonly id: string;
  readonly version: string;
  readonly displayName: string;
  /**
   * Looks at a card that was just put in, inside one transaction, and reads what will be needed later
   * (identities, discovery), so that a login does not.
   * @returns null when this is not a card of this driver's
   * @throws AgentError when it is, but broken (`card-fault`, `card-timeout`, `no-card`, `card-reset`, `card-busy`);
   * `driver-fault` when the driver itself failed, which says nothing of the card
   */
  probe(channel: CardChannel, slot: CardSlot): Promise<Token | null>;
  /** As SlotDriver's; absent: what this driver has read it never loses. */
  onLost?(listener: (tokens: readonly Token[]) => void): void;
}

/**
 * A driver that has tokens of its own and talks to them by itself (a PKCS#11 module): nobody hands it a card.
 * Tokens that are in no reader (a TPM) are `standing`.
 */
export interface SlotDriver {
  readonly id: string;
  readonly version: string;
  readonly displayName: string;
  /**
   * The tokens on the card that was just put into this reader; none when it is no card of this driver's.
   * @throws AgentError as TokenDriver.probe, and `driver-fault`
   */
  tokensIn(slot: CardSlot): Promise<readonly Token[]>;
  /** The card of tokensIn was taken out: what was kept for it can go. */
  gone(slot: CardSlot): void;
  /** The tokens that are in no reader. @throws AgentError `driver-fault` where no part of the driver works */
  standing(): Promise<readonly Token[]>;
  /**
   * Makes an empty token that is in no reader; wipes the PIN. Absent: it cannot.
   * @param label at most 32 bytes
   * @throws AgentError `not-supported` where there is no room for one, and as `standing`
   */
  newToken?(label: string, pin: Pin): Promise<void>;
  /** Told when tokens are lost because the driver failed; they can be asked for again. */
  onLost(listener: (tokens: readonly Token[]) => void): void;
  /** Ends what runs. Tokens of it are of no use then. */
  close(): void;
}

/**
 * What is known of a card that was put back: `asked`: it said that it is unverified; `told`: it has taken the command, and
 * said so after one before; `reset`: pcscd has reset it; `unknown`: nobody could look.
 */
export type CardLeft = 'asked' | 'told' | 'reset' | 'unknown';

/** A proof in hand while the card is still being put back into its unverified state. */
export interface ProofInHand {
  readonly proof: Proof;
  /** Settles when the card is de-verified (or reset) and released; never rejects. */
  readonly released: Promise<CardLeft>;
}

/** The card of a proof, whose PIN is still verified. */
export interface OpenCard {
  /**
   * The private-key operation of a key for key management (Token.canAgree): raw RSA on a number as long as the modulus,
   * or ECDH with a point.
   * @returns what the card made of `input`, which the caller releases
   * @throws AgentError `no-identity`, and what a card throws
   */
  agree(identity: Identity, input: Uint8Array): Promise<SecretBuffer>;
}

/** Runs when the card has signed, in the same transaction; the card is put back afterwards, whatever happens. */
export type WhileOpen = (proof: Proof, card: OpenCard) => Promise<void>;

/** What was found before the person was asked: another card, or one that has changed since, is refused. */
export interface SetupLook extends CardLook {
  /**
   * Sets the card up in one transaction; wipes all secrets of the order. Cut at any place it can be done again, with a new look.
   * @throws AgentError what the permit throws; `wrong-pin`, `wrong-puk` (with triesLeft), `pin-blocked`, `pin-malformed` (the card does
   * not take the new PIN; all else is done), `cannot-set-up`, `card-changed`, `bad-proof` (the card does not sign with the key that it
   * shows), `touch-timeout`, and what a card throws
   */
  issue(order: IssueOrder): Promise<Issued>;
}

/** What sets a card up that comes from its factory, and puts other certificates on it later. */
export interface CardIssuer {
  /**
   * Looks whether the card can be set up. Spends no try.
   * @returns null: it has not the instructions for that
   * @throws AgentError `cannot-set-up`, and what a card throws
   */
  look(): Promise<SetupLook | null>;
  /**
   * Puts a certificate in the place of the one that a key has. Wipes the PIN.
   * @throws AgentError as SetupLook.issue; `not-supported` where the management key is not the card's own to give
   */
  putCertificate(identity: Identity, certificate: Certificate, pin: PinTry): Promise<void>;
}

/** A key as its token names it. */
export interface MachineKey {
  /** As Identity.slot. */
  readonly slot: string;
  readonly publicKey: PublicKey;
}

/**
 * What makes keys for logins on a token that is part of the machine, and takes them away. Each call wipes the PIN and throws
 * as Token.verifyPin; the token's `identities` change with the next look.
 */
export interface KeyStore {
  createKey(
    key: { readonly algorithm: MachineKeyAlgorithm; readonly label: string },
    pin: PinTry,
  ): Promise<MachineKey>;
  /** Has a key sign what is said about itself. @returns DER @throws AgentError `bad-proof` */
  signDocument(key: MachineKey, document: UnsignedDocument, pin: PinTry): Promise<Buffer>;
  /** In the place of the one that the key has. @param der of a certificate for this key */
  putCertificate(key: MachineKey, der: Buffer, pin: PinTry): Promise<void>;
  /** With their certificates. */
  deleteKeys(keys: readonly MachineKey[], pin: PinTry): Promise<void>;
}

export interface Token {
  readonly id: TokenId;
  /** The driver's id. */
  readonly driver: string;
  /** Safe to print. */
  readonly label: string;
  readonly slot: CardSlot;
  /** Read at insertion, and by `readRest`; claims, not trusted. */
  readonly identities: readonly Identity[];
  /** At least one; the first is meant where a call names none. */
  readonly pins: readonly [CardPin, ...CardPin[]];
  /** What is known of the first PIN without asking: from the last look, and from what was sent since. */
  readonly lastPinState: PinState;
  /** The same of the PUK. Absent: its driver cannot tell. */
  readonly lastPukState?: PinState;
  /** What was broken or left out, for diagnosis. Safe to print. */
  readonly notes: readonly string[];
  /** What the card's own key has shown since the card was put in; absent: its driver has no way to ask. */
  readonly cardProof?: CardKeyProof;
  /**
   * Reads what no login needs (retired keys), in transactions of its own; `identities` and `notes` have it then. What was
   * read is not read again. Absent: there is no such thing.
   * @throws AgentError what a card throws; the next call goes on from there
   */
  readRest?(): Promise<void>;
  /** What is known without asking of its PIN, PUK and management key. */
  readonly factorySecrets: FactorySecrets;
  /** Asks the card for it, in a transaction of its own. Absent: it cannot be asked. @throws AgentError what a card throws */
  askFactorySecrets?(): Promise<FactorySecrets>;
  /** When the card was read, milliseconds since the epoch. */
  readonly readAtMs?: number;
  /**
   * Reads the try counter of a PIN afresh, in one transaction.
   * @throws AgentError `pin-blocked`, `card-fault`, `card-timeout`, `no-card`, `card-busy`
   */
  pinState(of?: CardPin): Promise<PinState>;
  /**
   * Whether `pin` can be this PIN at all; if not it must not be sent.
   */
  acceptsPin(pin: Pin, of?: CardPin): boolean;
  /**
   * Verifies the PIN and signs the challenge, in one transaction; wipes the PIN on each path.
   * The permit is asked right before the PIN is sent; what is known of the tries is read again for it, in the same
   * transaction, where it is old (pin-tries.ts).
   * Where the key waits for a touch, the person has been told before this is called.
   * @param gone the person went away: a PIN that is being typed on the reader is not waited for any longer
   * @param whileOpen where `canAgree` is there: more that is to be done with the verified card
   * @throws AgentError what the permit and `whileOpen` throw; `wrong-pin` (with triesLeft), `pin-blocked`, `pin-malformed`, `no-identity`, `card-fault`,
   * `card-timeout`, `no-card`, `card-busy`, `card-reset`, `cancelled` (on the reader's pad, or gone), `pin-timeout` (on
   * the reader's pad), `touch-timeout`
   */
  prove(
    identity: Identity,
    challenge: Challenge,
    pin: PinTry,
    gone?: AbortSignal,
    whileOpen?: WhileOpen,
  ): Promise<ProofInHand>;
  /** Whether a secret can be sealed to this key and opened by the card. Absent where the driver cannot. */
  canAgree?(identity: Identity): boolean;
  /**
   * Verifies the PIN and leaves the card unverified. Wipes the PIN.
   * @throws AgentError as `prove`
   */
  verifyPin(pin: PinTry, of?: CardPin, gone?: AbortSignal): Promise<void>;
  /**
   * Sets a new PIN, and leaves the card unverified. Wipes both. Absent where the driver cannot.
   * @throws AgentError as `verifyPin`; `pin-malformed` also for a new PIN that the card does not take
   */
  changePin?(old: PinTry, next: Pin, of?: CardPin): Promise<void>;
  /**
   * Sets a new PIN with all its tries by means of the PUK. Wipes both. Absent where the driver cannot.
   * @throws AgentError `wrong-puk` (with triesLeft), `puk-blocked`, `pin-malformed`, `not-supported`, and what a card
   * throws
   */
  unblockPin?(puk: PinTry, next: Pin, of?: CardPin): Promise<void>;
  /** The tries of the PUK, without spending one; absent where the driver cannot tell. @throws what a card throws */
  pukState?(): Promise<PinState>;
  /**
   * The maker's word for a key, without a PIN; absent where the driver cannot ask.
   * @throws AgentError `not-attested` where the card gives none, `no-identity`, and what a card throws
   */
  attest?(identity: Identity): Promise<Attestation>;
  /**
   * Sets a new PUK by the old one. Wipes both. Absent where the driver cannot.
   * @throws AgentError as `unblockPin`
   */
  changePuk?(old: PinTry, next: Pin): Promise<void>;
  /** Absent: its driver sets no cards up. */
  readonly issuer?: CardIssuer;
  /** Absent: it is no part of the machine, or takes no keys. */
  readonly keys?: KeyStore;
  /** Whether `puk` can be a PUK at all; if not it must not be sent. Present where `unblockPin` is. */
  acceptsPuk?(puk: Pin): boolean;
}

/** How long a request waits for a card that is just being read: what callers of TokenSource.present give it. */
export const CARD_READING_MS = 4000;

/** Whether these tokens are all that the caller needs. */
export type Enough = (tokens: readonly Token[]) => boolean;

/** The tokens that are in now. */
export interface TokenSource {
  /**
   * Tokens that are in and read. Waits for a card that is just being read, at most `waitMs`, and no longer than until
   * those that are read are enough for the caller.
   * @throws AgentError `no-service`, `not-authorised` when pcscd cannot be reached
   */
  present(waitMs: number, enough?: Enough): Promise<readonly Token[]>;
  /** The same, for lists and pairing: cards on which no key for logins was found are looked at again. Absent: they are not. */
  presentAnew?(waitMs: number): Promise<readonly Token[]>;
  /** Reads a card again that has changed under us; its token is another one afterwards. Absent: nothing changes. */
  readAgain?(token: Token, waitMs: number): Promise<void>;
  /** As SlotDriver's, of the first driver that can; it is among those that are present then. Absent: none can. */
  newToken?(label: string, pin: Pin): Promise<void>;
  /** Of a card that another program holds (`card-busy`) or that is mute (`card-timeout`); null: none. Absent: not known. */
  unread?(): AgentError | null;
  /** Told when a card has come, gone or been read. @returns the end of it. Absent: nobody is told */
  onChange?(listener: () => void): () => void;
}
