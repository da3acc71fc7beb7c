// Numbers of PIV, in the spelling of their source, grouped by document and section. No behaviour.
// NIST SP 800-73-4 (and -5) part 1 and part 2, SP 800-78-4 (and -5), ISO/IEC 7816-4, Yubico's PIV extensions.

import { fromHex } from '../../base/bytes.ts';
import type { KeyAlgorithm } from '../../model/key/key.ts';
import type { KeyUse, PinPolicy, TouchPolicy } from '../../model/card/token.ts';

// SP 800-73-4 part 1, 2.2: the AID, right-truncated by the version so that any version is selected
export const PIV_AID = fromHex('A00000030800001000');

// SP 800-73-4 part 2, 3.1 to 3.2 and ISO/IEC 7816-4: instructions
export const INS = {
  VERIFY: 0x20,
  GENERATE_ASYMMETRIC_KEY_PAIR: 0x47,
  GENERAL_AUTHENTICATE: 0x87,
  SELECT: 0xa4,
  GET_RESPONSE: 0xc0,
  GET_DATA: 0xcb,
  PUT_DATA: 0xdb,
} as const;

// ISO/IEC 7816-4, 5.4.1: more of this command follows
export const CLA_CHAINING = 0x10;

// SP 800-73-4 part 2, 3.2.1 VERIFY
export const VERIFY_P1_RESET_SECURITY_STATUS = 0xff;
/** A PIN block is always so long, padded with FF. */
export const PIN_BLOCK_BYTES = 8;
export const PIN_PADDING = 0xff;
export const PIN_MIN_BYTES = 6;

// SP 800-73-4 part 1, table 4a: key references of PINs
export const GLOBAL_PIN = 0x00;
export const PIV_CARD_APPLICATION_PIN = 0x80;

// SP 800-73-4 part 2, 3.1.2 and part 1, appendix A: data objects
export const TAG_LIST = 0x5c;
export const DISCRETIONARY_DATA = 0x53;
export const DATA_OBJECT = {
  CARD_HOLDER_UNIQUE_IDENTIFIER: 0x5fc102,
  CARD_CAPABILITY_CONTAINER: 0x5fc107,
  /** Opened by the PIN. */
  PRINTED_INFORMATION: 0x5fc109,
  KEY_HISTORY: 0x5fc10c,
  DISCOVERY: 0x7e,
} as const;

// SP 800-73-4 part 1, table 10: inside a certificate object
export const CERTIFICATE = 0x70;
export const CERT_INFO = 0x71;
export const ERROR_DETECTION_CODE = 0xfe;

// SP 800-73-4 part 1, table 9: inside the CHUID
export const CHUID_GUID = 0x34;

// SP 800-73-4 part 1, 3.3.2: inside the Discovery object
export const PIN_USAGE_POLICY = 0x5f2f;
export const POLICY_GLOBAL_PIN = 0x20;
export const POLICY_GLOBAL_PIN_PRIMARY = 0x20;

// SP 800-73-4 part 1, 3.3.3: inside the Key History object
export const KEYS_WITH_ON_CARD_CERTS = 0xc1;

// SP 800-73-4 part 2, table 7: GENERAL AUTHENTICATE
export const DYNAMIC_AUTHENTICATION_TEMPLATE = 0x7c;
export const WITNESS = 0x80;
export const CHALLENGE = 0x81;
export const RESPONSE = 0x82;
export const EXPONENTIATION = 0x85;

// SP 800-73-4 part 2, 3.3.2 and table 10: GENERATE ASYMMETRIC KEY PAIR
export const CONTROL_REFERENCE_TEMPLATE = 0xac;
export const MECHANISM = 0x80;
export const PUBLIC_KEY_TEMPLATE = 0x7f49;

