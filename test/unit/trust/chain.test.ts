// Chains of three levels made by openssl: what holds, and each way in which one must not. `openssl verify` judges too.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../agent/base/clock.ts';
import { readTlv, writeTlv } from '../../../agent/base/tlv.ts';
import { parseCertificate } from '../../../agent/model/key/key.ts';
import { ChainTrust } from '../../../agent/trust/certificate-trust.ts';
import { isUnder, sameName } from '../../../agent/trust/distinguished-name.ts';
import type { TrustSources } from '../../../agent/model/key/trust.ts';
import { makeCertificate } from '../../kit/card/certificate.ts';
import { AUTHORITY, LEAF, Pki } from './authority.ts';

const pki = new Pki();
const trust = new ChainTrust(systemClock);
test.after.always(() => pki.close());

function sources(...authorities: string[]): TrustSources {
  return {
    authorities: authorities.map((name) => pki.file(`${name}.pem`)),
    crlFiles: [],
    crlDownload: false,
    ocsp: false,
    timeoutMs: 1000,
    cacheMinutes: 10,
  };
}

async function faultOf(name: string, ...authorities: string[]): Promise<string | null> {
  return (await trust.findings(pki.der(name), sources(...authorities), false)).chainFault;
}

function opensslAccepts(name: string, root: string, ...between: string[]): boolean {
  const untrusted = between.flatMap((one) => ['-untrusted', pki.file(`${one}.pem`)]);
  const args = ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', pki.file(`${root}.pem`)];
  try {
    execFileSync('openssl', [...args, ...untrusted, pki.file(`${name}.pem`)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Both must refuse, we with this sentence. */
async function bothRefuse(t: ExecutionContext, name: string, chain: string[], says: RegExp): Promise<void> {
  const [root = '', ...between] = chain;
  t.regex((await faultOf(name, ...chain)) ?? 'accepted', says);
  t.false(opensslAccepts(name, root, ...between), 'openssl accepts it');
}

test.before(() => {
  const ids = 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid';
  pki.root('root', { extensions: `${AUTHORITY}\nsubjectKeyIdentifier=hash` });
  pki.issue('middle', 'root', { extensions: `${AUTHORITY}\n${ids}` });
  pki.issue('ada', 'middle', { extensions: `${LEAF}\n${ids}` });
});

test.serial('three levels hold, with each kind of key and hash', async (t) => {
  t.is(await faultOf('ada', 'root', 'middle'), null);
  t.true(opensslAccepts('ada', 'root', 'middle'));
  for (const [key, hash] of [
    ['rsa:2048', 'sha384'],
    ['P-384', 'sha512'],
    ['P-521', 'sha256'],
  ] as const) {
    const name = `by-${key.replace(':', '')}`;
    pki.root(`${name}-root`, { key, hash });
    pki.issue(name, `${name}-root`, { hash });
    t.is(await faultOf(name, `${name}-root`), null, name);
  }
  const { authorities } = await trust.findings(pki.der('ada'), sources('middle', 'root'), false);
  t.is(authorities.length, 2);
  const way = await trust.path(pki.der('ada'), sources('middle', 'root').authorities);
  t.deepEqual(
    way.map(({ subject, issuer }) => [subject, issuer]),
    [
      ['CN=ada,O=Test', 'CN=middle,O=Test'],
      ['CN=middle,O=Test', 'CN=root,O=Test'],
      ['CN=root,O=Test', 'CN=root,O=Test'],
    ],
  );
  const { notBeforeMs, notAfterMs } = parseCertificate(pki.der('ada'));
  t.like(way[0], { notBeforeMs, notAfterMs });
  // As far as it goes: what is at its end is not known here.
  t.is((await trust.path(pki.der('ada'), sources('middle').authorities)).length, 2);
  t.is((await trust.path(pki.der('ada'), sources('root').authorities)).length, 1);
  t.deepEqual(await trust.path(Buffer.from('no certificate'), sources('root').authorities), []);
});

test.serial('a link that is missing, and an authority that is only named alike', async (t) => {
  await bothRefuse(t, 'ada', ['root'], /its issuer is not among the authorities/);
  t.regex((await faultOf('ada', 'middle')) ?? '', /issuer of an authority is not among/);
  pki.root('other', { subject: '/O=Test/CN=root' });
  await bothRefuse(t, 'ada', ['other', 'middle'], /signature is not by its issuer/);
  pki.root('middle-twin', { subject: '/O=Test/CN=middle' });
  t.regex((await faultOf('ada', 'middle-twin')) ?? '', /signature is not by its issuer/);
});

test.serial('L4: a self-signed certificate with the right names is no chain', async (t) => {
  pki.root('forged', { subject: '/O=Test/CN=ada', extensions: LEAF });
  await bothRefuse(t, 'forged', ['root', 'middle'], /not among the authorities/);
});

test.serial('a flipped bit', async (t) => {
  const der = Buffer.from(pki.der('ada'));
  const at = der.length - 40;
  der[at] = (der[at] ?? 0) ^ 1;
  const { chainFault } = await trust.findings(der, sources('root', 'middle'), false);
  t.is(chainFault, 'its signature is not by its issuer');
});

test.serial('expired, and not valid yet: in the certificate and above it', async (t) => {
  pki.issue('old', 'middle', { from: '20200101000000Z', until: '20210101000000Z' });
  await bothRefuse(t, 'old', ['root', 'middle'], /it has expired/);
  pki.issue('early', 'middle', { from: '20800101000000Z', until: '20810101000000Z' });
  await bothRefuse(t, 'early', ['root', 'middle'], /not valid yet/);
  pki.issue('old-middle', 'root', {
    extensions: AUTHORITY,
    from: '20200101000000Z',
    until: '20210101000000Z',
  });
  pki.issue('below-old', 'old-middle');
  await bothRefuse(t, 'below-old', ['root', 'old-middle'], /an authority in its chain: it has expired/);
});

test.serial('an issuer that is no authority, or may not sign certificates', async (t) => {
  pki.issue('user-as-ca', 'middle', { extensions: LEAF });
  pki.issue('below-user', 'user-as-ca');
  await bothRefuse(t, 'below-user', ['root', 'middle', 'user-as-ca'], /no authority/);
  pki.issue('no-sign', 'root', {
    extensions: 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign',
  });
  pki.issue('below-no-sign', 'no-sign');
  await bothRefuse(t, 'below-no-sign', ['root', 'no-sign'], /may not sign certificates/);
});

test.serial('a path that is longer than an authority allows', async (t) => {
  const short = 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign';
  pki.issue('short', 'root', { extensions: short });
  pki.issue('fits', 'short');
  t.is(await faultOf('fits', 'root', 'short'), null);
  pki.issue('too-deep', 'short', { extensions: AUTHORITY });
  pki.issue('below-deep', 'too-deep');
  await bothRefuse(t, 'below-deep', ['root', 'short', 'too-deep'], /longer than an authority allows/);
});

test.serial('a certificate with an extension of 1 MB is refused before it is parsed', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = makeCertificate(privateKey, { cn: 'ada', only: [['1.2.3.4.5', Buffer.alloc(1024 * 1024)]] });
  t.true(der.length > 1024 * 1024);
  const { chainFault } = await trust.findings(der, sources('root', 'middle'), false);
  t.regex(chainFault ?? 'accepted', /longer than 32 KiB/);
  t.throws(() => parseCertificate(der), { code: 'bad-certificate' });
});

test.serial('authorities that sign each other end', async (t) => {
  pki.root('loop-a');
  pki.root('loop-b');
  pki.issue('loop-ab', 'loop-b', { extensions: AUTHORITY, subject: '/O=Test/CN=loop-a', keyOf: 'loop-a' });
  pki.issue('loop-ba', 'loop-a', { extensions: AUTHORITY, subject: '/O=Test/CN=loop-b', keyOf: 'loop-b' });
  pki.issue('in-loop', 'loop-a');
  t.regex((await faultOf('in-loop', 'loop-ab', 'loop-ba')) ?? 'accepted', /not among the authorities/);
  t.is(await faultOf('in-loop', 'loop-ab', 'loop-ba', 'loop-a'), null);
});

test.serial('SHA-1 signatures and small keys count for nothing', async (t) => {
  pki.issue('sha1', 'middle', { hash: 'sha1' });
  t.regex((await faultOf('sha1', 'root', 'middle')) ?? 'accepted', /weak hash/);
  pki.root('small', { key: 'rsa:1024' });
  pki.issue('below-small', 'small');
  t.regex((await faultOf('below-small', 'small')) ?? 'accepted', /signature is not by its issuer|1024/);
});

test.serial(
  'an unknown critical extension refuses, an unknown one that is not critical does not',
  async (t) => {
    pki.issue('critical', 'middle', { extensions: `${LEAF}\n1.2.3.4.5=critical,ASN1:UTF8String:x` });
    await bothRefuse(t, 'critical', ['root', 'middle'], /unknown critical extension \(1\.2\.3\.4\.5\)/);
    pki.issue('uncritical', 'middle', { extensions: `${LEAF}\n1.2.3.4.5=ASN1:UTF8String:x` });
    t.is(await faultOf('uncritical', 'root', 'middle'), null);
  },
);

test.serial('certificates for other uses', async (t) => {
  pki.issue('server', 'middle', { extensions: 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth' });
  await bothRefuse(t, 'server', ['root', 'middle'], /extended key usage is for other things/);
  pki.issue('encrypts', 'middle', {
    extensions: 'basicConstraints=CA:FALSE\nkeyUsage=critical,keyEncipherment',
  });
  t.regex((await faultOf('encrypts', 'root', 'middle')) ?? 'accepted', /no digitalSignature/);
});

test.serial('name constraints: e-mail, directory, and a kind that cannot be compared', async (t) => {
  const limited = (name: string, constraints: string): void => {
    pki.issue(name, 'root', { extensions: `${AUTHORITY}\nnameConstraints=critical,${constraints}` });
  };
  limited('mail-ca', 'permitted;email:example.org');
  pki.issue('mail-in', 'mail-ca', { extensions: `${LEAF}\nsubjectAltName=email:ada@example.org` });
  pki.issue('mail-out', 'mail-ca', { extensions: `${LEAF}\nsubjectAltName=email:ada@example.com` });
  pki.issue('mail-subject', 'mail-ca', { subject: '/O=Test/CN=x/emailAddress=ada@example.com' });
  t.is(await faultOf('mail-in', 'root', 'mail-ca'), null);
  t.true(opensslAccepts('mail-in', 'root', 'mail-ca'));
  await bothRefuse(t, 'mail-out', ['root', 'mail-ca'], /may not vouch for/);
  await bothRefuse(t, 'mail-subject', ['root', 'mail-ca'], /may not vouch for/);
  limited('dir-ca', 'excluded;dirName:dir\n[dir]\nO=Bad');
  pki.issue('dir-in', 'dir-ca', { subject: '/O=Good/CN=x' });
  pki.issue('dir-out', 'dir-ca', { subject: '/O=Bad/CN=x' });
  t.is(await faultOf('dir-in', 'root', 'dir-ca'), null);
  await bothRefuse(t, 'dir-out', ['root', 'dir-ca'], /excluded/);
  limited('ip-ca', 'permitted;IP:10.0.0.0/255.0.0.0');
  pki.issue('ip-in', 'ip-ca', { extensions: `${LEAF}\nsubjectAltName=IP:10.1.1.1` });
  t.regex((await faultOf('ip-in', 'root', 'ip-ca')) ?? 'accepted', /may not vouch for/);
});

test.serial(
  'S11: names are compared as names: no escape, case or dot leads out of an excluded subtree',
  async (t) => {
    const limited = (name: string, constraints: string): void => {
      pki.issue(name, 'root', { extensions: `${AUTHORITY}\nnameConstraints=critical,${constraints}` });
    };
    limited('no-bad', 'excluded;dirName:dir\n[dir]\nO=Bad');
    for (const [name, subject] of [
      ['backslash', '/O=Bad/CN=x\\\\'],
      ['other-case', '/O=BAD/CN=x'],
      ['more-spaces', '/O= Bad  /CN=x'],
    ] as const) {
      pki.issue(name, 'no-bad', { subject });
      await bothRefuse(t, name, ['root', 'no-bad'], /excluded/);
    }
    // In a value, and not below the subtree.
    pki.issue('in-value', 'no-bad', { subject: '/O=Good/CN=x,O=Bad' });
    t.is(await faultOf('in-value', 'root', 'no-bad'), null);
    limited('no-hosts', 'excluded;email:bad.org,excluded;DNS:bad.org');
    for (const [index, name] of [
      ...[
        'email:a@BAD.org',
        'email:a@bad.org.',
        'DNS:BAD.org',
        'DNS:x.bad.org.',
        'DNS:*.org',
        'email:a@bad.org@',
      ],
    ].entries()) {
      pki.issue(`host-${index}`, 'no-hosts', { extensions: `${LEAF}\nsubjectAltName=${name}` });
      t.regex((await faultOf(`host-${index}`, 'root', 'no-hosts')) ?? 'accepted', /excluded/, name);
    }
    for (const [index, name] of ['email:a@x.bad.org', 'email:a@notbad.org', 'DNS:notbad.org'].entries()) {
      pki.issue(`good-${index}`, 'no-hosts', { extensions: `${LEAF}\nsubjectAltName=${name}` });
      t.is(await faultOf(`good-${index}`, 'root', 'no-hosts'), null, name);
    }
    limited('no-upn', 'excluded;otherName:1.3.6.1.4.1.311.20.2.3;UTF8:bad.org');
    const upn = 'otherName:1.3.6.1.4.1.311.20.2.3;UTF8';
    for (const [index, [authority, name]] of (
      [
        ['no-hosts', 'otherName:1.3.6.1.5.5.7.8.9;UTF8:a@bad.org'],
        ['no-upn', `${upn}:a@BAD.org`],
        ['no-upn', `${upn}:a@bad.org.`],
      ] as const
    ).entries()) {
      pki.issue(`mail-${index}`, authority, { extensions: `${LEAF}\nsubjectAltName=${name}` });
      t.regex((await faultOf(`mail-${index}`, 'root', authority)) ?? 'accepted', /excluded/, name);
    }
  },
);

test('K4: kinds of strings, case and needless spaces make no other name', (t) => {
  const attribute = (type: string, tag: number, value: Buffer): Buffer =>
    writeTlv(0x31, writeTlv(0x30, Buffer.concat([Buffer.from(type, 'hex'), writeTlv(tag, value)])));
  const [utf8, printable, bmp] = [0x0c, 0x13, 0x1e];
  const cn = (tag: number, value: Buffer | string): Buffer =>
    attribute('0603550403', tag, Buffer.from(value));
  const o = (value: string): Buffer => attribute('060355040a', utf8, Buffer.from(value));
  const ada = cn(printable, 'Ada Lovelace');
  for (const same of [
    cn(utf8, 'Ada Lovelace'),
    cn(utf8, ' ADA \t lovelace '),
    cn(bmp, Buffer.from('Ada Lovelace', 'utf16le').swap16()),
    cn(utf8, 'A\u00adda Lovelace'),
  ])
    t.true(sameName(ada, same), same.toString('latin1'));
  for (const other of [
    cn(utf8, 'AdaLovelace'),
    cn(utf8, 'Ada Lovelace\\'),
    o('Ada Lovelace'),
    Buffer.concat([ada, o('Org')]),
    attribute('0603550403', 0x04, Buffer.from('Ada Lovelace')),
    cn(utf8, Buffer.from([0xff])),
    Buffer.from('3100', 'hex'),
    Buffer.alloc(0),
  ])
    t.false(sameName(ada, other), other.toString('latin1'));
  t.true(isUnder(Buffer.concat([o('ORG'), ada]), o('Org')));
  t.false(isUnder(Buffer.concat([ada, o('Org')]), o('Org')));
  t.false(isUnder(ada, Buffer.concat([ada, o('Org')])));
  t.true(isUnder(ada, Buffer.alloc(0)), 'an empty base holds all');
  t.throws(() => isUnder(cn(utf8, Buffer.from([0xff])), o('Org')));
  // Attributes of one RDN have no order, and are not the same as RDNs one below the other.
  const [person, org] = [readTlv(ada)[0].value, readTlv(o('Org'))[0].value];
  const [one, turned] = [Buffer.concat([person, org]), Buffer.concat([org, person])];
  t.true(sameName(writeTlv(0x31, one), writeTlv(0x31, turned)));
  t.false(sameName(writeTlv(0x31, one), Buffer.concat([ada, o('Org')])));
  t.false(isUnder(writeTlv(0x31, one), ada));
});

test('K4: an issuer who is written in other strings, or in another case, is found', async (t) => {
  const file = (name: string): string => join(import.meta.dirname, '../../vectors/names', `${name}.pem`);
  for (const name of ['leaf-utf8', 'leaf-case']) {
    const der = new X509Certificate(readFileSync(file(name))).raw;
    const from = { ...sources(), authorities: [file('authority')] };
    t.is((await trust.findings(der, from, false)).chainFault, null, name);
  }
});

test.serial('an extension of a megabyte, garbage, an empty file', async (t) => {
  const huge = Buffer.concat([Buffer.from('308310000030', 'hex'), Buffer.alloc(1024 * 1024)]);
  for (const der of [huge, Buffer.alloc(0), Buffer.from('3003020101', 'hex'), Buffer.alloc(5000, 0x30)]) {
    const { chainFault, revocation } = await trust.findings(der, sources('root', 'middle'), true);
    t.truthy(chainFault);
    t.is(revocation, 'unknown');
  }
});

test.serial('each truncation of a certificate is refused, and none is more than that', async (t) => {
  const der = pki.der('ada');
  for (let length = 0; length < der.length; length += 7) {
    const { chainFault } = await trust.findings(der.subarray(0, length), sources('root', 'middle'), false);
    t.truthy(chainFault);
  }
});

test.serial(
  "an authorities' file that is missing, empty or broken is an error, not 'no authority'",
  async (t) => {
    const check = (name: string): Promise<unknown> => trust.findings(pki.der('ada'), sources(name), false);
    await t.throwsAsync(check('absent'), { message: /is not there/ });
    writeFileSync(pki.file('empty.pem'), '# nothing\n');
    await t.throwsAsync(check('empty'), { message: /holds no certificate/ });
    writeFileSync(pki.file('broken.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    await t.throwsAsync(check('broken'), { message: /cannot be read/ });
  },
);
