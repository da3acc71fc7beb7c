// Yubico's PIV attestation: the chain from the slot's certificate through the card's own (F9) to a root that the
// administrator named, and the extensions in it. docs.yubico.com, "PIV attestation"; OIDs 1.3.6.1.4.1.41482.3.

import { AgentError, printable } from '../base/errors.ts';
import type { Attestation, AttestationFindings, PinPolicy } from '../model/card/attestation.ts';
import { publicKeyOf, sameKey, type PublicKey } from '../model/key/key.ts';
import type { TouchPolicy } from '../model/card/token.ts';
import { parseChainCertificate, type ParsedCertificate } from './certificate.ts';
import { findChain } from './chain.ts';
import { attributesOf } from './names.ts';

const YUBICO_PIV = '1.3.6.1.4.1.41482.3';
/** Three bytes: major, minor, patch. */
const FIRMWARE = `${YUBICO_PIV}.3`;
/** INTEGER. */
const SERIAL = `${YUBICO_PIV}.7`;
/** Two bytes: PIN policy, touch policy. */
const POLICIES = `${YUBICO_PIV}.8`;
/** 4 and 5 (Bio series) take a fingerprint in the PIN's place. */
const PIN_POLICY: Readonly<Partial<Record<number, PinPolicy>>> = {
  1: 'never',
  2: 'once',
  3: 'always',
  4: 'once',
  5: 'always',
};
const TOUCH_POLICY: Readonly<Partial<Record<number, TouchPolicy>>> = { 1: 'never', 2: 'always', 3: 'cached' };

const NOTHING = { pinPolicy: null, touchPolicy: null, firmware: null, serial: null } as const;

function bytesOf({ extensions }: ParsedCertificate, oid: string): Buffer | null {
  const extension = extensions.get(oid);
  return extension === undefined ? null : Buffer.from(extension.extnValue.valueBlock.valueHexView);
}

function serialOf(certificate: ParsedCertificate): string | null {
  const der = bytesOf(certificate, SERIAL);
  if (der?.[0] !== 0x02 || der[1] !== der.length - 2 || der.length < 3 || der.length > 10) return null;
  return BigInt(`0x${der.subarray(2).toString('hex')}`).toString();
}

/** What is wrong with the certificate as one for this key in this slot; null for nothing. */
function leafFault(leaf: ParsedCertificate, key: PublicKey, slot: string): string | null {
  if (!sameKey(publicKeyOf(leaf.publicKey), key)) return 'the attestation is for another key';
  const names = attributesOf(leaf.names.subject).map(({ value }) => value);
  if (!names.some((name) => name.toUpperCase().endsWith(` ${slot.toUpperCase()}`)))
    return `the attestation is not for the slot ${slot}`;
  if (bytesOf(leaf, FIRMWARE)?.length !== 3 || bytesOf(leaf, POLICIES)?.length !== 2)
    return 'it is no PIV attestation of a YubiKey';
  return null;
}

/**
 * @param key the key that is to be paired; what the attestation says must be about it
 * @param roots the administrator's; those that are self-signed are trusted
 * @returns never throws for a bad attestation
 */
export function attestationFindings(
  { certificate, intermediate }: Attestation,
  key: PublicKey,
  slot: string,
  roots: readonly ParsedCertificate[],
  nowMs: number,
): AttestationFindings {
  try {
    const leaf = parseChainCertificate(certificate);
    const own = parseChainCertificate(intermediate);
    const fault = leafFault(leaf, key, slot);
    if (fault !== null) return { ...NOTHING, fault };
    const chain = findChain(leaf, [own, ...roots], nowMs, 'attestation');
    if (chain.fault !== null) return { ...NOTHING, fault: `its attestation: ${chain.fault}` };
    // A root must stand above the card: the card's own word for itself is none.
    const root = chain.path.at(-1);
    if (root === undefined || !roots.some(({ sha256 }) => sha256 === root.sha256))
      return { ...NOTHING, fault: 'its attestation ends at the card itself' };
    const [pin = 0, touch = 0] = bytesOf(leaf, POLICIES) ?? [];
    return {
      fault: null,
      pinPolicy: PIN_POLICY[pin] ?? null,
      touchPolicy: TOUCH_POLICY[touch] ?? null,
      firmware: bytesOf(leaf, FIRMWARE)?.join('.') ?? null,
      serial: serialOf(leaf),
    };
  } catch (error) {
    const why = error instanceof AgentError ? error.detail : 'it cannot be read';
    return { ...NOTHING, fault: printable(`its attestation: ${why}`) };
  }
}
