// Name constraints that openssl does not write: RFC 5280, 4.2.1.10 knows no depth of a subtree. The others are in chain.test.ts.

import test from 'ava';
import { parseChainCertificate } from '../../../agent/trust/certificate.ts';
import { constraintFault } from '../../../agent/trust/name-constraints.ts';
import { testKey } from '../../kit/card/algorithms.ts';
import { makeCertificate } from '../../kit/card/certificate.ts';
import { ia5, sequence } from '../../kit/card/der.ts';
import { tlv } from '../../kit/card/tlv.ts';

const key = testKey('p256', 1);
const HOST = ia5(0x82, 'ada.example.org');

/** What an authority says whose subtree of example.org has these bytes behind its name. */
function fault(...depth: readonly Buffer[]): string | null {
  const tree = sequence(ia5(0x82, 'example.org'), ...depth);
  const constraints = sequence(tlv(0xa0, tree));
  const authority = makeCertificate(key, { cn: 'CA', only: [['2.5.29.30', constraints]] });
  const certificate = makeCertificate(key, { cn: 'Ada', only: [['2.5.29.17', sequence(HOST)]] });
  return constraintFault(parseChainCertificate(authority), parseChainCertificate(certificate));
}

test('S11: a subtree from some depth on, or down to one, vouches for nobody', (t) => {
  t.is(fault(), null);
  t.is(fault(tlv(0x80, Buffer.from([0]))), null, 'from the first name on: all of it');
  for (const depth of [0x80, 0x81].map((tag) => tlv(tag, Buffer.from([1]))))
    t.regex(fault(depth) ?? '', /minimum or maximum/);
});
