// What certificates say of themselves, of others, and of each other: chains, names, lists, answers of responders. Made by
// openssl, so that the seeds are what authorities write.

import { X509Certificate } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTlv, readOnly, readTlv, readTlvs, writeTlv } from '../../../agent/base/tlv.ts';
import {
  algorithmOfSpki,
  parseCertificate,
  parseCertificateFile,
  parsePublicKey,
} from '../../../agent/model/key/key.ts';
import { certificateEnd } from '../../../agent/model/key/certificate-end.ts';
import { hasKeyUsage } from '../../../agent/model/key/certificate-uses.ts';
import { certificateParts } from '../../../agent/model/key/certificate-parts.ts';
import { holderName, namesIn } from '../../../agent/model/key/holder-name.ts';
import { crlUrls, ocspResponders } from '../../../agent/trust/access-points.ts';
import { parseChainCertificate, type ParsedCertificate } from '../../../agent/trust/certificate.ts';
import { findChain } from '../../../agent/trust/chain.ts';
import { listCovers, listFault, parseRevocationList } from '../../../agent/trust/crl.ts';
import { certificateFields } from '../../../agent/trust/fields.ts';
import { constraintFault } from '../../../agent/trust/name-constraints.ts';
import { ocspRequest, readOcspAnswer } from '../../../agent/trust/ocsp.ts';
import { sidExtension } from '../../kit/sssd/sid-extension.ts';
import { AUTHORITY, LEAF, Pki } from '../../unit/trust/authority.ts';
import type { Target } from '../engine.ts';
import { derOf, must, refusing, vector } from './refusing.ts';

const NAMES =
  'subjectAltName=email:ada@example.org,DNS:a.example.org,URI:http://x/,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:ada@example.org,dirName:dn\n' +
  'authorityInfoAccess=OCSP;URI:http://127.0.0.1/\ncrlDistributionPoints=URI:http://127.0.0.1/a.crl\nsubjectKeyIdentifier=hash\n' +
  '[dn]\nC=NL\nCN=Ada';
/** RFC 4556's name, and one of RFC 9598 that is not read. */
const OTHER_NAMES =
  'subjectAltName=otherName:1.3.6.1.5.2.2;SEQUENCE:krb,otherName:1.3.6.1.5.5.7.8.9;UTF8:ada@example.org,otherName:1.2.3;INTEGER:7,IP:127.0.0.1\n' +
  '[krb]\nrealm=EXP:0,GeneralString:EXAMPLE.ORG\nname=EXP:1,SEQUENCE:principal\n' +
  '[principal]\ntype=EXP:0,INTEGER:1\nstrings=EXP:1,SEQUENCE:names\n[names]\nfirst=GeneralString:ada\nsecond=GeneralString:admin';
const MORE_CONSTRAINTS = [
  'permitted;email:example.org,permitted;DNS:.example.org',
  'permitted;email:ada@example.org,excluded;email:ADA@example.org',
  'excluded;DNS:b.example.org,permitted;URI:.example.org',
  'permitted;otherName:1.3.6.1.4.1.311.20.2.3;UTF8:.example.org,permitted;otherName:1.2.3;UTF8:x',
  'permitted;email:a b,excluded;DNS:a b',
];
const CONSTRAINTS =
  'nameConstraints=permitted;email:.example.org,permitted;DNS:example.org,excluded;dirName:dn\n[dn]\nC=NL';

