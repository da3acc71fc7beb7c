// One software card: applet, transport, faults, delay and log put together. Speaks APDUs; the wire to vpcd is vpcd.ts.
// A test may drive it in its own process (`transmit`), or as the process of main.ts over CardControl.
import { setTimeout as sleep } from 'node:timers/promises';
import { PivApplet } from './applet.ts';
import { ApduTransport, statusBytes } from './apdu.ts';
import { INS, SW } from './constants.ts';
import { FaultBook, moreDataReply } from './faults.ts';
import type { FaultAction } from './faults.ts';
import { ApduLog } from './log.ts';
import type { LogEntry } from './log.ts';
import { defaultAtr } from './profile.ts';
import type { CardProfile } from './profile.ts';

/** Called with each entry of the log. */
type LogListener = (entry: LogEntry) => void;

/** A card, in or out of its reader. */
export class SoftwareCard {
  readonly applet: PivApplet;
  readonly transport: ApduTransport;
  readonly faults = new FaultBook();
  readonly log = new ApduLog();
  delayMs: number;
  /** Called when a fault pulls the card; set by whoever holds the wire. */
  onEject: () => void = () => undefined;
  /** Called with each command APDU when it arrives, before anything is done with it. */
  onCommand: (command: Buffer) => void = () => undefined;
  /** Called when a command is answered, or never will be. */
  onLogged: LogListener = () => undefined;
  readonly #atr: Buffer | null;
  #hanging: ((released: boolean) => void)[] = [];

  constructor(profile: CardProfile) {
    this.applet = new PivApplet(profile, this.faults);
    this.transport = new ApduTransport((command) => this.applet.process(command), profile.extended);
    this.delayMs = profile.delayMs;
    this.#atr = profile.atr;
  }

  /** Answer to reset: the profile's own, or the one that says whether extended length works. */
  atr(): Buffer {
    return this.#atr ?? defaultAtr(this.transport.extended);
  }

  /** Power on, power off or reset: the card forgets what was verified and selected. */
  power(): void {
    this.transport.reset();
    this.applet.reset();
  }

  /** Lets commands that hang be answered now. @returns how many there were */
  release(): number {
    const waiting = this.#hanging;
    this.#hanging = [];
    for (const go of waiting) go(true);
    return waiting.length;
  }

  /** The card is out: what hangs is never answered. */
  pulled(): void {
    const waiting = this.#hanging;
    this.#hanging = [];
    for (const go of waiting) go(false);
    this.power();
  }

  /** One command APDU; null = no answer, because the card has been pulled. */
  async transmit(command: Buffer): Promise<Buffer | null> {
    const atUs = this.log.nowUs();
    this.onCommand(command);
    const response = await this.#answer(command, this.faults.strike(command));
    if (response !== null && this.delayMs > 0) await sleep(this.delayMs);
    this.onLogged(this.log.add(command, response, atUs));
    return response;
  }

  async #answer(command: Buffer, fault: FaultAction | null): Promise<Buffer | null> {
    switch (fault?.kind) {
      case undefined:
      case 'wrong-signature':
      case 'replay-signature':
      case 'signature-length':
      case 'ignore-deverify':
        return this.#process(command);
      case 'reply':
        return Buffer.from(fault.hex, 'hex');
      case 'status':
        return statusBytes(Number.parseInt(fault.sw, 16));
      case 'hang':
        return (await this.#hang()) ? this.#process(command) : null;
      case 'touch': {
        const touched = await Promise.race([this.#hang(), sleep(fault.timeoutMs, 'never' as const)]);
        if (touched === 'never') return statusBytes(SW.SECURITY_STATUS_NOT_SATISFIED);
        return touched ? this.#process(command) : null;
      }
      case 'hang-after': {
        const response = this.#process(command);
        return (await this.#hang()) ? response : null;
      }
      case 'eject':
        this.onEject();
        return null;
      case 'eject-after':
        this.#process(command);
        this.onEject();
        return null;
      case 'truncate':
        return this.#process(command).subarray(0, fault.bytes);
      case 'endless-61':
      case 'empty-61':
        return moreDataReply(fault.kind);
      case 'delay':
        await sleep(fault.ms);
        return this.#process(command);
    }
  }

  #process(command: Buffer): Buffer {
    // "PIN always": anything but the (chained) GENERAL AUTHENTICATE itself uses the fresh VERIFY up.
    if (command[1] !== INS.GENERAL_AUTHENTICATE) this.applet.pins.fresh = false;
    const response = this.transport.transmit(command);
    if (command[1] === INS.GENERAL_AUTHENTICATE && !this.transport.chaining) this.applet.pins.fresh = false;
    return response;
  }

  /** True when it is released, false when the card is pulled meanwhile. */
  #hang(): Promise<boolean> {
    return new Promise((resolve) => this.#hanging.push(resolve));
  }
}
