// What a card says: replies and their pieces, TLV, objects, metadata, its answer to reset.

import { gzipSync, deflateSync } from 'node:zlib';
import { findTlv, readOnly, readTlv, readTlvs, writeTlv } from '../../../agent/base/tlv.ts';
import { historicalBytes, saysExtendedLength } from '../../../agent/pcsc/atr.ts';
import type { CardChannel } from '../../../agent/pcsc/channel.ts';
import { ApduExchange, MAX_REPLY_BYTES } from '../../../agent/token/piv/apdu.ts';
import { readCertificateObject } from '../../../agent/token/piv/certificate-object.ts';
import { readGuid } from '../../../agent/token/piv/chuid.ts';
import { readPinReference, readRetiredCount } from '../../../agent/token/piv/discovery.ts';
import {
  isYubiKey,
  readMetadataKey,
  readPolicies,
  readPublicKey,
  worksByItself,
} from '../../../agent/token/piv/metadata.ts';
import * as status from '../../../agent/token/piv/status.ts';
import { MAX_CERTIFICATE_BYTES } from '../../../agent/model/key/key.ts';
import type { Target } from '../engine.ts';
import { must, refusing, same, vector } from './refusing.ts';

const hex = (...texts: string[]): Buffer[] =>
  texts.map((text) => Buffer.from(text.replaceAll(' ', ''), 'hex'));
const certificate = vector('cacert-user.pem');

/** Three commands, to a card whose replies are the input, one behind the other: a length byte, then the bytes. */
async function apdu(input: Buffer): Promise<void> {
  let [at, sent] = [1, 0];
  const channel: CardChannel = {
    extendedLength: (input[0] ?? 0) % 2 === 1,
    transmit: (command) => {
      must(++sent <= 1000, 'a command above the budget');
      must(command.length >= 4 && command.length <= 65_544, 'no command APDU');
      const length = input[at] ?? 0;
      const reply = Buffer.from(input.subarray(at + 1, at + 1 + length));
      at = at + 1 + length >= input.length ? 1 : at + 1 + length;
      return Promise.resolve(reply);
    },
    close: () => Promise.resolve(true),
  };
  const exchange = new ApduExchange(channel);
  for (const [data, expected] of [
    [Buffer.alloc(0), 0],
    [Buffer.alloc(5), MAX_REPLY_BYTES],
    [Buffer.alloc(600), 256],
  ] as const) {
    const reply = await exchange.send({ ins: 0xcb, p1: 1, p2: 2, data, expected }).catch((error: unknown) => {
      refusing(() => {
        throw error;
      });
      return null;
    });
    if (reply === null) continue;
    must(reply.data.length <= MAX_REPLY_BYTES + 65_538, 'a reply above the budget');
    readStatus(reply.sw);
  }
}

function readStatus(sw: status.StatusWord): void {
  const tries = status.pinStatusOf(sw);
  must(typeof tries === 'string' || tries.triesLeft === null || tries.triesLeft <= 15, 'tries');
  for (const read of [status.verifyResultOf, status.padResultOf])
    must(read(sw).verified === (sw === 0x9000), 'verified by another word than 9000');
  for (const wantsTouch of [true, false])
    must(status.signFailure(sw, wantsTouch) instanceof Error, 'no failure');
  status.isAbsent(sw);
  status.hasNoReference(sw);
  refusing(() => {
    throw status.failure('VERIFY', sw);
  });
}

function tlv(input: Buffer): void {
  const one = refusing(() => readTlv(input));
  if (one !== undefined) {
    const [{ tag, value }, rest] = one;
    must(value.length + rest.length < input.length, 'more than there was');
    const [again, nothing] = readTlv(writeTlv(tag, value));
    same([again.tag, again.value, nothing.length], [tag, value, 0], 'a TLV is what it is written as');
    for (const wanted of [tag, 0x53]) refusing(() => readOnly(input, wanted));
  }
  const all = refusing(() => readTlvs(input)) ?? [];
  must(all.length <= 64 && all.every(({ value }) => value.length < input.length), 'elements above their cap');
  must(
    all.every(({ tag }) => findTlv(all, tag) !== undefined),
    'what is there is found',
  );
}

const object = (...parts: Buffer[]): Buffer => writeTlv(0x53, Buffer.concat(parts));

function certificateObject(input: Buffer): void {
  const found = refusing(() => readCertificateObject(input)) ?? null;
  must(
    found === null || found.length <= Math.max(MAX_CERTIFICATE_BYTES, input.length),
    'inflated above the cap',
  );
}