const pki = new Pki();
pki.root('root', { extensions: `${AUTHORITY}\nsubjectKeyIdentifier=hash` });
pki.issue('narrow', 'root', { extensions: `${AUTHORITY}\n${CONSTRAINTS}` });
pki.issue('leaf', 'root', {
  extensions: `${LEAF}\n${NAMES}`,
  subject: '/C=NL/O=Test/CN=Ada/emailAddress=ada@example.org',
});
pki.issue('below', 'narrow', { extensions: `${LEAF}\n${NAMES}` });
pki.issue('odd', 'root', { extensions: LEAF, subject: '/O=Test/UID=ada', key: 'rsa:2048' });
pki.issue('responder', 'root', {
  extensions: 'keyUsage=critical,digitalSignature\nextendedKeyUsage=OCSPSigning',
});
pki.issue('others', 'root', { extensions: `${LEAF}\n${OTHER_NAMES}` });
pki.issue('sid', 'root', { extensions: `${LEAF}\n${sidExtension('S-1-5-21-1-2-3-1105')}` });
pki.issue('no-sid', 'root', { extensions: `${LEAF}\n1.3.6.1.4.1.311.25.2=DER:0403010203` });
const narrowed = MORE_CONSTRAINTS.map((constraints, index) =>
  pki.issue(`narrow-${index}`, 'root', { extensions: `${AUTHORITY}\nnameConstraints=${constraints}` }),
);
pki.root('mute', { extensions: 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign' });
pki.issue('revoked', 'root');
pki.revoke('revoked', 'root');

const parsed = (name: string): ParsedCertificate => parseChainCertificate(pki.der(name));
const [root, narrow, leaf, revoked] = [parsed('root'), parsed('narrow'), parsed('leaf'), parsed('revoked')];
const authorities = [root, narrow, parsed('mute'), ...narrowed.map(parsed)];
/** UTF8String to each other kind of string. */
const STRINGS = [0x04, 0x13, 0x14, 0x16, 0x1c, 0x1e];
const nowMs = Date.now();
const DAY_MS = 86_400_000;

function lists(): Buffer[] {
  const idp = (text: string): string => `issuingDistributionPoint=critical,@idp\n[idp]\n${text}`;
  return [
    derOf(pki.crl('root')),
    derOf(pki.crl('root', [], idp('fullname=URI:http://127.0.0.1/a.crl\nonlyuser=TRUE'))),
    derOf(pki.crl('root', [], idp('onlyCA=TRUE'))),
    derOf(pki.crl('root', [], 'authorityKeyIdentifier=keyid:always')),
    derOf(pki.crl('root', [], '1.2.3=critical,ASN1:NULL')),
    derOf(pki.crl('root', [], idp('onlyAA=TRUE'))),
    derOf(pki.crl('root', ['-crl_lastupdate', '20200101000000Z', '-crl_nextupdate', '20200201000000Z'])),
    derOf(pki.crl('root', ['-crl_lastupdate', '20800101000000Z', '-crl_nextupdate', '20900201000000Z'])),
    derOf(pki.crl('narrow')),
    derOf(pki.crl('mute')),
  ];
}

/** An answer by openssl about this certificate. */
function answer(about: ParsedCertificate, signer: string, more: readonly string[] = []): Buffer {
  const [request, response] = [pki.file('request'), pki.file('response')];
  writeFileSync(request, ocspRequest(about, root));
  // prettier-ignore
  execFileSync('openssl', ['ocsp', '-index', join(pki.file('root.ca'), 'index'), '-CA', pki.file('root.pem'),
    '-rsigner', pki.file(`${signer}.pem`), '-rkey', pki.file(`${signer}.key`), '-reqin', request, '-respout', response, ...more],
    { stdio: 'pipe' });
  return readFileSync(response);
}

function certificate(input: Buffer): void {
  refusing(() => parseCertificate(input));
  refusing(() => parseCertificateFile(input));
  refusing(() => certificateParts(input));
  refusing(() => certificateEnd(input));
  refusing(() => hasKeyUsage(input, 0));
  must((refusing(() => holderName(input, '01')) ?? '').length <= 200, 'a name above its cap');
  for (const source of ['cn', 'email', 'upn'] as const) refusing(() => namesIn(input, source));
  refusing(() => certificateFields(input));
}

function chain(input: Buffer): void {
  const one = refusing(() => parseChainCertificate(input));
  if (one === undefined) return;
  refusing(() => ocspResponders(one));
  refusing(() => crlUrls(one));
  for (const authority of authorities) refusing(() => constraintFault(authority, one));
  refusing(() => constraintFault(one, leaf));
  const found = refusing(() => findChain(one, authorities, nowMs));
  const isOurs = [pki.der('root'), ...SIGNED].some((der) => der.equals(input));
  must(found === undefined || found.fault !== null || isOurs, 'a changed certificate has a chain');
  refusing(() => findChain(leaf, [one, ...authorities], nowMs));
}
const SIGNED = [
  'narrow',
  'leaf',
  'below',
  'odd',
  'responder',
  'others',
  'sid',
  'no-sid',
  'revoked',
  ...narrowed,
].map((name) => pki.der(name));

function inOtherStrings(der: Buffer): Buffer[] {
  return STRINGS.map((tag) => {
    const other = Buffer.from(der);
    for (let at = 0; at < other.length; at++)
      if (other[at] === 0x0c && (other[at + 1] ?? 0) < 64) other[at] = tag;
    return other;
  });
}

function revocationList(input: Buffer): void {
  const list = refusing(() => parseRevocationList(input));
  if (list === undefined) return;
  for (const issuer of authorities) {
    const fault = refusing(() => listFault(list, issuer, nowMs));
    must(fault !== null || LISTED.some((tbs) => input.includes(tbs)), 'a changed list counts');
  }
  for (const isAuthority of [true, false]) listCovers(list, ['http://127.0.0.1/a.crl'], isAuthority);
}
const LISTS = lists();
/** What the authority signed. */
const LISTED = LISTS.map((whole) => {
  const [tbs] = readTlv(readOnly(whole, 0x30));
  return writeTlv(tbs.tag, tbs.value);
});

function ocsp(input: Buffer): void {
  for (const [about, atMs] of [
    [leaf, nowMs],
    [revoked, nowMs],
    [leaf, nowMs - DAY_MS],
    [leaf, nowMs + 3 * DAY_MS],
  ] as const) {
    const found = refusing(() => readOcspAnswer(input, about, root, atMs, DAY_MS));
    must(found === undefined || TBS.some((tbs) => input.includes(tbs)), 'a changed answer counts');
  }
}
const ANSWERS = [
  answer(leaf, 'root'),
  answer(revoked, 'responder', ['-nmin', '60']),
  answer(leaf, 'leaf'),
  answer(leaf, 'responder', ['-resp_no_certs']),
  answer(parseChainCertificate(pki.der('below')), 'root'),
];

/** What the responder signed: all around it, and the certificates that came along, prove nothing by themselves. */
const TBS = ANSWERS.map((whole) => {
  const [, response] = readTlvs(readOnly(findTlv(readTlvs(readOnly(whole, 0x30)), 0xa0) ?? whole, 0x30));
  const [tbs] = readTlv(readOnly(response?.value ?? whole, 0x30));
  return writeTlv(tbs.tag, tbs.value);
});

function key(input: Buffer): void {
  refusing(() => parsePublicKey(input));
  algorithmOfSpki(input);
  refusing(() => parseCertificate(input));
  refusing(() => parseCertificateFile(input));
}

export const certificates: readonly Target[] = [
  {
    name: 'certificate',
    files: [
      ['agent/model/key/certificate-parts.ts'],
      ['agent/model/key/certificate-end.ts'],
      ['agent/model/key/certificate-uses.ts', 'permitsTlsClient', 'namesLogin', 'permitsLogin'],
      ['agent/model/key/holder-name.ts'],
      ['agent/model/key/name.ts'],
      ['agent/trust/fields.ts'],
    ],
    seeds: [...SIGNED, readFileSync(pki.file('leaf.pem')), root.der, ...SIGNED.flatMap(inOtherStrings)],
    run: certificate,
  },
  {
    name: 'chain',
    files: [
      ['agent/trust/certificate.ts'],
      ['agent/trust/der.ts'],
      ['agent/trust/distinguished-name.ts'],
      ['agent/trust/names.ts'],
      ['agent/trust/name-constraints.ts'],
      ['agent/trust/access-points.ts'],
    ],
    seeds: [...SIGNED, root.der, Buffer.alloc(33_000), ...inOtherStrings(pki.der('leaf'))],
    run: chain,
  },
  {
    name: 'crl',
    files: [['agent/trust/crl.ts']],
    seeds: [...LISTS, Buffer.alloc(9_000_000)],
    run: revocationList,
  },
  {
    name: 'ocsp',
    files: [['agent/trust/ocsp.ts', 'ocspRequest']],
    seeds: [...ANSWERS, Buffer.alloc(70_000)],
    run: ocsp,
  },
  {
    name: 'key',
    files: [['agent/model/key/key.ts', 'parsePkhh', 'sameKey']],
    seeds: [
      Buffer.alloc(33_000, 0x30),
      Buffer.alloc(140_000),
      readFileSync(pki.file('leaf.pem')),
      ...[
        'p256',
        'p384',
        'ed25519',
        'rsa2048',
        'rsa3072',
        'rsa4096',
        'refused-p521',
        'refused-rsa1024',
        'refused-rsa-pss2048',
        'refused-ed448',
      ].flatMap((name) => {
        const der = vector(`keys/${name}.pem`);
        return [der, new X509Certificate(der).publicKey.export({ format: 'der', type: 'spki' })];
      }),
    ],
    run: key,
  },
];

/** The files of the certificates. */
export function closePki(): Promise<void> {
  return pki.close();
}
