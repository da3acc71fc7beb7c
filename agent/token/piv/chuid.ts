// The card's name: the GUID of the CHUID. A name, not an identity: it can be zero, and it can be cloned.
// Specification: SP 800-73-4 part 1, 3.1.2 and table 9. Signature, FASC-N and expiry are not read.

import { toHex } from '../../base/bytes.ts';
import { findTlv, readOnly, readTlvs } from '../../base/tlv.ts';
import { CHUID_GUID, DISCRETIONARY_DATA } from './constants.ts';

const GUID_BYTES = 16;

/**
 * The GUID as 32 upper-case hex digits.
 * @param reply to GET DATA, with its wrapper 53
 * @returns null where there is none, or only zeros
 * @throws AgentError `malformed`
 */
export function readGuid(reply: Uint8Array): string | null {
  const guid = findTlv(readTlvs(readOnly(reply, DISCRETIONARY_DATA)), CHUID_GUID);
  if (guid?.length !== GUID_BYTES || guid.every((byte) => byte === 0)) return null;
  return toHex(guid);
}
