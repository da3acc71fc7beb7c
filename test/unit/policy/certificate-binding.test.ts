// What ties a certificate to an account of the directory: Active Directory's strong mappings, its weak ones only where
// they are named, and near misses of each. The certificates are openssl's.

import { createHash, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import test from 'ava';
import { systemClock } from '../../../agent/base/clock.ts';
import { WEAK_BINDINGS, type WeakBinding } from '../../../agent/model/key/certificate-binding.ts';
import type { CertificateFields } from '../../../agent/model/key/certificate-fields.ts';
import type { DirectoryUser } from '../../../agent/model/key/directory-user.ts';
import { ChainTrust } from '../../../agent/trust/certificate-trust.ts';
import { bindingOf } from '../../../policy/certificate-binding.ts';
import { sidExtension } from '../../kit/sssd/sid-extension.ts';
import { AUTHORITY, LEAF, Pki } from '../trust/authority.ts';

const SID = 'S-1-5-21-1004336348-1177238915-682003330-1105';
const pki = new Pki();
const trust = new ChainTrust(systemClock);
let ada: CertificateFields;

test.before(async () => {
  pki.root('root', {
    subject: '/DC=org/DC=example/O=Test, "Inc"/ST=Bayern/CN=Test CA',
    extensions: `${AUTHORITY}\nsubjectKeyIdentifier=hash`,
  });
  const names = 'email:ada@example.org,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:ada@AD.EXAMPLE.ORG';
  pki.issue('ada', 'root', {
    subject: '/DC=org/DC=example/CN=ada',
    extensions: `${LEAF}\nsubjectKeyIdentifier=hash\nsubjectAltName=${names}`,
  });
  pki.issue('sid', 'root', { extensions: `${LEAF}\n${sidExtension(SID)}` });
  pki.issue('uri', 'root', {
    extensions: `${LEAF}\nsubjectAltName=@names\n[names]\nURI=tag:microsoft.com,2022-09-14:sid:${SID}`,
  });
  pki.issue('broken', 'root', { extensions: `${LEAF}\n1.3.6.1.4.1.311.25.2=DER:0403010203` });
  ada = await fieldsOf('ada');
});
test.after.always(() => pki.close());

function fieldsOf(name: string): Promise<CertificateFields> {
  return trust.fields(pki.der(name));
}

function user(identities: readonly string[], more: Partial<DirectoryUser> = {}): DirectoryUser {
  const nothing = { name: 'ada', uid: 1000, sids: [], principalNames: [] };
  return { ...nothing, securityIdentities: identities, ...more };
}

function bound(identity: string, weak: readonly WeakBinding[] = [], fields = ada): string | null {
  return bindingOf(fields, user([identity]), weak);
}

const ISSUER_AD = 'DC=org,DC=example,O="Test, ""Inc""",S=Bayern,CN=Test CA';
const ISSUER_SSSD = 'DC=org,DC=example,O=Test\\, \\"Inc\\",ST=Bayern,CN=Test CA';

function serial(): string {
  const hex = new X509Certificate(pki.der('ada')).serialNumber;
  return Buffer.from(hex, 'hex').reverse().toString('hex');
}

test('issuer and serial number, as Active Directory and as SSSD write them', (t) => {
  for (const issuer of [ISSUER_AD, ISSUER_SSSD]) {
    t.is(bound(`X509:<I>${issuer}<SR>${serial()}`), 'issuer_serial');
    t.is(bound(`X509:<I>${issuer}<SR>${serial().toUpperCase()}`), 'issuer_serial');
  }
  const forward = Buffer.from(serial(), 'hex').reverse().toString('hex');
  for (const identity of [
    `X509:<I>${ISSUER_AD}<SR>${forward}`,
    `X509:<I>CN=Test CA,S=Bayern,O="Test, ""Inc""",DC=example,DC=org<SR>${serial()}`,
    `X509:<I>CN=Test CA<SR>${serial()}`,
    `X509:<I>${ISSUER_AD}<SR>${serial()}00`,
    `X509:<I>${ISSUER_AD}<SR>`,
    `X509:<SR>${serial()}`,
    `X509:<I>${ISSUER_AD}<S>DC=org,DC=example,CN=ada<SR>${serial()}`,
    `Kerberos:<I>${ISSUER_AD}<SR>${serial()}`,
  ])
    t.is(bound(identity), null, identity);
});

test('a serial number with a leading zero byte, and one that is no positive number', (t) => {
  const of = (serialNumber: string): string | null =>
    bound(`X509:<I>${ISSUER_AD}<SR>01f0`, [], { ...ada, serialNumber });
  t.is(of('F001'), null, 'negative');
  t.is(of('00F001'), 'issuer_serial');
  t.is(of(''), null);
  t.is(bound(`X509:<I>${ISSUER_AD}<SR>00`, [], { ...ada, serialNumber: '00' }), null);
});

test('key identifier and hashes of key and certificate', (t) => {
  t.is(bound(`X509:<SKI>${ada.subjectKeyId ?? ''}`), 'subject_key_id');
  t.is(bound(`X509:<SKI>${(ada.subjectKeyId ?? '').slice(2)}`), null);
  t.is(bound('X509:<SKI>', [], { ...ada, subjectKeyId: '' }), null);
  const { publicKey } = new X509Certificate(pki.der('ada'));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  // The bits of a point on P-256 are the last 65 bytes.
  for (const bytes of [spki, spki.subarray(-65), pki.der('ada')]) {
    const hash = createHash('sha1').update(bytes).digest('hex');
    t.is(bound(`X509:<SHA1-PUKEY>${hash}`), 'public_key');
    t.is(bound(`X509:<SHA1-PUKEY>${hash.slice(0, -2)}`), null);
  }
});

test('the SID, as extension and as URI; another SID has no weak mapping either', async (t) => {
  const everything = [...WEAK_BINDINGS];
  for (const [name, binding] of [
    ['sid', 'sid'],
    ['uri', 'sid_uri'],
  ] as const) {
    const fields = await fieldsOf(name);
    const by = (sids: readonly string[], weak: readonly WeakBinding[] = []): string | null =>
      bindingOf(fields, user([], { sids }), weak);
    t.is(by([SID]), binding);
    for (const sids of [[], [`${SID}0`], [SID.slice(0, -1)], [SID, SID], [`${SID},S-1-1-0`], ['']]) {
      t.is(by(sids), null, String(sids));
      t.is(by(sids, everything), null, `${String(sids)} and every weak one`);
    }
    const skid = `X509:<SHA1-PUKEY>${fields.sha1[0] ?? ''}`;
    t.is(bindingOf(fields, user([skid], { sids: ['S-1-5-21-1-2-3-4'] }), []), 'public_key', 'explicit');
  }
  const broken = await fieldsOf('broken');
  t.is(broken.sid, '');
  for (const sids of [[], [''], [SID]]) t.is(bindingOf(broken, user([], { sids }), everything), null);
});

test('names alone only where the setting names them, each by its own', (t) => {
  const weak: readonly (readonly [WeakBinding, DirectoryUser])[] = [
    ['issuer_subject', user([`X509:<I>${ISSUER_AD}<S>DC=org,DC=example,CN=ada`])],
    ['subject', user(['X509:<S>DC=org,DC=example,CN=ada'])],
    ['rfc822', user(['X509:<RFC822>Ada@example.org'])],
    ['upn', user([], { principalNames: ['ada@ad.example.org'] })],
    ['sssd', user([])],
  ];
  for (const [name, who] of weak) {
    t.is(bindingOf(ada, who, []), null, name);
    const others = WEAK_BINDINGS.filter((other) => other !== name && other !== 'sssd');
    t.is(bindingOf(ada, who, others), null, `${name} by the others`);
    t.is(bindingOf(ada, who, [name]), name);
  }
  const wrong = user(['X509:<S>CN=ada', 'X509:<RFC822>bob@example.org', `X509:<I>CN=x<S>CN=ada`], {
    principalNames: ['bob@ad.example.org'],
  });
  t.is(bindingOf(ada, wrong, ['issuer_subject', 'subject', 'rfc822', 'upn']), null);
  t.is(bindingOf({ ...ada, altNames: [] }, user(['X509:<RFC822>']), ['rfc822', 'upn']), null);
});

test('a strong one is said, also where a weak one would do', (t) => {
  const who = user(['X509:<S>DC=org,DC=example,CN=ada', `X509:<SKI>${ada.subjectKeyId ?? ''}`]);
  t.is(bindingOf(ada, who, ['subject', 'sssd']), 'subject_key_id');
});

test('whatever stands in the directory: nothing but what names this certificate is strong', (t) => {
  const part = fc.oneof(
    fc.string(),
    fc.constantFrom('X509:', '<I>', '<SR>', '<SKI>', '<S>', '<SHA1-PUKEY>', ISSUER_AD),
  );
  const text = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''));
  const { subjectKeyId, sha1 } = ada;
  fc.assert(
    fc.property(text, (identity) => {
      const low = identity.toLowerCase();
      const names = [subjectKeyId ?? '', serial(), ...sha1].some((value) =>
        low.includes(value.toLowerCase()),
      );
      return names || bound(identity) === null;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
