// What a directory server answers, before the LDAP library sees it.

import { takesStartTls } from '../../../agent/fleet/ldap/connect.ts';
import { checkedMessage, messageLength } from '../../../agent/fleet/ldap/message.ts';
import { writeTlv } from '../../../agent/base/tlv.ts';
import { entry, message, octets, result, searchDone } from '../../kit/fleet/lying-server.ts';
import type { Target } from '../engine.ts';
import { must, refusing } from './refusing.ts';

const page = writeTlv(0x30, Buffer.concat([writeTlv(0x02, Buffer.from([0])), octets('next')]));
const paged = writeTlv(0x30, Buffer.concat([octets('1.2.840.113556.1.4.319'), octets(page)]));

function answer(input: Buffer): void {
  refusing(() => messageLength(input));
  refusing(() => takesStartTls(input));
  const taken = refusing(() => checkedMessage(input));
  if (taken === undefined || taken === null) return;
  must(checkedMessage(taken.bytes)?.bytes.equals(taken.bytes) === true, 'what is handed on is whole');
  must(messageLength(taken.bytes) === taken.bytes.length, 'what is handed on is one message');
}

export const directory: readonly Target[] = [
  {
    name: 'ldap-message',
    files: [['agent/fleet/ldap/message.ts']],
    seeds: [
      entry(7, 'uid=ada', { scauthRecord: ['a', 'b'] }),
      searchDone(7),
      message(7, result(0x65, 0, 'done'), writeTlv(0xa0, paged)),
      message(7, writeTlv(0x73, octets('ldap://elsewhere/'))),
      message(1, result(0x61, 49, 'no')),
      message(1, result(0x78, 0)),
      message(
        7,
        writeTlv(
          0x64,
          Buffer.concat([octets('x'), writeTlv(0x30, Buffer.alloc(20_000, Buffer.from([0x30, 0])))]),
        ),
      ),
    ],
    run: answer,
  },
];
