// What a key on a PKCS#11 token is for, by its certificate's usages: each way in which authorities write them.
import { X509Certificate } from 'node:crypto';
import test from 'ava';
import { classify, type KeyFacts } from '../../../../agent/token/pkcs11/login-keys.ts';
import type { KeyUse } from '../../../../agent/model/card/token.ts';
import { testKey } from '../../../kit/card/algorithms.ts';
import { makeCertificate } from '../../../kit/card/certificate.ts';
import { bits, oid, sequence } from '../../../kit/card/der.ts';

const SIGNS = 0x80;
const BINDS = 0x40;
const ENCIPHERS = 0x30;
const CLIENT = '1.3.6.1.5.5.7.3.2';
const PKINIT = '1.3.6.1.5.2.3.4';
const LOGON = '1.3.6.1.4.1.311.20.2.2';
const EMAIL = '1.3.6.1.5.5.7.3.4';
const ANY = '2.5.29.37.0';

function use(keyUsage: number | null, extended: readonly string[], more: Partial<KeyFacts> = {}): KeyUse {
  const only: [string, Buffer][] = [];
  if (keyUsage !== null) only.push(['2.5.29.15', bits(Buffer.from([keyUsage]))]);
  if (extended.length > 0) only.push(['2.5.29.37', sequence(...extended.map(oid))]);
  const certificate = new X509Certificate(makeCertificate(testKey('p256', 1), { cn: 'Ada', only }));
  const facts = { certificate, labels: [], signs: null, alwaysAuthenticate: false, withoutPin: false };
  return classify({ ...facts, ...more });
}

test('K6: a key that may bind its holder is for logins where its certificate says so too', (t) => {
  // FreeIPA's own profile for users, with the usages of its smart card recipe.
  t.is(use(SIGNS | BINDS | ENCIPHERS, [PKINIT, LOGON]), 'authentication');
  for (const login of [CLIENT, LOGON, PKINIT])
    t.is(use(SIGNS | BINDS, [login, EMAIL]), 'authentication', login);
});

test('K6: without digitalSignature, or without a usage that names logins, it is for documents', (t) => {
  t.is(use(BINDS, []), 'signature');
  t.is(use(BINDS, [CLIENT]), 'signature');
  t.is(use(BINDS | ENCIPHERS, [LOGON, PKINIT]), 'signature');
  t.is(use(SIGNS | BINDS, []), 'signature');
  t.is(use(SIGNS | BINDS, [EMAIL]), 'signature');
  t.is(use(SIGNS | BINDS, [ANY]), 'signature', 'anything is no word for logins');
});

test('K6: nothing else that speaks against logins is overruled', (t) => {
  const both = SIGNS | BINDS;
  t.is(use(both, [LOGON], { alwaysAuthenticate: true }), 'signature', 'the PIN for each signature');
  t.is(use(SIGNS, [LOGON], { alwaysAuthenticate: true }), 'authentication');
  t.is(use(both, [LOGON], { labels: ['Certificate for Digital Signature'] }), 'signature');
  t.is(use(both, [LOGON], { signs: false }), 'key-management');
  t.is(use(both, [LOGON], { withoutPin: true }), 'card-authentication');
  t.is(use(ENCIPHERS, [LOGON]), 'key-management');
});
