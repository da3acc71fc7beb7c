// PIN references of the card: the value, its tries, and whether it is verified now.
// Does not decide what a PIN opens; that is keys.ts and objects.ts.
// Specification: SP 800-73-4 part 2, sections 2.4.3, 3.2.1 VERIFY, 3.2.2 CHANGE REFERENCE DATA, 3.2.3 RESET RETRY COUNTER.
import { timingSafeEqual } from 'node:crypto';
import { REFERENCE, SW, StatusError, success } from './constants.ts';
import type { Reply } from './constants.ts';
import type { Command } from './apdu.ts';

/** A PIN or PUK block is always 8 bytes, padded with FF. */
const BLOCK = 8;

export const FACTORY_PINS = { pin: '123456', puk: '12345678' } as const;

/** Pads a PIN to its block. */
export function pinBlock(pin: string): Buffer {
  return Buffer.concat([Buffer.from(pin, 'latin1'), Buffer.alloc(BLOCK, 0xff)]).subarray(0, BLOCK);
}

/** Firmware 5.7, "PIN complexity": one character only, or one of the list of usual ones, of which some are here. */
function isSimple(pin: Buffer): boolean {
  const usual = [
    '123456',
    '123123',
    '654321',
    '123321',
    '112233',
    '121212',
    '123456789',
    'password',
    'qwerty',
  ];
  return (
    pin.every((byte) => byte === pin[0]) ||
    usual.includes(pin.toString('latin1')) ||
    '12345678'.startsWith(pin.toString('latin1'))
  );
}

/** One reference (application PIN, global PIN or PUK). */
export class PinReference {
  #value: Buffer;
  tries: number;
  maxTries: number;
  verified = false;
  readonly #factory: Buffer;
  readonly #complexity: boolean;

  constructor(value: string, tries: number, factory: string, complexity: boolean) {
    this.#value = pinBlock(value);
    this.#factory = pinBlock(factory);
    this.#complexity = complexity;
    this.tries = tries;
    this.maxTries = tries;
  }

  /** What Yubico's metadata say: whether it is the factory's. */
  get isDefault(): boolean {
    return this.#value.equals(this.#factory);
  }

  /**
   * Compares a block; counts down on any mismatch, also on one that could be no PIN (section 3.2.1 leaves the card
   * the choice between that and 6A80; this is the one that costs a careless program a try).
   * @throws StatusError 6983 when no try is left, 63Cx when the block is wrong
   */
  check(block: Buffer): void {
    if (this.tries === 0) throw new StatusError(SW.AUTHENTICATION_METHOD_BLOCKED);
    if (block.length === BLOCK && timingSafeEqual(block, this.#value)) {
      this.tries = this.maxTries;
      return;
    }
    this.tries -= 1;
    this.verified = false;
    throw new StatusError(SW.VERIFICATION_FAILED | this.tries);
  }

  /** Sets a new value and gives back all tries. @throws StatusError 6A80 for a value that is not 6 to 8 bytes, 6985 for one that is too simple */
  set(block: Buffer): void {
    const length = block.indexOf(0xff) === -1 ? block.length : block.indexOf(0xff);
    const padded = block.subarray(length).every((byte) => byte === 0xff);
    if (block.length !== BLOCK || length < 6 || !padded) throw new StatusError(SW.INCORRECT_DATA);
    if (this.#complexity && isSimple(block.subarray(0, length)))
      throw new StatusError(SW.CONDITIONS_NOT_SATISFIED);
    this.#value = Buffer.from(block);
    this.tries = this.maxTries;
  }
}

/** The references of one card. */
export class PinSet {
  readonly application: PinReference;
  readonly global: PinReference | null;
  readonly puk: PinReference;
  /** True between a successful VERIFY and the next command ("PIN always" keys look at it). */
  fresh = false;

  constructor(pins: {
    readonly pin: string;
    readonly puk: string;
    readonly globalPin: string | null;
    readonly pinTries: number;
    readonly pukTries: number;
    readonly pinComplexity: boolean;
  }) {
    const { pin, puk, globalPin, pinTries, pukTries, pinComplexity: complexity } = pins;
    this.application = new PinReference(pin, pinTries, FACTORY_PINS.pin, complexity);
    this.global =
      globalPin === null ? null : new PinReference(globalPin, pinTries, FACTORY_PINS.pin, complexity);
    this.puk = new PinReference(puk, pukTries, FACTORY_PINS.puk, complexity);
  }

  /** Whether one of the PINs is verified. */
  get verified(): boolean {
    return this.application.verified || (this.global?.verified ?? false);
  }

  /** Forgets what was verified (power, reset, another application). */
  deverify(): void {
    this.application.verified = false;
    if (this.global !== null) this.global.verified = false;
    this.fresh = false;
  }

  /** VERIFY in its three forms: with a body, without (asks the state), with P1 = FF (de-verify). */
  verify(command: Command, ignoreDeverify: boolean): Reply {
    const reference = this.#pinReference(command.p2);
    if (command.p1 === 0xff) {
      if (command.data.length > 0) throw new StatusError(SW.WRONG_LENGTH);
      if (!ignoreDeverify) reference.verified = false;
      return success();
    }
    if (command.p1 !== 0x00) throw new StatusError(SW.INCORRECT_P1_P2);
    if (command.data.length === 0) {
      if (reference.verified) return success();
      throw new StatusError(SW.VERIFICATION_FAILED | reference.tries);
    }
    reference.check(command.data);
    reference.verified = true;
    this.fresh = true;
    return success();
  }

  /** CHANGE REFERENCE DATA: old block, new block. */
  change(command: Command): Reply {
    const reference = command.p2 === REFERENCE.PUK ? this.puk : this.#pinReference(command.p2);
    if (command.p1 !== 0x00) throw new StatusError(SW.INCORRECT_P1_P2);
    if (command.data.length !== 2 * BLOCK) throw new StatusError(SW.INCORRECT_DATA);
    reference.check(command.data.subarray(0, BLOCK));
    reference.set(command.data.subarray(BLOCK));
    return success();
  }

  /** RESET RETRY COUNTER: PUK block, new PIN block. */
  unblock(command: Command): Reply {
    if (command.p1 !== 0x00 || command.p2 !== REFERENCE.APPLICATION_PIN)
      throw new StatusError(SW.INCORRECT_P1_P2);
    if (command.data.length !== 2 * BLOCK) throw new StatusError(SW.INCORRECT_DATA);
    this.puk.check(command.data.subarray(0, BLOCK));
    this.application.set(command.data.subarray(BLOCK));
    return success();
  }

  #pinReference(p2: number): PinReference {
    if (p2 === REFERENCE.APPLICATION_PIN) return this.application;
    if (p2 === REFERENCE.GLOBAL_PIN && this.global !== null) return this.global;
    throw new StatusError(SW.REFERENCE_NOT_FOUND);
  }
}
