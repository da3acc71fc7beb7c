// Matching rules judged by SSSD's own reader of them: for each certificate and rule, what `sssctl cert-eval-rule` says
// is what we say. sss-certmap(5), sssctl(8).

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../../agent/base/clock.ts';
import { ChainTrust } from '../../../agent/trust/certificate-trust.ts';
import { matchesRule } from '../../../policy/certmap/match.ts';
import { parseCertmapRule } from '../../../policy/certmap/parse.ts';
import { LEAF, Pki } from '../trust/authority.ts';

const pki = new Pki();
const ids = ['plain', 'mail', 'upn', 'logon', 'signing', 'bare', 'units'] as const;

test.before(() => {
  pki.root('root', { subject: '/C=DE/O=Test, Inc/CN=Root CA' });
  pki.issue('plain', 'root', { subject: '/C=DE/O=Test/OU=Staff/CN=ada' });
  pki.issue('mail', 'root', {
    subject: '/O=Test/CN=Ada Lovelace',
    extensions: `${LEAF}\nsubjectAltName=email:ada@example.org,DNS:ada.example.org,URI:http://example.org/ada`,
  });
  pki.issue('upn', 'root', {
    subject: '/O=Test/CN=ada',
    extensions: `${LEAF}\nsubjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:ada@EXAMPLE.ORG`,
  });
  pki.issue('logon', 'root', {
    extensions:
      'keyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=clientAuth,1.3.6.1.4.1.311.20.2.2,emailProtection',
  });
  pki.issue('signing', 'root', { extensions: 'keyUsage=nonRepudiation\nextendedKeyUsage=emailProtection' });
  pki.issue('bare', 'root', { extensions: 'basicConstraints=CA:FALSE' });
  pki.issue('units', 'root', { subject: '/O=A+B \\"x\\"/OU=one/OU=two/CN=ada' });
});
test.after.always(() => pki.close());

const rules = [
  '<SUBJECT>ada',
  '<SUBJECT>^CN=ada,',
  '<SUBJECT>CN=ada,OU=Staff,O=Test,C=DE$',
  '<SUBJECT>^CN=[a-z]+,O=Test$',
  '<SUBJECT>^CN=[[:upper:]][[:lower:]]+ Lovelace',
  '<SUBJECT>(ada|bob)',
  '<SUBJECT>OU=two,OU=one',
  '<SUBJECT>O=Test.*C=(DE|FR)$',
  '<SUBJECT>ada{2}',
  '<SUBJECT>[.]',
  '<ISSUER>Root CA',
  '<ISSUER>^CN=Root CA,O=Test',
  '<ISSUER>elsewhere',
  '<ISSUER>C=DE$',
  '<KU>digitalSignature',
  '<KU>digitalSignature,keyEncipherment',
  '<KU>nonRepudiation',
  '<EKU>clientAuth',
  '<EKU>msScLogin',
  '<EKU>clientAuth,msScLogin',
  '<EKU>1.3.6.1.5.5.7.3.4',
  '<EKU>emailProtection',
  '<SAN:rfc822Name>@example\\.org$',
  '<SAN:rfc822Name>bob',
  '<SAN:dNSName>^ada\\.',
  '<SAN:uniformResourceIdentifier>/ada$',
  '<SAN:ntPrincipalName>^ada@',
  '<SAN:Principal>EXAMPLE',
  '<SAN>EXAMPLE',
  '<SUBJECT>ada<KU>digitalSignature<EKU>clientAuth',
  '&&<SUBJECT>ada<ISSUER>elsewhere',
  '||<SUBJECT>nobody<EKU>emailProtection',
  '||<SUBJECT>nobody<ISSUER>elsewhere',
  'KRB5:<ISSUER>Root CA',
  'KRB5:||<SUBJECT>nobody<KU>nonRepudiation',
  '<KU>digitalSignature<EKU>clientAuth',
];

/**
 * What sssctl said, recorded once: its package edits the PAM files and nsswitch.conf of the machine, so no test installs
 * it. `SSSD_ROOT=FOLDER` (its packages unpacked by dpkg -x) asks it anew, and `RECORD=1` writes the record.
 */
const RECORD = join(import.meta.dirname, '../../vectors/sssd-verdicts.json');
const root = process.env['SSSD_ROOT'] ?? null;