// SP 800-78-4, table 6-2 and SP 800-78-5; RSA 4096 and Ed25519 are Yubico's (firmware 5.7)
export const CRYPTOGRAPHIC_MECHANISM: Record<KeyAlgorithm, number> = {
  rsa3072: 0x05,
  rsa2048: 0x07,
  p256: 0x11,
  p384: 0x14,
  rsa4096: 0x16,
  ed25519: 0xe0,
};

/** A key and the object that holds its certificate. */
export interface Slot {
  /** As people write it: `9A`. */
  readonly name: string;
  readonly keyReference: number;
  readonly objectTag: number;
  readonly use: KeyUse;
  /** The name of the certificate's container, as SP 800-73-4 part 1 and OpenSC have it. */
  readonly certificateLabel: string;
}

// SP 800-73-4 part 1, tables 3 and 4b
export const SLOTS: readonly Slot[] = [
  slot(0x9a, 0x5fc105, 'authentication', 'Certificate for PIV Authentication'),
  slot(0x9c, 0x5fc10a, 'signature', 'Certificate for Digital Signature'),
  slot(0x9d, 0x5fc10b, 'key-management', 'Certificate for Key Management'),
  slot(0x9e, 0x5fc101, 'card-authentication', 'Certificate for Card Authentication'),
];

/** SP 800-73-4 part 1, table 4b. */
export const CARD_MANAGEMENT_KEY = 0x9b;

/** Retired key management keys 82 to 95, certificates 5FC10D to 5FC120. */
export const RETIRED_SLOTS: readonly Slot[] = Array.from({ length: 20 }, (_, index) =>
  slot(0x82 + index, 0x5fc10d + index, 'retired', `Retired Certificate for Key Management ${index + 1}`),
);

function slot(keyReference: number, objectTag: number, use: KeyUse, certificateLabel: string): Slot {
  return { name: keyReference.toString(16).toUpperCase(), keyReference, objectTag, use, certificateLabel };
}

// Yubico, "PIV extensions" (developers.yubico.com/PIV/Introduction/Yubico_extensions.html)
export const YUBICO_INS = {
  /** Firmware 5.3 and later. */
  GET_METADATA: 0xf7,
  GET_SERIAL: 0xf8,
  /** Firmware 4.3 and later. */
  ATTEST: 0xf9,
  SET_PIN_RETRIES: 0xfa,
  GET_VERSION: 0xfd,
  SET_MANAGEMENT_KEY: 0xff,
} as const;
/** The certificate of slot F9. */
export const ATTESTATION_OBJECT = 0x5fff01;
/** What ykman knows of the card. */
export const PIVMAN_OBJECT = 0x5fff00;
/** In the template of GENERATE, beside the mechanism (firmware 4 and later). */
export const PIN_POLICY_TAG = 0xaa;
export const TOUCH_POLICY_TAG = 0xab;
export const METADATA_ALGORITHM = 0x01;
/** PIN policy, touch policy. */
export const METADATA_POLICY = 0x02;
export const METADATA_PUBLIC_KEY = 0x04;
export const METADATA_IS_DEFAULT = 0x05;
export const METADATA_RETRIES = 0x06;
export const PIN_POLICY: Readonly<Partial<Record<number, PinPolicy>>> = {
  1: 'never',
  2: 'once',
  3: 'always',
};
export const PIN_POLICY_NUMBER: Readonly<Record<PinPolicy, number>> = { never: 1, once: 2, always: 3 };
export const TOUCH_POLICY_NUMBER: Readonly<Record<TouchPolicy, number>> = { never: 1, always: 2, cached: 3 };
export const TOUCH_POLICY: Readonly<Partial<Record<number, TouchPolicy>>> = {
  1: 'never',
  2: 'always',
  3: 'cached',
};
// Inside METADATA_PUBLIC_KEY, as in the reply of GENERATE ASYMMETRIC KEY PAIR (SP 800-73-4 part 2, table 11)
export const PUBLIC_KEY_MODULUS = 0x81;
export const PUBLIC_KEY_EXPONENT = 0x82;
export const PUBLIC_KEY_POINT = 0x86;
