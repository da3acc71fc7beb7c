// Yubico's additions: version, serial number, metadata, set retries, import, attest, reset, set management key.
// Only what yubico-piv-tool, ykman and OpenSC ask for; touch policies are shown; the fault `touch` (faults.ts) waits for one.
// Specification: docs.yubico.com/yesdk, "PIV commands"; names as there.
import { createPublicKey } from 'node:crypto';
import { publicKeyObjects } from './algorithms.ts';
import type { PivApplet } from './applet.ts';
import type { Command } from './apdu.ts';
import { makeCertificate } from './certificate.ts';
import { ALGORITHM, INS, OBJECT, REFERENCE, SW, StatusError, success } from './constants.ts';
import type { Reply } from './constants.ts';
import { keyTypeOfAlgorithm, policyNumbers, readImportedKey, requestedPolicies } from './keys.ts';
import type { PinReference } from './pin.ts';
import { findTlv, parseTlvs, tlv } from './tlv.ts';

/** The instructions that a card without Yubico's additions answers with 6D00. */
export const YUBICO_INSTRUCTIONS: ReadonlySet<number> = new Set([
  INS.GET_METADATA,
  INS.GET_SERIAL,
  INS.ATTEST,
  INS.SET_PIN_RETRIES,
  INS.RESET,
  INS.GET_VERSION,
  INS.IMPORT_ASYMMETRIC_KEY,
  INS.SET_MANAGEMENT_KEY,
]);

const one = (tag: number, ...bytes: readonly number[]): Buffer => tlv(tag, Buffer.from(bytes));
const TOUCH_NEVER = 1;

/** One of the instructions above. @throws StatusError */
export function processYubico(applet: PivApplet, command: Command): Reply {
  switch (command.ins) {
    case INS.GET_VERSION:
      return success(Buffer.from(applet.profile.firmware));
    case INS.GET_SERIAL: {
      const serial = Buffer.alloc(4);
      serial.writeUInt32BE(applet.profile.serial);
      return success(serial);
    }
    case INS.GET_METADATA:
      if (!isAtLeast(applet.profile.firmware, 5, 3)) throw new StatusError(SW.INS_NOT_SUPPORTED);
      return success(metadata(applet, command.p2));
    case INS.ATTEST:
      return attest(applet, command.p1);
    case INS.SET_PIN_RETRIES:
      return setRetries(applet, command);
    case INS.RESET:
      if (applet.pins.application.tries > 0 || applet.pins.puk.tries > 0)
        throw new StatusError(SW.CONDITIONS_NOT_SATISFIED);
      applet.factoryReset();
      return success();
    case INS.IMPORT_ASYMMETRIC_KEY: {
      applet.administration.require();
      const objects = parseTlvs(command.data) ?? [];
      const key = readImportedKey(keyTypeOfAlgorithm(command.p1), command.data);
      applet.keys.set(command.p2, key, 'imported', requestedPolicies(objects, command.p2));
      return success();
    }
    case INS.SET_MANAGEMENT_KEY: {
      applet.administration.require();
      const [algorithm = 0, reference, length = 0] = command.data;
      const key = command.data.subarray(3);
      // P2 FE: the key wants a touch from now on, which nobody here gives.
      if (command.p1 !== 0xff || command.p2 !== 0xff) throw new StatusError(SW.INCORRECT_P1_P2);
      if (reference !== REFERENCE.MANAGEMENT_KEY || key.length !== length)
        throw new StatusError(SW.INCORRECT_DATA);
      if (algorithm !== 0x03 && !isAtLeast(applet.profile.firmware, 5, 4))
        throw new StatusError(SW.INCORRECT_DATA);
      applet.administration.set(algorithm, key);
      return success();
    }
    default:
      throw new StatusError(SW.INS_NOT_SUPPORTED);
  }
}

function isAtLeast([has = 0, of = 0]: readonly number[], major: number, minor: number): boolean {
  return has > major || (has === major && of >= minor);
}

