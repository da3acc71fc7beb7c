// The end of a certificate read off its bytes is what the whole parser says.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { certificateEnd } from '../../../../agent/model/key/certificate-end.ts';
import { parseCertificateFile } from '../../../../agent/model/key/key.ts';

test('S15: the end that is read off the bytes is the one that the parser finds; what is no certificate has none', (t) => {
  const pem = readFileSync(join(import.meta.dirname, '../../../vectors/cacert-user.pem'));
  const { der, notAfterMs } = parseCertificateFile(pem);
  t.is(certificateEnd(der), notAfterMs);
  for (let length = 0; length < der.length; length += 97) t.is(certificateEnd(der.subarray(0, length)), null);
  t.is(certificateEnd(Buffer.from('30053003020100', 'hex')), null);
});
