// What a certificate is for: key usage and extended key usage, read in one place for drivers (which key is for logins?)
// and for the chain (may it vouch for one?). RFC 5280, 4.2.1.3 and 4.2.1.12.

import { AgentError } from '../../base/errors.ts';
import { readTlv } from '../../base/tlv.ts';
import { certificateParts } from './certificate-parts.ts';

/** Bits of KeyUsage that are asked for. */
export const KEY_USAGE_BIT = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
} as const;

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
/** Extended key usages that say "for logins". */
const LOGIN_USES: readonly string[] = [
  CLIENT_AUTH,
  '1.3.6.1.4.1.311.20.2.2', // Microsoft smart card logon
  '1.3.6.1.5.2.3.4', // PKINIT client
];
const ANY_USE = '2.5.29.37.0';

/** Whether a TLS client may use it. */
export function permitsTlsClient(uses: readonly string[]): boolean {
  return uses.includes(CLIENT_AUTH) || uses.includes(ANY_USE);
}

/** 2.5.29.15, its content in hex. */
const KEY_USAGE_OID = '551d0f';
const BIT_STRING = 0x03;

/** Whether one of the uses is expressly a login. */
export function namesLogin(uses: readonly string[]): boolean {
  return uses.some((use) => LOGIN_USES.includes(use));
}

/** Whether logins are among the uses, by name or because anything is. */
export function permitsLogin(uses: readonly string[]): boolean {
  return namesLogin(uses) || uses.includes(ANY_USE);
}

/** Whether KeyUsage has a bit; null where the certificate has no KeyUsage. @throws AgentError `malformed` */
export function hasKeyUsage(der: Uint8Array, bit: number): boolean | null {
  const content = certificateParts(der).extensions.get(KEY_USAGE_OID);
  if (content === undefined) return null;
  const [bits] = readTlv(content);
  if (bits.tag !== BIT_STRING)
    throw new AgentError('malformed', { detail: 'the key usage is no bit string' });
  // The first byte counts unused bits, bit 0 is the highest of the next.
  return (((bits.value[1 + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
}
