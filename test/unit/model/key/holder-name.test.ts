// What a certificate's holder is called, for names as directories and authorities write them.
import { createPrivateKey } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { holderName } from '../../../../agent/model/key/holder-name.ts';
import { parseCertificate } from '../../../../agent/model/key/key.ts';
import { testKey } from '../../../kit/card/algorithms.ts';
import { makeCertificate, type CertificateFields } from '../../../kit/card/certificate.ts';
import { oid, sequence, set, utf8 } from '../../../kit/card/der.ts';
import { tlv } from '../../../kit/card/tlv.ts';

const key = testKey('p256', 1);
const certificate = (fields: Partial<CertificateFields>): Buffer =>
  makeCertificate(key, { cn: 'Issuer', serial: '1122', ...fields });
const issuer = { cn: 'CA', privateKey: createPrivateKey(key.export({ type: 'pkcs8', format: 'pem' })) };

/** A certificate whose common name is any string type; the text that stands there first has the same length. */
function withString(tag: number, bytes: Buffer): Buffer {
  const placeholder = utf8('x'.repeat(bytes.length));
  const der = makeCertificate(key, { cn: 'x'.repeat(bytes.length) }, issuer);
  const at = der.indexOf(placeholder);
  tlv(tag, bytes).copy(der, at);
  return der;
}

for (const [subject, holder] of [
  ['DC=com,DC=corp,CN=Users,CN=Ada Lovelace', 'Ada Lovelace'],
  ['CN=Lovelace\\, Ada', 'Lovelace, Ada'],
  ['C=US,OU=Sums,CN=ADA LOVELACE (Affiliate)+UID=12001000123456', 'ADA LOVELACE (Affiliate)'],
  ['C=US,OU=Sums,UID=12001000123456+CN=ADA LOVELACE (Affiliate)', 'ADA LOVELACE (Affiliate)'],
  ['C=EE,SN=LOVELACE,GN=ADA,SERIALNUMBER=PNOEE-38001085718', 'ADA LOVELACE'],
  ['C=EE,SN=LOVELACE', 'LOVELACE'],
  ['CN=Ada,CN= ', 'Ada'],
  ['CN=Иван Петров', 'Иван Петров'],
  ['O=Engines,OU=Sums', '1122'],
  ['', '1122'],
] as const)
  test(`K3: the holder of '${subject}' is ${holder}`, (t) => {
    t.is(parseCertificate(certificate({ subject })).holder, holder);
  });

test('K3: an e-mail address or a user principal name where the subject names nobody', (t) => {
  const of = (fields: Partial<CertificateFields>): string =>
    parseCertificate(certificate({ subject: 'O=Engines', ...fields })).holder;
  t.is(of({ upn: 'ada@corp.example' }), 'ada@corp.example');
  t.is(of({ upn: 'ada@corp.example', email: 'ada@example.org' }), 'ada@example.org');
  t.is(of({ subject: 'CN=Ada', email: 'ada@example.org' }), 'Ada');
});

test('K3: each kind of string is read as what it says', (t) => {
  const latin = Buffer.from('Jürgen Groß', 'latin1');
  const bmp = Buffer.from('Jürgen Groß', 'utf16le').swap16();
  t.is(holderName(withString(0x14, latin), ''), 'Jürgen Groß');
  t.is(holderName(withString(0x1e, bmp), ''), 'Jürgen Groß');
  t.is(holderName(withString(0x0c, latin), 'serial'), 'serial', 'no UTF-8');
  t.is(holderName(withString(0x04, latin), 'serial'), 'serial', 'no string');
});

test('K3: whatever the bytes are, there is a name', (t) => {
  const der = certificate({ subject: 'C=EE,SN=LOVELACE,GN=ADA', email: 'ada@example.org' });
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.nat(255), (at, byte) => {
      const changed = Buffer.from(der);
      changed[at] = byte;
      return holderName(changed, 'serial') !== '' && holderName(changed.subarray(0, at), 'serial') !== '';
    }),
    { numRuns: 500 },
  );
  t.is(holderName(sequence(set(oid('2.5.4.3'))), 'serial'), 'serial');
});
