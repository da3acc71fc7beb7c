// The seam between drivers and the reader: a slot with a card in it, and one exclusive transaction on that card.
// Real ones are in winscard.ts; tests put fakes here.

/** A reader with one card in it, from insertion to removal. */
export interface CardSlot {
  /** The reader's name as pcscd gives it. Not safe to print. */
  readonly reader: string;
  readonly atr: Buffer;
  /**
   * Opens a transaction: nobody else can talk to the card until it is closed.
   * @throws AgentError `card-busy` after the deadline, `no-card`, `no-service`, `not-authorised`, `card-timeout`
   */
  open(): Promise<CardChannel>;
}

/** One exclusive transaction. Whoever opens it closes it, on each path. */
export interface CardChannel {
  /** True when card (ATR) and reader both take extended length APDUs. */
  readonly extendedLength: boolean;
  /**
   * Sends one command APDU and returns the response with its two status bytes, at most 65538 bytes.
   * No chaining, no GET RESPONSE: that is the driver's (agent/token/piv/apdu.ts).
   * The returned buffer is the caller's to wipe.
   * @throws AgentError `no-card`, `card-reset`, `card-timeout`, `card-fault`, `no-service`
   */
  transmit(command: Uint8Array): Promise<Buffer>;
  /** Ends the transaction and disconnects; never rejects. `reset` powers the card through a reset first. */
  close(disposition: 'leave' | 'reset'): Promise<void>;
}
