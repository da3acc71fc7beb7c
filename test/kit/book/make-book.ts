// Lines of a pairing book, signed with real keys: officers, records and heads as sc_auth makes them, and each of their
// fields as somebody who lies would have it.

import { Challenge } from '../../../agent/model/challenge.ts';
import {
  bookBody,
  bookNumbersHash,
  type HeadInput,
  type OfficerInput,
  type RecordInput,
} from '../../../agent/model/book/book-body.ts';
import { bookItem, bookLineText, type BookKind, type BookSignature } from '../../../agent/model/book/book.ts';
import type { PublicKey } from '../../../agent/model/key/key.ts';
import type { Signer } from '../../unit/model/signer.ts';

export const REALM = 'example.org';
/** Of the bodies' times: seconds. */
export const NOW_S = 1_800_000_000;

export function signatureOf(by: Signer, kind: BookKind, body: string): BookSignature {
  const challenge = Challenge.create({
    purpose: 'pairing-book',
    hostId: Buffer.alloc(16, 3),
    user: 'officer',
    service: 'book',
    item: bookItem({ kind, body }),
  });
  const message = challenge.message();
  return { proof: by.sign(message), spki: by.publicKey.spki, message };
}

export function line(kind: BookKind, name: string, body: string, by: readonly Signer[]): string {
  return bookLineText({ kind, name, body, signatures: by.map((one) => signatureOf(one, kind, body)) });
}

const text = (key: PublicKey): string => key.spki.toString('base64url');

export function officerLine(key: PublicKey, by: readonly Signer[], more: Partial<OfficerInput> = {}): string {
  const said: OfficerInput = {
    ...{ realm: REALM, role: 'officer', key: text(key), name: 'Olga', groups: ['*'], hosts: ['*'] },
    ...{ notBefore: NOW_S - 1000, notAfter: NOW_S + 100_000_000, number: 1, ...more },
  };
  return line('officer', key.sha256.toLowerCase(), bookBody('officer', said), by);
}

export function recordLine(
  user: string,
  key: PublicKey,
  by: Signer,
  more: Partial<RecordInput> = {},
): string {
  const said: RecordInput = {
    ...{ realm: REALM, user, key: text(key), cardKey: null, label: 'Card', number: 10, uses: ['login'] },
    ...{ notBefore: NOW_S - 1000, notAfter: NOW_S + 10_000_000, ...more },
  };
  return line('record', key.pkhh.toLowerCase(), bookBody('record', said), [by]);
}

export function headLine(by: Signer, more: Partial<HeadInput> = {}): string {
  const said: HeadInput = {
    ...{ realm: REALM, epoch: 1, issued: NOW_S - 60, until: NOW_S + 3600, part: 1, parts: 1 },
    ...{ revoked: [], revokedNumbers: [], records: { count: 0, hash: bookNumbersHash([]) }, ...more },
  };
  return line('head', String(said.epoch), bookBody('head', said), [by]);
}