/** sssctl wants a machine with a domain: it gets one in a mount namespace of its own. One answer for each rule. */
const JUDGE = String.raw`set -e
mount -t tmpfs none /var/lib; mkdir -p /var/lib/sss/db /var/lib/sss/mc /var/lib/sss/pipes/private
mount -t tmpfs none /var/log; mkdir /var/log/sssd
mount -t tmpfs none /mnt; mkdir /mnt/up /mnt/work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work none /etc
mkdir -p /etc/sssd; printf '[sssd]\ndomains=test\nservices=nss\n[domain/test]\nid_provider=files\n' >/etc/sssd/sssd.conf
chmod 600 /etc/sssd/sssd.conf
certificate=$1; shift
for rule; do
  echo '=='; "$SSSD_ROOT/usr/sbin/sssctl" cert-eval-rule "$certificate" --match="$rule" 2>&1 || true
done`;

type Verdict = 'matches' | 'does not match' | 'refused';
type Verdicts = Record<string, Record<string, Verdict>>;

const recorded = JSON.parse(readFileSync(RECORD, 'utf8')) as Verdicts;

function ask(der: Buffer, asked: readonly string[], folder: string): Verdict[] {
  const libraries = [
    'usr/lib/x86_64-linux-gnu',
    'lib/x86_64-linux-gnu',
    'usr/lib/x86_64-linux-gnu/sssd',
    'usr/lib/x86_64-linux-gnu/samba',
  ];
  const { stdout, stderr, status } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', JUDGE, 'sh', der.toString('base64'), ...asked],
    {
      encoding: 'utf8',
      maxBuffer: 2 ** 24,
      env: {
        ...process.env,
        LD_LIBRARY_PATH: libraries.map((path) => join(folder, path)).join(':'),
        LDB_MODULES_PATH: join(folder, 'usr/lib/x86_64-linux-gnu/samba/ldb'),
      },
    },
  );
  const answers = stdout.split('==\n').slice(1);
  if (status !== 0 || answers.length !== asked.length)
    throw new Error(`sssctl does not judge: ${stdout}${stderr}`);
  return answers.map((text) => {
    if (text.includes('Certificate matches rule.')) return 'matches';
    if (text.includes('Certificate does not match rule.')) return 'does not match';
    if (text.includes('Failed to add mapping and matching rules')) return 'refused';
    throw new Error(`sssctl says something new: ${text}`);
  });
}

/** By sssctl itself where it is at hand, else by what it said. */
function judged(id: string, asked: readonly string[]): (Verdict | undefined)[] {
  if (root === null) return asked.map((rule) => recorded[id]?.[rule]);
  const said = ask(pki.der(id), asked, root);
  if (process.env['RECORD'] === '1') {
    recorded[id] = {
      ...recorded[id],
      ...Object.fromEntries(asked.map((rule, at) => [rule, said[at]])),
    } as Record<string, Verdict>;
    writeFileSync(RECORD, `${JSON.stringify(recorded, null, 2)}\n`);
  }
  return said;
}

for (const id of ids) {
  test(`rules on the certificate '${id}' as SSSD`, async (t) => {
    const der = pki.der(id);
    const fields = await new ChainTrust(systemClock).fields(der);
    const verdicts = judged(id, rules);
    t.deepEqual(
      rules.map((rule) => [rule, matchesRule(parseCertmapRule(rule), fields) ? 'matches' : 'does not match']),
      rules.map((rule, at) => [rule, verdicts[at]]),
    );
  });
}

test('each rule matches some of the certificates and not others', async (t) => {
  const trust = new ChainTrust(systemClock);
  const all = await Promise.all(ids.map((id) => trust.fields(pki.der(id))));
  const split = rules.filter((rule) => {
    const hits = all.filter((fields) => matchesRule(parseCertmapRule(rule), fields)).length;
    return hits > 0 && hits < all.length;
  });
  t.true(split.length > rules.length / 2, String(split.length));
});

test('what SSSD refuses to read is refused', (t) => {
  const broken = ['<NONE>x', '<KU>never', '<EKU>noSuchUse', '<SUBJECT>[', '<SUBJECT>('];
  for (const rule of [...broken, '', 'SUBJECT', '<SUBJECT>'])
    t.throws(() => parseCertmapRule(rule), { instanceOf: SyntaxError }, rule);
  t.deepEqual(
    judged('plain', broken),
    broken.map(() => 'refused'),
  );
});