/** GET METADATA: 01 algorithm, 02 policies, 03 origin, 04 public key, 05 is default, 06 total and remaining tries. */
function metadata(applet: PivApplet, reference: number): Buffer {
  const pin = (one_: PinReference): Buffer =>
    Buffer.concat([one(0x01, 0xff), one(0x05, one_.isDefault ? 1 : 0), one(0x06, one_.maxTries, one_.tries)]);
  if (reference === REFERENCE.APPLICATION_PIN) return pin(applet.pins.application);
  if (reference === REFERENCE.PUK) return pin(applet.pins.puk);
  if (reference === REFERENCE.MANAGEMENT_KEY) {
    const { algorithm, isDefault } = applet.administration;
    return Buffer.concat([one(0x01, algorithm), one(0x02, 0, TOUCH_NEVER), one(0x05, isDefault ? 1 : 0)]);
  }
  const key = applet.keys.get(reference);
  return Buffer.concat([
    one(0x01, ALGORITHM[key.type]),
    one(0x02, ...policyNumbers(key)),
    one(0x03, key.origin === 'generated' ? 1 : 2),
    tlv(0x04, publicKeyObjects(key.privateKey)),
  ]);
}

/** ATTEST: a certificate for a generated key, signed by F9. */
function attest(applet: PivApplet, slot: number): Reply {
  const key = applet.keys.get(slot);
  const signer = applet.keys.get(REFERENCE.ATTESTATION);
  if (key.origin !== 'generated') throw new StatusError(SW.INCORRECT_DATA);
  const cn = `YubiKey PIV Attestation ${slot.toString(16)}`;
  const serial = Buffer.alloc(4);
  serial.writeUInt32BE(applet.profile.serial);
  // docs.yubico.com, "PIV attestation": firmware, serial number, PIN and touch policy, form factor.
  const only = [
    [`${YUBICO_PIV}.3`, Buffer.from(applet.profile.firmware)],
    [`${YUBICO_PIV}.7`, tlv(0x02, serial)],
    [`${YUBICO_PIV}.8`, Buffer.from(policyNumbers(key))],
    [`${YUBICO_PIV}.9`, Buffer.from([0x01])],
  ] as const;
  const issuer = { cn: ATTESTATION_CN, privateKey: signer.privateKey, name: attestorName(applet) };
  return success(makeCertificate(createPublicKey(key.privateKey), { cn, only }, issuer));
}

const YUBICO_PIV = '1.3.6.1.4.1.41482.3';

/** The subject (DER) of the certificate in F9. @throws StatusError 6A82 where there is none */
function attestorName(applet: PivApplet): Buffer {
  const tag = Buffer.from(OBJECT.ATTESTATION_CERTIFICATE, 'hex');
  const { data } = applet.objects.getData(tlv(0x5c, tag), true);
  const inside = (bytes: Buffer, wanted: number): Buffer =>
    findTlv(parseTlvs(bytes) ?? [], wanted) ?? Buffer.alloc(0);
  const [body] = parseTlvs(inside(inside(inside(data, 0x53), 0x70), 0x30)) ?? [];
  // version, serial, algorithm, issuer, validity, subject (RFC 5280, 4.1)
  const subject = (parseTlvs(body?.value ?? Buffer.alloc(0)) ?? [])[5];
  if (subject === undefined) throw new StatusError(SW.NOT_FOUND);
  return tlv(0x30, subject.value);
}

/** Subject of the test card's attestation certificate. */
export const ATTESTATION_CN = 'scauth test card PIV Attestation';

/** SET PIN RETRIES: P1 tries of the PIN, P2 of the PUK; both get their default value again. */
function setRetries(applet: PivApplet, command: Command): Reply {
  applet.administration.require();
  if (!applet.pins.verified) throw new StatusError(SW.SECURITY_STATUS_NOT_SATISFIED);
  if (command.p1 === 0 || command.p2 === 0) throw new StatusError(SW.INCORRECT_P1_P2);
  applet.resetPins(command.p1, command.p2);
  return success();
}
