// Key usage as it is in the certificate, and as no authority should write it.

import test from 'ava';
import { hasKeyUsage, KEY_USAGE_BIT } from '../../../../agent/model/key/certificate-uses.ts';
import { testKey } from '../../../kit/card/algorithms.ts';
import { makeCertificate } from '../../../kit/card/certificate.ts';
import { bits, sequence } from '../../../kit/card/der.ts';

const withUsage = (usage: Buffer | null): Buffer =>
  makeCertificate(testKey('p256', 1), { cn: 'Ada', only: usage === null ? [] : [['2.5.29.15', usage]] });

test('S15: a bit that is set, one that is not, no key usage; a key usage that is no bit string says nothing', (t) => {
  const signs = withUsage(bits(Buffer.from([0x80])));
  t.true(hasKeyUsage(signs, KEY_USAGE_BIT.digitalSignature));
  t.false(hasKeyUsage(signs, KEY_USAGE_BIT.keyCertSign));
  t.is(hasKeyUsage(withUsage(null), KEY_USAGE_BIT.digitalSignature), null);
  for (const other of [Buffer.from([0x04, 2, 0, 0x80]), sequence(bits(Buffer.from([0x80])))])
    t.throws(() => hasKeyUsage(withUsage(other), KEY_USAGE_BIT.digitalSignature), {
      code: 'malformed',
    } as object);
});
