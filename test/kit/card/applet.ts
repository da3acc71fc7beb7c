// The PIV card application: one unchained command in, data and a status word out. State in memory, no I/O, no clock.
// Transport (chaining, 61xx) is apdu.ts, faults are faults.ts; this file alone behaves as SP 800-73-4 part 2 says.
import { agree, respond, testKey } from './algorithms.ts';
import { Administration, generate } from './administration.ts';
import type { Command } from './apdu.ts';
import { makeCertificate } from './certificate.ts';
import { ALGORITHM, INS, PIV_AID, REFERENCE, SW, StatusError, success } from './constants.ts';
import type { Reply } from './constants.ts';
import { defaultPolicies, KeyStore, requirePin } from './keys.ts';
import { ObjectStore, fillObjects } from './objects.ts';
import { FACTORY_PINS, PinSet } from './pin.ts';
import type { CardProfile } from './profile.ts';
import { findTlv, parseTlvs, tlv } from './tlv.ts';
import { ATTESTATION_CN, YUBICO_INSTRUCTIONS, processYubico } from './yubico.ts';

/** Where faults reach into the applet. */
export interface AppletFaults {
  /** Whether VERIFY with P1 = FF answers 9000 and does nothing. */
  ignoreDeverify(): boolean;
  /** May replace the result of a private-key operation. */
  signature(real: Buffer): Buffer;
}

/** A card without faults. */
export const NO_FAULTS: AppletFaults = { ignoreDeverify: () => false, signature: (real) => real };

/** One card's application and memory. */
export class PivApplet {
  readonly profile: CardProfile;
  readonly keys = new KeyStore();
  readonly objects = new ObjectStore();
  pins: PinSet;
  administration: Administration;
  #selected = false;
  readonly #faults: AppletFaults;

  constructor(profile: CardProfile, faults: AppletFaults = NO_FAULTS) {
    this.profile = profile;
    this.#faults = faults;
    this.pins = new PinSet(profile);
    this.administration = new Administration(profile.firmware);
    const retired = profile.slots.filter(({ slot }) => slot <= 0x95).length;
    if (!profile.factory) fillObjects(this.objects, profile.guid, profile.discovery, retired);
    for (const { slot, privateKey, certificate, gzip } of profile.slots) {
      const { touch: touchPolicy } = profile;
      const policies = { ...defaultPolicies(slot), ...(slot === 0x9a && { touchPolicy }) };
      this.keys.set(slot, privateKey, profile.origin, policies);
      if (certificate !== null) this.objects.setCertificate(slot, certificate, gzip);
    }
    this.#addAttestation();
  }

  get selected(): boolean {
    return this.#selected;
  }

  /** Power on, power off, or reset: nothing selected, nothing verified. */
  reset(): void {
    this.#selected = false;
    this.pins.deverify();
    this.administration.reset();
  }

  /** Yubico's RESET: an empty card. */
  factoryReset(): void {
    this.keys.clear();
    this.objects.clear();
    this.resetPins(3, 3);
    this.administration = new Administration(this.profile.firmware);
    this.#addAttestation();
  }

  /** Default PIN and PUK with new numbers of tries. */
  resetPins(pinTries: number, pukTries: number): void {
    const { pinComplexity } = this.profile;
    this.pins = new PinSet({ ...FACTORY_PINS, globalPin: null, pinTries, pukTries, pinComplexity });
  }

  /** Processes one command. Never throws: whatever goes wrong is a status word. */
  process(command: Command): Reply {
    try {
      return this.#dispatch(command);
    } catch (error) {
      const sw = error instanceof StatusError ? error.sw : SW.UNKNOWN_ERROR;
      return { data: Buffer.alloc(0), sw };
    }
  }

