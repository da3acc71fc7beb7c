// Whether what a card's maker says of a key is enough for a pairing. Pure.

import type { AttestationFindings, PinPolicy } from '../agent/model/card/attestation.ts';
import type { TouchPolicy } from '../agent/model/card/token.ts';
import type { AttestationPolicy, SettingName } from './policy.ts';

export type AttestationPermission =
  | { readonly permitted: true }
  | { readonly permitted: false; readonly rule: SettingName; readonly why: string };

/** The weaker first; `any` asks for nothing. */
const PIN_ORDER: readonly ('any' | PinPolicy)[] = ['any', 'never', 'once', 'always'];
const TOUCH_ORDER: readonly ('any' | TouchPolicy)[] = ['any', 'never', 'cached', 'always'];

/** Whether `found` is as strict as `wanted`; what is not said is never strict enough. */
function reaches<W extends string>(order: readonly W[], found: W | null, wanted: W): boolean {
  return wanted === order[0] || (found !== null && order.indexOf(found) >= order.indexOf(wanted));
}

/** `5.10.0` is after `5.7.1`. */
function isAtLeast(found: string | null, wanted: string): boolean {
  if (wanted === '') return true;
  if (found === null) return false;
  const [a, b] = [found, wanted].map((text) => text.split('.').map(Number));
  const different = [0, 1, 2].find((at) => (a?.[at] ?? 0) !== (b?.[at] ?? 0));
  return different === undefined || (a?.[different] ?? 0) > (b?.[different] ?? 0);
}

/** @param findings null: the card has attested nothing */
export function permitAttestation(
  policy: AttestationPolicy,
  findings: AttestationFindings | null,
): AttestationPermission {
  const refuse = (rule: SettingName, why: string): AttestationPermission => ({ permitted: false, rule, why });
  if (!policy.required) return { permitted: true };
  if (findings === null)
    return refuse('attestation.required', 'nothing attests that the key was made on a card');
  const { fault, pinPolicy, touchPolicy, firmware } = findings;
  if (fault !== null) return refuse('attestation.required', fault);
  if (!reaches(PIN_ORDER, pinPolicy, policy.pinPolicy))
    return refuse('attestation.pin_policy', `the key's PIN policy is ${pinPolicy ?? 'not said'}`);
  if (!reaches(TOUCH_ORDER, touchPolicy, policy.touchPolicy))
    return refuse('attestation.touch_policy', `the key's touch policy is ${touchPolicy ?? 'not said'}`);
  if (!isAtLeast(firmware, policy.minFirmware))
    return refuse('attestation.min_firmware', `the card's firmware is ${firmware ?? 'not said'}`);
  return { permitted: true };
}
