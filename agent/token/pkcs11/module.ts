// One PKCS#11 module in this process: initialises it when it is needed, lists the slots that have a token, opens
// sessions. Between calls it keeps the module and gives the cards back, or, where that cannot be, lets the module go. What is on a token is read in objects.ts.
// Specification: PKCS #11 2.40, 5.4 to 5.6.

import { existsSync } from 'node:fs';
import pkcs11js from 'pkcs11js';
import { AgentError, asAgentError } from '../../base/errors.ts';
import { DriverUnfit } from '../plugin/child.ts';
import * as C from './constants.ts';
import { checked, codeOf, nameOf } from './failure.ts';
import { CardLease } from './lease.ts';
import { pinFunctionsOf, type PinFunctions } from './login.ts';

/**
 * OpenSC's module goes on where its cards were given back, and reads a counter anew each time after that. Older ones
 * were not tried.
 */
const KEEPS = /^OpenSC Project/;
const KEEPS_FROM_MINOR = 23;

/** A CK_SLOT_INFO's description has 64 bytes; the names of readers are cut to that. */
const DESCRIPTION_BYTES = 64;

/** Where a slot is. */
export interface SlotPlace {
  readonly description: string;
  /** In a reader; else a part of the machine (a TPM, a file). */
  readonly removable: boolean;
}

export interface TokenSlot extends SlotPlace {
  readonly slot: Buffer;
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  readonly flags: number;
  readonly minPin: number;
  readonly maxPin: number;
}

const trimmed = (text: string): string => text.replace(/[\s\0]+$/, '');

export class Pkcs11Module {
  readonly pkcs11 = new pkcs11js.PKCS11();
  readonly pins: PinFunctions;
  readonly #initArgs: string;
  readonly #lease: CardLease | null;
  #initialised = false;
  #keeps = false;

  /**
   * @param initArgs what NSS softokn wants of C_Initialize; empty: nothing
   * @throws DriverUnfit where the file is not there, or is no PKCS#11 module
   */
  constructor(path: string, initArgs = '') {
    this.#initArgs = initArgs;
    if (!existsSync(path)) throw new DriverUnfit(`there is no file ${path}`);
    this.#lease = /\bopensc-pkcs11\.so$/.test(path) ? CardLease.before(path) : null;
    try {
      this.pkcs11.load(path);
      this.pins = pinFunctionsOf(path);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new DriverUnfit(`${path} is not a PKCS#11 module (${why})`);
    }
  }

  /**
   * The slots there with an initialised token.
   * @throws AgentError also where one that is there cannot be read, which is not the same as an empty one; DriverUnfit
   */
  slots(isThere: (place: SlotPlace) => boolean): TokenSlot[] {
    this.#initialise();
    const handles = checked('C_GetSlotList', () => this.pkcs11.C_GetSlotList(true));
    const unknown: AgentError[] = [];
    const found = handles.flatMap((slot) => {
      let place: SlotPlace | null = null;
      try {
        place = this.#placeOf(slot);
        return isThere(place) ? this.#describe(slot, place) : [];
      } catch (thrown) {
        const error = asAgentError(thrown);
        if (error.code === 'no-card') return []; // taken out in the middle
        if (place !== null) throw error;
        unknown.push(error); // it may be another one
        return [];
      }
    });
    const [failure] = unknown;
    if (found.length === 0 && failure !== undefined) throw failure;
    return found;
  }