  #dispatch(command: Command): Reply {
    if (command.ins === INS.SELECT) return this.#select(command);
    if (!this.#selected) throw new StatusError(SW.INS_NOT_SUPPORTED);
    if (YUBICO_INSTRUCTIONS.has(command.ins)) {
      if (!this.profile.yubico) throw new StatusError(SW.INS_NOT_SUPPORTED);
      return processYubico(this, command);
    }
    switch (command.ins) {
      case INS.VERIFY:
        return this.pins.verify(command, command.p1 === 0xff && this.#faults.ignoreDeverify());
      case INS.CHANGE_REFERENCE_DATA:
        return this.pins.change(command);
      case INS.RESET_RETRY_COUNTER:
        return this.pins.unblock(command);
      case INS.GENERAL_AUTHENTICATE:
        return this.#generalAuthenticate(command);
      case INS.GENERATE_ASYMMETRIC_KEY_PAIR:
        this.administration.require();
        return generate(command, this.keys);
      case INS.GET_DATA:
        if (command.p1 !== 0x3f || command.p2 !== 0xff) throw new StatusError(SW.INCORRECT_P1_P2);
        return this.objects.getData(command.data, this.pins.verified);
      case INS.PUT_DATA:
        if (command.p1 !== 0x3f || command.p2 !== 0xff) throw new StatusError(SW.INCORRECT_P1_P2);
        this.administration.require();
        return this.objects.putData(command.data);
      case INS.GET_RESPONSE:
        throw new StatusError(SW.CONDITIONS_NOT_SATISFIED);
      default:
        throw new StatusError(SW.INS_NOT_SUPPORTED);
    }
  }

  /** SELECT by full or right-truncated AID. Selecting again leaves what is verified (part 2, section 3.1.1). */
  #select(command: Command): Reply {
    const { data } = command;
    if (command.p1 !== 0x04) throw new StatusError(SW.INCORRECT_P1_P2);
    if (data.length < 5 || !PIV_AID.subarray(0, data.length).equals(data))
      throw new StatusError(SW.NOT_FOUND);
    this.#selected = true;
    const suffix = PIV_AID.subarray(5);
    const authority = tlv(0x79, tlv(0x4f, PIV_AID.subarray(0, 5)));
    return success(tlv(0x61, tlv(0x4f, suffix), authority));
  }

  /** GENERAL AUTHENTICATE: sign or decrypt (81), agree on a key (85), or authenticate the administrator (9B). */
  #generalAuthenticate(command: Command): Reply {
    const template = findTlv(parseTlvs(command.data) ?? [], 0x7c);
    const objects = template === null ? null : parseTlvs(template);
    if (objects === null) throw new StatusError(SW.INCORRECT_DATA);
    if (command.p2 === REFERENCE.MANAGEMENT_KEY) return this.administration.authenticate(command.p1, objects);
    const key = this.keys.get(command.p2);
    if (command.p1 !== ALGORITHM[key.type]) throw new StatusError(SW.INCORRECT_P1_P2);
    const challenge = findTlv(objects, 0x81);
    const point = findTlv(objects, 0x85);
    // Facts, not taste: without the empty 82 real cards answer 6A80.
    if (findTlv(objects, 0x82)?.length !== 0 || (challenge === null) === (point === null))
      throw new StatusError(SW.INCORRECT_DATA);
    requirePin(key, this.pins);
    const result =
      challenge !== null
        ? this.#faults.signature(respond(key.privateKey, challenge))
        : agree(key.privateKey, point ?? Buffer.alloc(0));
    return success(tlv(0x7c, tlv(0x82, result)));
  }

  #addAttestation(): void {
    if (!this.profile.yubico) return;
    const privateKey = testKey('attestation', 1);
    this.keys.set(REFERENCE.ATTESTATION, privateKey, 'imported', {
      pinPolicy: 'never',
      touchPolicy: 'never',
    });
    const der = makeCertificate(privateKey, { cn: ATTESTATION_CN, ca: true });
    this.objects.setCertificate(REFERENCE.ATTESTATION, der);
  }
}