function objects(input: Buffer): void {
  must(/^([0-9A-F]{32})?$/.test(refusing(() => readGuid(input)) ?? ''), 'a GUID of 16 bytes');
  must([0x00, 0x80, undefined].includes(refusing(() => readPinReference(input))), 'another PIN');
  must((refusing(() => readRetiredCount(input)) ?? 0) <= 20, 'more old keys than there are places');
}

function metadata(input: Buffer): void {
  refusing(() => readMetadataKey(input));
  const { pin, touch } = refusing(() => readPolicies(input)) ?? { pin: null, touch: null };
  const byItself = refusing(() => worksByItself(input)) ?? false;
  must(!byItself || (pin === 'never' && touch === 'never'), 'a key that wants something works by itself');
  for (const algorithm of ['rsa2048', 'p256', 'p384', 'ed25519'] as const)
    refusing(() => readPublicKey(algorithm, input));
}

function atr(input: Buffer): void {
  const historical = historicalBytes(input);
  must(historical.length <= 15 && input.includes(historical), 'historical bytes that are not there');
  must(!saysExtendedLength(input) || historical.length > 3, 'extended length from nothing');
  must(!isYubiKey(input) || input.length >= 7, 'a YubiKey from nothing');
}

const POINT =
  '04' +
  '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5';

export const card: readonly Target[] = [
  {
    name: 'apdu',
    files: [['agent/token/piv/apdu.ts'], ['agent/token/piv/status.ts']],
    seeds: hex(
      '00 02 9000 02 9000 02 9000',
      '01 02 63C3 02 6700 02 9000',
      '00 02 6C05 04 AABB 6104 04 CCDD 9000 02 6100 02 9000',
      '01 02 6983 02 6300 02 6302',
      '00 02 6400 02 6401 02 6403',
      '00 02 6B80 02 6982 02 6A80',
      `00 FF ${'AA'.repeat(253)} 61FF`,
    ),
    run: apdu,
  },
  {
    name: 'tlv',
    files: [['agent/base/tlv.ts']],
    seeds: [
      ...hex('5300', '7F61 03 020101', '5FC102 8101 00', '30820003020101', '53830000 01 00', '1F81 01 00'),
      writeTlv(0x53, Buffer.alloc(300)),
      writeTlv(0x5fc105, Buffer.alloc(70_000).subarray(0, 9000)),
    ],
    run: tlv,
  },
  {
    name: 'certificate-object',
    files: [['agent/token/piv/certificate-object.ts']],
    seeds: [
      object(writeTlv(0x70, certificate), writeTlv(0x71, Buffer.from([0])), writeTlv(0xfe, Buffer.alloc(0))),
      object(writeTlv(0x70, gzipSync(certificate)), writeTlv(0x71, Buffer.from([1]))),
      object(writeTlv(0x70, deflateSync(certificate))),
      object(
        writeTlv(
          0x70,
          Buffer.concat([
            Buffer.from('0100', 'hex'),
            Buffer.from([certificate.length & 0xff, certificate.length >> 8]),
            deflateSync(certificate),
          ]),
        ),
      ),
      object(writeTlv(0x70, gzipSync(Buffer.alloc(100_000)))),
      object(writeTlv(0x70, Buffer.concat([gzipSync(certificate), Buffer.alloc(3)]))),
      object(writeTlv(0x70, Buffer.concat([Buffer.from('01000100', 'hex'), deflateSync(certificate)]))),
      object(),
    ],
    run: certificateObject,
  },
  {
    name: 'objects',
    files: [['agent/token/piv/chuid.ts'], ['agent/token/piv/discovery.ts']],
    seeds: hex(
      '53 3B 3019 D4E739DA739CED39CE739D836858210842108421C84210C3EB 3410 0102030405060708090A0B0C0D0E0F10 3508 3230333030313031 3E00 FE00',
      '7E 12 4F0B A000000308000010000100 5F2F02 6010',
      '53 0C C10101 C20100 F300 FE0101'.replace('53 0C', '53 0B'),
    ),
    run: objects,
  },
  {
    name: 'metadata',
    files: [['agent/token/piv/metadata.ts', 'isYubiKey']],
    seeds: hex(
      `010111 02020101 030101 044386 41 ${POINT}`,
      `010107 02020202 0482010A 81820100 ${'c1'.repeat(256)} 8203010001`,
      `0101E0 02020301 04228620 ${'07'.repeat(32)}`,
      '0101FF 050101 06020303',
    ),
    run: metadata,
  },
  {
    name: 'atr',
    files: [['agent/pcsc/atr.ts']],
    seeds: hex(
      '3BFD1300008131FE158073C021C057597562694B657940',
      '3B8F8001804F0CA000000306030001000000006A',
      '3BF81300008131FE15597562696B657934D4',
      '3B04 00 73 0040 9000',
    ),
    run: atr,
  },
];
