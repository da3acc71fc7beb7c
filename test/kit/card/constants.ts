// Numbers of the PIV card, in the spelling of their documents. No behaviour.
// SP 800-73-4 part 1 (data objects, key references), part 2 (commands), SP 800-78-4 (algorithms), ISO/IEC 7816-4;
// Yubico's additions: docs.yubico.com, "PIV commands".

/** Instructions. SP 800-73-4 part 2, table 2; those of Yubico have a comment. */
export const INS = {
  VERIFY: 0x20,
  CHANGE_REFERENCE_DATA: 0x24,
  RESET_RETRY_COUNTER: 0x2c,
  GENERATE_ASYMMETRIC_KEY_PAIR: 0x47,
  GENERAL_AUTHENTICATE: 0x87,
  SELECT: 0xa4,
  GET_RESPONSE: 0xc0,
  GET_DATA: 0xcb,
  PUT_DATA: 0xdb,
  GET_METADATA: 0xf7, // Yubico 5.3
  GET_SERIAL: 0xf8, // Yubico 5.0
  ATTEST: 0xf9, // Yubico 4.3
  SET_PIN_RETRIES: 0xfa, // Yubico
  RESET: 0xfb, // Yubico
  GET_VERSION: 0xfd, // Yubico
  IMPORT_ASYMMETRIC_KEY: 0xfe, // Yubico
  SET_MANAGEMENT_KEY: 0xff, // Yubico
} as const;

/** Status words. ISO/IEC 7816-4 table 6; SP 800-73-4 part 1, table 4. */
export const SW = {
  SUCCESS: 0x9000,
  MORE_DATA: 0x6100,
  VERIFICATION_FAILED: 0x63c0,
  WRONG_LENGTH: 0x6700,
  LAST_COMMAND_OF_CHAIN_EXPECTED: 0x6883,
  SECURITY_STATUS_NOT_SATISFIED: 0x6982,
  AUTHENTICATION_METHOD_BLOCKED: 0x6983,
  CONDITIONS_NOT_SATISFIED: 0x6985,
  INCORRECT_DATA: 0x6a80,
  NOT_FOUND: 0x6a82,
  NOT_ENOUGH_MEMORY: 0x6a84,
  INCORRECT_P1_P2: 0x6a86,
  REFERENCE_NOT_FOUND: 0x6a88,
  INS_NOT_SUPPORTED: 0x6d00,
  CLA_NOT_SUPPORTED: 0x6e00,
  UNKNOWN_ERROR: 0x6f00,
} as const;

/** PIV Card Application identifier with its version. SP 800-73-4 part 1, section 2.2. */
export const PIV_AID = Buffer.from('A000000308000010000100', 'hex');

/** References of PINs and of the administration key. SP 800-73-4 part 1, table 4b. */
export const REFERENCE = {
  GLOBAL_PIN: 0x00,
  APPLICATION_PIN: 0x80,
  PUK: 0x81,
  MANAGEMENT_KEY: 0x9b,
  ATTESTATION: 0xf9, // Yubico
} as const;

/** Data object tags, as hex. SP 800-73-4 part 1, table 3. */
export const OBJECT = {
  CHUID: '5FC102',
  CCC: '5FC107',
  DISCOVERY: '7E',
  BIT_GROUP: '7F61',
  KEY_HISTORY: '5FC10C',
  ATTESTATION_CERTIFICATE: '5FFF01', // Yubico
} as const;

/** Objects that GET DATA gives only after the PIN: fingerprints, face, printed information, iris. */
export const PIN_PROTECTED_OBJECTS: ReadonlySet<string> = new Set(['5FC103', '5FC108', '5FC109', '5FC121']);

/** Tag of a slot's certificate object, as hex; null for a slot that is none. */
export function certificateTag(slot: number): string | null {
  if (slot === 0x9a) return '5FC105';
  if (slot === 0x9c) return '5FC10A';
  if (slot === 0x9d) return '5FC10B';
  if (slot === 0x9e) return '5FC101';
  if (slot === REFERENCE.ATTESTATION) return OBJECT.ATTESTATION_CERTIFICATE;
  if (slot >= 0x82 && slot <= 0x95) return (0x5fc10d + slot - 0x82).toString(16).toUpperCase();
  return null;
}

/** Algorithm identifiers. SP 800-78-4 table 6-2; 05 of SP 800-78-5; 16, E0, E1 are Yubico's (5.7). */
export const ALGORITHM = {
  rsa1024: 0x06,
  rsa2048: 0x07,
  rsa3072: 0x05,
  rsa4096: 0x16,
  p256: 0x11,
  p384: 0x14,
  ed25519: 0xe0,
  x25519: 0xe1,
} as const;

/** Kinds of asymmetric keys that the card holds. */
export type KeyType = keyof typeof ALGORITHM;

/** All kinds, for parsing. */
export const KEY_TYPES = Object.keys(ALGORITHM) as readonly KeyType[];

/** An error that ends a command with a status word and no data. */
export class StatusError extends Error {
  readonly sw: number;
  constructor(sw: number) {
    super(`status word ${sw.toString(16)}`);
    this.sw = sw;
  }
}

/** What the applet answers, before it is cut into response APDUs. */
export interface Reply {
  readonly data: Buffer;
  readonly sw: number;
}

/** 9000 with these bytes. */
export function success(data: Buffer = Buffer.alloc(0)): Reply {
  return { data, sw: SW.SUCCESS };
}
