// The words of `sc_auth profile` for a certificate's trust: nothing where nobody was asked, and TLS apart from the chain.

import { readFileSync } from 'node:fs';
import test from 'ava';
import { trustWords } from '../../../../agent/stories/card/trust-words.ts';
import { parseCertificateFile } from '../../../../agent/model/key/key.ts';
import type { CertificateTrust } from '../../../../agent/trust/interface.ts';
import { ChainTrust } from '../../../../agent/trust/certificate-trust.ts';
import { systemClock } from '../../../../agent/base/clock.ts';
import { defaultPolicy, type TrustPolicy } from '../../../../policy/policy.ts';

const certificate = parseCertificateFile(
  readFileSync(new URL('../../../vectors/cacert-user.pem', import.meta.url)),
);
const real = new ChainTrust(systemClock);
const authorities = ['/etc/scauth/root.pem'];

const LINK = { subject: 'CN=Ada', issuer: 'CN=Root', notBeforeMs: 0, notAfterMs: 1 };

function chainOf(chainFault: string | null, extendedKeyUsage: readonly string[] | null): CertificateTrust {
  return {
    findings: () =>
      Promise.resolve({ chainFault, authorities: ['AB'], revocation: 'unknown', revocationDetail: null }),
    path: () => Promise.resolve([LINK]),
    attestation: () => Promise.reject(new Error('not asked here')),
    fields: async (der) => ({ ...(await real.fields(der)), extendedKeyUsage }),
  };
}

const words = (policy: Partial<TrustPolicy>, trust: CertificateTrust) =>
  trustWords({ ...defaultPolicy.trust, ...policy }, certificate, trust);

test('without authorities nothing is evaluated, and nobody is asked', async (t) => {
  const nobody = chainOf('must not be asked', null);
  t.deepEqual(await words({ level: 0, authorities: [] }, nobody), {
    ssl: 'Not evaluated',
    x509: 'Not evaluated',
    detail: null,
    chain: [],
  });
});

for (const level of [0, 1, 2] as const) {
  test(`level ${level}: chain and TLS are two words, and a fault has its reason`, async (t) => {
    const client = chainOf(null, ['1.3.6.1.5.5.7.3.2']);
    t.like(await words({ level, authorities }, client), { ssl: 'YES', x509: 'YES', detail: null });
    t.like(await words({ level, authorities }, chainOf(null, null)), { ssl: 'YES', x509: 'YES' });
    const logon = chainOf(null, ['1.3.6.1.4.1.311.20.2.2']);
    t.like(await words({ level, authorities }, logon), { ssl: 'NO', x509: 'YES', detail: null });
    const expired = chainOf('it has expired', ['1.3.6.1.5.5.7.3.2']);
    t.like(await words({ level, authorities }, expired), {
      ...{ ssl: 'NO', x509: 'NO', detail: 'it has expired' },
      chain: [LINK],
    });
  });
}
