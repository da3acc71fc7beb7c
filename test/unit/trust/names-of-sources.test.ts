// K4: who signs a list or an OCSP answer is known by the name as RFC 5280, 7.1 compares it, and by that name alone. All
// authorities here have one key, so that nothing but their names tells them apart.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { pemBlocks } from '../../../agent/base/pem.ts';
import { toHex } from '../../../agent/base/bytes.ts';
import { parseChainCertificate, type ParsedCertificate } from '../../../agent/trust/certificate.ts';
import { listFault, parseRevocationList, type RevocationList } from '../../../agent/trust/crl.ts';
import { readOcspAnswer } from '../../../agent/trust/ocsp.ts';
import { freePort, Pki } from './authority.ts';

const pki = new Pki();
test.after.always(() => pki.close());

const parsed = (name: string): ParsedCertificate => parseChainCertificate(pki.der(name));

test.before(() => {
  pki.root('issuer', { subject: '/O=Test Corp/CN=Issuing CA' });
  pki.root('same', { keyOf: 'issuer', subject: '/O=TEST  CORP /CN=issuing ca' });
  pki.root('other', { keyOf: 'issuer', subject: '/O=TestCorp/CN=Issuing CA' });
  pki.issue('ada', 'issuer');
});

test.serial(
  'K4: a list of an authority that is written in another way counts, and of another does not',
  (t) => {
    const listOf = (name: string): RevocationList => {
      pki.revoke('ada', name);
      return parseRevocationList(pemBlocks(readFileSync(pki.crl(name)), 'X509 CRL')[0] ?? Buffer.alloc(0));
    };
    const list = listOf('same');
    t.is(listFault(list, parsed('issuer'), Date.now()), null);
    t.true(list.revoked.has(toHex(parsed('ada').serial)));
    t.is(listFault(listOf('other'), parsed('issuer'), Date.now()), 'it is of another authority');
  },
);

test.serial('K4: so does the answer of a responder whose authority is written in another way', async (t) => {
  for (const [authority, good] of [
    ['same', true],
    ['other', false],
  ] as const) {
    const signer = `responder-of-${authority}`;
    pki.issue(signer, authority, { extensions: 'extendedKeyUsage=OCSPSigning' });
    const port = await freePort();
    await pki.responder('issuer', signer, port, ['-nmin', '60']);
    const file = pki.file(`${signer}.resp`);
    // prettier-ignore
    execFileSync('openssl', ['ocsp', '-issuer', pki.file('issuer.pem'), '-cert', pki.file('ada.pem'), '-no_nonce',
      '-respout', file, '-noverify', '-url', `http://127.0.0.1:${port}/`], { stdio: 'ignore' });
    const read = () =>
      readOcspAnswer(readFileSync(file), parsed('ada'), parsed('issuer'), Date.now(), 600_000).status;
    if (good) t.is(read(), 'good');
    else t.throws(read, { message: /may not answer for the issuer/ });
  }
});
