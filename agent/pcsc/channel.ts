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
   * @param patienceMs how long the answer may take, where the command waits for the person (a touch)
   * @throws AgentError `no-card`, `card-reset`, `card-timeout`, `card-fault`, `no-service`
   */
  transmit(command: Uint8Array, patienceMs?: number): Promise<Buffer>;
  /**
   * The reader's own PIN pad; null where it has none, or one that must not be used. A channel without this has none.
   * @throws AgentError `card-timeout`
   */
  pinPad?(): Promise<PinPad | null>;
  /**
   * Ends the transaction and disconnects; never rejects. `reset` powers the card through a reset first.
   * @returns whether pcscd says that this was done
   */
  close(disposition: 'leave' | 'reset'): Promise<boolean>;
}

/** A PIN that is to be typed on the reader: where it goes in the command, and how long it may be. */
export interface PadEntry {
  /** The whole command APDU, with padding where the PIN will stand, from the first byte of its data on. */
  readonly command: Uint8Array;
  /** Bytes of the PIN's block in the command. */
  readonly blockBytes: number;
  readonly minDigits: number;
  readonly maxDigits: number;
}

/** The PIN pad of a reader (PC/SC part 10, FEATURE_VERIFY_PIN_DIRECT). */
export interface PinPad {
  /** The fewest and the most digits that the pad takes. */
  readonly minDigits: number;
  readonly maxDigits: number;
  /**
   * Lets the person type; the reader puts the digits into the command and sends it.
   * @param gone the person went away: nobody waits any longer, and what the pad still does is undone by a reset
   * @returns the card's answer, or the reader's own word (6400 time-out, 6401 cancel, 6403 length)
   * @throws AgentError `cancelled` (gone), and as transmit
   */
  verify(entry: PadEntry, gone?: AbortSignal): Promise<Buffer>;
}

/** Lets go of the card on each path: nothing was sent that has to be undone. */
export async function leaving<T>(channel: CardChannel, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } finally {
    await channel.close('leave');
  }
}

/** The same where `act` fails; else the card stays in hand. */
export async function orLeave<T>(channel: CardChannel, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    await channel.close('leave');
    throw error;
  }
}
