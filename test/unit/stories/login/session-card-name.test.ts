// C1: what a desktop calls the card of a login, and what it has loaded. That OpenSC shows the same names is in
// test/system/judges/opensc.long.test.ts.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseCertificate } from '../../../../agent/model/key/key.ts';
import type { CardPin, Identity } from '../../../../agent/model/card/token.ts';
import { p11KitModules } from '../../../../agent/token/p11-kit.ts';
import { pkcs11Name, type TokenName } from '../../../../agent/stories/login/session-card-name.ts';
import { testKey } from '../../../kit/card/algorithms.ts';
import { makeCertificate } from '../../../kit/card/certificate.ts';
import { TOKEN_NAMES } from '../../../vectors/names/token-names.ts';
import { temporaryFolder } from '../../base/folders.ts';

const key = testKey('p256', 1);

function pivName(subject: string, slot = '9A'): TokenName | null {
  const certificate = parseCertificate(makeCertificate(key, { cn: 'Issuer', subject }));
  const identity = { slot, certificate, pin: '80' } as Identity;
  return pkcs11Name({ driver: 'org.scauth.piv', identities: [identity], pins: [] as never }, identity, []);
}

for (const [subject, name] of TOKEN_NAMES)
  test(`C1: the card of '${subject}' is called ${name ?? 'nothing'}`, (t) => {
    t.deepEqual(pivName(subject), name === null ? null : { name, modules: ['opensc-pkcs11.so'] });
  });

test('C1: a PIV card whose first certificate is not known has no name', (t) => {
  t.is(pivName('CN=Ada Lovelace', '9C'), null);
});

test('C1: a PKCS#11 token has the label of the slot that its PIN opens, where all its modules are loaded', (t) => {
  const pin = (id: string, label: string): CardPin => ({ id, label, entry: 'computer' });
  const pins = [pin('0', 'Ada (Login)'), pin('1', 'Ada (Signature)'), pin('2', 'x'.repeat(33))] as const;
  const named = (id: string, driver = 'org.scauth.pkcs11'): TokenName | null =>
    pkcs11Name({ driver, identities: [], pins: [...pins] }, { pin: id }, [
      'opensc',
      { path: '/usr/lib/vendor/libtoken.so', init_args: '', groups: [] },
    ]);
  t.deepEqual(named('1'), { name: 'Ada (Signature)', modules: ['opensc-pkcs11.so', 'libtoken.so'] });
  t.is(named('2'), null);
  t.is(named('9'), null);
  t.is(named('0', 'com.example.card'), null, "nobody knows another driver's names");
});

test('C1: p11-kit: each module that every program loads; the administrator’s file is in front', async (t) => {
  const [own, packaged] = ['etc', 'usr'].map((name) => join(temporaryFolder(t), name)) as [string, string];
  for (const folder of [own, packaged]) mkdirSync(folder);
  for (const [folder, name, text] of [
    [packaged, 'opensc.module', '# OpenSC\nmodule: /usr/lib/opensc-pkcs11.so\npriority: 3\n'],
    [packaged, 'trust.module', 'module: p11-kit-trust.so'],
    [packaged, 'vendor.module', 'module: vendor.so\n'],
    [own, 'vendor.module', 'module: vendor.so\ndisable-in: gsd-smartcard\n'],
    [packaged, 'one.module', 'enable-in: firefox\nmodule: one.so\n'],
    [packaged, 'remote.module', 'remote: |ssh host p11-kit remote\n'],
    [packaged, 'README', 'module: none.so\n'],
  ] as const)
    writeFileSync(join(folder, name), text);
  t.deepEqual([...(await p11KitModules([own, packaged]))].sort(), ['opensc-pkcs11.so', 'p11-kit-trust.so']);
  t.is((await p11KitModules([join(own, 'absent')])).size, 0);
});