  /** A module that cannot begin (any more) is replaced with its whole process. @throws DriverUnfit */
  #initialise(): void {
    if (this.#initialised) return;
    try {
      if (this.#initArgs === '') this.pkcs11.C_Initialize();
      else this.pkcs11.C_Initialize({ libraryParameters: this.#initArgs, flags: C.CKF_OS_LOCKING_OK });
    } catch (error) {
      const code = codeOf(error);
      if (code !== C.CKR_CRYPTOKI_ALREADY_INITIALIZED)
        throw new DriverUnfit(`C_Initialize: ${code === null ? String(error) : nameOf(code)}`);
    }
    this.#initialised = true;
    this.#keeps = this.#lease !== null && this.#isKnownToKeep();
  }

  #isKnownToKeep(): boolean {
    try {
      const { manufacturerID, libraryVersion } = this.pkcs11.C_GetInfo();
      const { major, minor } = libraryVersion;
      return KEEPS.test(manufacturerID) && (major > 0 || minor >= KEEPS_FROM_MINOR);
    } catch {
      return false;
    }
  }

  #placeOf(slot: Buffer): SlotPlace {
    const info = checked('C_GetSlotInfo', () => this.pkcs11.C_GetSlotInfo(slot));
    return {
      description: trimmed(info.slotDescription),
      removable: (info.flags & C.CKF_REMOVABLE_DEVICE) !== 0,
    };
  }

  #describe(slot: Buffer, place: SlotPlace): TokenSlot[] {
    const token = checked('C_GetTokenInfo', () => this.pkcs11.C_GetTokenInfo(slot));
    if ((token.flags & C.CKF_TOKEN_INITIALIZED) === 0) return [];
    return [
      {
        ...place,
        slot,
        label: trimmed(token.label),
        manufacturer: trimmed(token.manufacturerID),
        model: trimmed(token.model),
        serial: trimmed(token.serialNumber),
        flags: token.flags,
        minPin: token.minPinLen,
        maxPin: token.maxPinLen,
      },
    ];
  }

  /** A slot in no reader that waits for a token to be made in it. @returns null: there is none */
  emptySlot(): Buffer | null {
    this.#initialise();
    const slots = checked('C_GetSlotList', () => this.pkcs11.C_GetSlotList(true));
    const empty = slots.find((slot) => {
      if (this.#placeOf(slot).removable) return false;
      const { flags } = checked('C_GetTokenInfo', () => this.pkcs11.C_GetTokenInfo(slot));
      return (flags & C.CKF_TOKEN_INITIALIZED) === 0;
    });
    return empty ?? null;
  }

  /** Runs `act` in a session of its own; afterwards nobody is logged in and no session is open. */
  inSession<T>(slot: Buffer, act: (session: Buffer) => T, kind: 'read' | 'write' = 'read'): T {
    const flags = C.CKF_SERIAL_SESSION | (kind === 'write' ? C.CKF_RW_SESSION : 0);
    const session = checked('C_OpenSession', () => this.pkcs11.C_OpenSession(slot, flags));
    try {
      return act(session);
    } finally {
      try {
        this.pkcs11.C_Logout(session);
      } catch {
        // nobody was logged in, or the card is gone
      }
      try {
        this.pkcs11.C_CloseAllSessions(slot);
      } catch {
        // the card is gone, and its sessions with it
      }
    }
  }

  /**
   * The same, with flags that are true now. Nobody else gets at the card from here on until it is given back.
   * @throws AgentError `card-busy` where another program has the card
   */
  slotsNow(isThere: (place: SlotPlace) => boolean): TokenSlot[] {
    if (this.#keeps) this.#lease?.hold();
    const slots = this.slots(isThere);
    if (slots.length > 0 && this.#keeps && this.#lease?.holds !== true)
      throw new AgentError('card-busy', { detail: 'the card could not be asked for its tries' });
    return slots;
  }

  /** This process is for the cards of one reader (null: for what is in none), as far as the module can be kept to it. */
  only(reader: string | null): void {
    this.#lease?.only(reader);
  }

  /** After each call. @param reset whether a PIN may have gone to a card */
  giveBack(reset: boolean): void {
    this.#lease?.giveBack(reset);
  }

  /** It need not begin anew for others to have the cards, nor for a counter that is true now. */
  get keeps(): boolean {
    return this.#keeps;
  }

  /** Lets go of every card and of all that was known; the next look begins anew. */
  rest(): void {
    if (!this.#initialised) return;
    this.#initialised = false;
    checked('C_Finalize', () => {
      this.pkcs11.C_Finalize();
    });
  }
}

/** Whether a slot is this reader: modules describe a slot by the reader's name, cut to 64 bytes. */
export function isReader(slot: SlotPlace, reader: string): boolean {
  const cut = Buffer.from(reader).subarray(0, DESCRIPTION_BYTES).toString();
  return slot.removable && slot.description !== '' && slot.description === trimmed(cut);
}
