// One exclusive transaction: APDUs with a deadline, and an end on each path. A call that does not return is left
// behind with its buffers; when it returns, the card is reset and the context dropped.
// Specification: winscard.h of pcsc-lite. The caller has connected and begun the transaction.
// Why: DECISIONS.md D28.

import { commandWords, debug, responseWords } from '../base/debug.ts';
import { nativeBuffer } from '../base/bytes.ts';
import { AgentError } from '../base/errors.ts';
import { SecretBuffer } from '../base/secret.ts';
import type { CardChannel, PadEntry, PinPad } from './channel.ts';
import * as C from './constants.ts';
import { withDeadline } from './deadline.ts';
import { pinVerifyStructure, type UsablePad } from './pin-pad.ts';
import { failureAt, type Place } from './removed.ts';

export interface TransactionParts extends Place {
  readonly card: number;
  readonly protocol: number;
  readonly transmitTimeoutMs: number;
  /** The reader's PIN pad, if it has one that may be used. @throws AgentError `card-timeout` */
  pad(): Promise<UsablePad | null>;
  /** Says that a native call does not return. */
  markStuck(): void;
  /** Frees the reader and gives the context back (usable) or drops it. Called exactly once. */
  release(usable: boolean): Promise<void>;
}

/**
 * How long a PIN may take on the pad: the reader itself gives up after 30 s without a key (pin-pad.ts), eight digits
 * at a slow pace come within this, and a PAM relay that only hears `wait` has more patience than this.
 */
const PAD_MS = 90_000;

/** Receive buffers for the next transmit; wiped. */
const receiveBuffers: Buffer[] = [];

export class Transaction implements CardChannel {
  extendedLength = false;
  readonly #parts: TransactionParts;
  #state: 'open' | 'closed' | 'abandoned' = 'open';

  constructor(parts: TransactionParts) {
    this.#parts = parts;
  }

  async transmit(command: Uint8Array, patienceMs?: number): Promise<Buffer> {
    if (this.#state !== 'open') throw new AgentError('card-timeout', { detail: 'the transaction is over' });
    const { library, card, protocol, transmitTimeoutMs } = this.#parts;
    // Our own copy, until the call really returns: the caller wipes and reuses its buffer after the deadline.
    const sent = new SecretBuffer(command.length);
    sent.bytes.set(command);
    const received = receiveBuffers.pop() ?? nativeBuffer(C.MAX_BUFFER_SIZE_EXTENDED);
    let copied = Buffer.alloc(0);
    const call = library.transmit(card, protocol, sent.bytes, received).then(
      ({ rv, length }) => {
        copied = Buffer.from(received.subarray(0, length));
        received.fill(0, 0, length);
        sent.release();
        receiveBuffers.push(received);
        return rv;
      },
      (error: unknown) => {
        sent.release();
        throw error;
      },
    );
    const outcome = await withDeadline(call, patienceMs ?? transmitTimeoutMs);
    debug('pcsc', () => {
      const answer = outcome.late ? 'late' : responseWords(copied);
      return `${this.#parts.reader}: ${commandWords(command)} -> ${answer}`;
    });
    if (outcome.late) {
      this.#abandon(call);
      throw new AgentError('card-timeout', { detail: 'SCardTransmit is past its deadline' });
    }
    if (outcome.value !== C.SCARD_S_SUCCESS)
      throw await failureAt(this.#parts, 'SCardTransmit', outcome.value);
    // Some drivers (vpcd) report a card that was just pulled as an empty reply.
    if (copied.length < 2) throw await failureAt(this.#parts, 'SCardTransmit', C.SCARD_E_NOT_TRANSACTED);
    return copied;
  }

  async pinPad(): Promise<PinPad | null> {
    if (this.#state !== 'open') throw new AgentError('card-timeout', { detail: 'the transaction is over' });
    const pad = await this.#parts.pad();
    if (pad === null) return null;
    const { controlCode, minDigits, maxDigits } = pad;
    return {
      minDigits,
      maxDigits,
      verify: (entry, gone) => this.#verifyOnPad(controlCode, entry, gone),
    };
  }

  /** pcscd has no way to end an entry: whoever does not wait for it leaves the reader busy until the pad gives up. */
  async #verifyOnPad(controlCode: number, entry: PadEntry, gone?: AbortSignal): Promise<Buffer> {
    if (this.#state !== 'open') throw new AgentError('card-timeout', { detail: 'the transaction is over' });
    if (gone?.aborted === true) throw new AgentError('cancelled', { detail: 'before the PIN pad was used' });
    const { library, card } = this.#parts;
    const call = library.control(card, controlCode, pinVerifyStructure(entry));
    let leave = (): void => undefined;
    const left = new Promise<null>((resolve) => {
      leave = () => {
        resolve(null);
      };
    });
    gone?.addEventListener('abort', leave);
    try {
      const outcome = await Promise.race([withDeadline(call, PAD_MS), left]);
      if (outcome === null || outcome.late) {
        this.#abandon(call);
        throw outcome === null
          ? new AgentError('cancelled', { detail: 'the person went away while the PIN pad waited' })
          : new AgentError('card-timeout', { detail: 'the PIN pad is past its deadline' });
      }
      const { rv, reply } = outcome.value;
      if (rv !== C.SCARD_S_SUCCESS) throw await failureAt(this.#parts, 'SCardControl', rv);
      return Buffer.from(reply);
    } finally {
      gone?.removeEventListener('abort', leave);
    }
  }

  async close(disposition: 'leave' | 'reset'): Promise<boolean> {
    if (this.#state !== 'open') return false;
    this.#state = 'closed';
    const ending = this.#end(disposition === 'reset' ? C.SCARD_RESET_CARD : C.SCARD_LEAVE_CARD);
    const outcome = await withDeadline(ending, this.#parts.transmitTimeoutMs);
    if (outcome.late) this.#parts.markStuck();
    return !outcome.late && outcome.value;
  }

  #abandon(call: Promise<unknown>): void {
    this.#state = 'abandoned';
    this.#parts.markStuck();
    const end = (): Promise<boolean> => this.#end(C.SCARD_RESET_CARD, false);
    call.then(end, end).catch(() => undefined);
  }

  /**
   * Ends transaction and connection; never rejects. Should the first fail, the second still resets where asked.
   * Where the card is left as it is, SCardDisconnect alone does both: pcscd ends what the connection holds (its
   * SCardDisconnect calls RFUnlockAllSharing), and the next transaction begins one round trip earlier.
   * @returns whether either did what was asked
   */
  async #end(disposition: number, usable = true): Promise<boolean> {
    const { library, card } = this.#parts;
    let [ended, clean] = [false, false];
    try {
      const reset = disposition !== C.SCARD_LEAVE_CARD;
      ended = reset && (await library.endTransaction(card, disposition)) === C.SCARD_S_SUCCESS;
      const last = ended ? C.SCARD_LEAVE_CARD : disposition;
      clean = (await library.disconnect(card, last)) === C.SCARD_S_SUCCESS;
    } catch {
      clean = false;
    }
    await this.#parts.release(usable && clean).catch(() => undefined);
    return ended || clean;
  }
}
