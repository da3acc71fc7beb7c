// Active Directory's extension with an account's SID, for x509v3_config(5): [MS-WCCE] 2.2.2.7.7.4.

import { tlv } from '../card/tlv.ts';

const SID_NAME = Buffer.from('2b060104018237190201', 'hex');

export function sidExtension(sid: string): string {
  const name = tlv(0xa0, tlv(0x06, SID_NAME), tlv(0xa0, tlv(0x04, Buffer.from(sid, 'latin1'))));
  return `1.3.6.1.4.1.311.25.2=DER:${tlv(0x30, name).toString('hex')}`;
}
