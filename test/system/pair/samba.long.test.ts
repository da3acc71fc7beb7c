// Active Directory's strong mappings with a domain of Samba's behind SSSD: each kind logs the account in, a name does not.

import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { SambaDomain } from '../../kit/sssd/samba-domain.ts';
import { forgetLocalAccount, startSssd } from '../../kit/sssd/sandbox-sssd.ts';
import { sidExtension } from '../../kit/sssd/sid-extension.ts';
import { AUTHORITY, LEAF, Pki } from '../../unit/trust/authority.ts';

/** By which SSSD finds somebody; scauth takes no name for a mapping. */
const RULE = 'LDAPU1:(sAMAccountName={subject_dn_component.cn})';
const ISSUER = 'DC=org,DC=example,CN=Test CA';
const domain = new SambaDomain();
const pki = new Pki();
let sandbox: Sandbox;

interface Verdict {
  readonly matches: boolean | null;
  readonly accounts: readonly { readonly name: string; readonly by: string | null }[];
}

/** What a login would be told: the same question, by the same program. */
async function asked(name: string): Promise<Verdict> {
  const input = readFileSync(pki.file(`${name}.pem`), 'latin1');
  const argv = ['sc_auth', 'map', 'test', '-', '-u', sandbox.user, '--json'];
  const { stdout, stderr } = await sandbox.exec(argv, { input });
  if (!stdout.startsWith('{')) throw new Error(stdout + stderr);
  return JSON.parse(stdout) as Verdict;
}

test.before(async () => {
  pki.root('root', {
    subject: '/DC=org/DC=example/CN=Test CA',
    extensions: `${AUTHORITY}\nsubjectKeyIdentifier=hash`,
  });
  sandbox = await Sandbox.start({});
  await startSssd(sandbox, domain, RULE);
  await forgetLocalAccount(sandbox);
  const key = `${LEAF}\nsubjectKeyIdentifier=hash`;
  pki.issue('plain', 'root', { subject: '/CN=ada', extensions: key });
  pki.issue('sid', 'root', {
    ...{ subject: '/CN=ada', keyOf: 'plain' },
    extensions: `${key}\n${sidExtension(domain.sid)}`,
  });
  pki.issue('uri', 'root', {
    ...{ subject: '/CN=ada', keyOf: 'plain' },
    extensions: `${key}\nsubjectAltName=@names\n[names]\nURI=tag:microsoft.com,2022-09-14:sid:${domain.sid}`,
  });
  const pinned = new X509Certificate(pki.der('root')).fingerprint256.replaceAll(':', '');
  const settings = `[trust]\nlevel = 1\nauthorities = ["/etc/scauth/root.pem"]\npinned = ["${pinned}"]\n[mapping]\nsource = "sssd"\n`;
  for (const [name, input] of [
    ['root.pem', readFileSync(pki.file('root.pem'))],
    ['scauth.toml', settings],
  ] as const)
    await sandbox.exec(['sh', '-c', `cat > /etc/scauth/${name}`], { input });
  await sandbox.restartAgent();
});
test.after.always(async () => {
  await sandbox.stop();
  await pki.close();
});
test.serial(
  'the SID that the domain gave, as extension and as URI; altSecurityIdentities of each strong kind',
  async (t) => {
    t.regex(domain.sid, /^S-1-5-21-\d+-\d+-\d+-\d+$/);
    for (const [name, by] of [
      ['sid', 'sid'],
      ['uri', 'sid_uri'],
    ] as const)
      t.like(await asked(name), { matches: true, accounts: [{ name: sandbox.user, by }] }, name);
    const certificate = new X509Certificate(pki.der('plain'));
    const serial = Buffer.from(certificate.serialNumber, 'hex').reverse().toString('hex');
    // openssl's key identifier is this very hash.
    const bits = certificate.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
    const sha1 = createHash('sha1').update(bits).digest('hex');
    for (const [identity, by] of [
      [`X509:<I>${ISSUER}<SR>${serial}`, 'issuer_serial'],
      [`X509:<SKI>${sha1}`, 'subject_key_id'],
      [`X509:<SHA1-PUKEY>${sha1}`, 'public_key'],
    ] as const) {
      await domain.setIdentities(sandbox, [identity]);
      t.like(await asked('plain'), { matches: true, accounts: [{ by }] }, identity);
    }
  },
);

test.serial('a card login by the SID, and by what the domain says of the key', async (t) => {
  await sandbox.card.setKey('9A', readFileSync(pki.file('plain.key'), 'utf8'));
  for (const name of ['sid', 'plain']) {
    await sandbox.card.setCertificate('9A', readFileSync(pki.file(`${name}.pem`), 'utf8'));
    await person.reinsertCard(sandbox);
    await person.expectCardLogin(sandbox);
  }
  t.regex(sandbox.auditLog(), /by the account's SID in the certificate/);
  t.regex(sandbox.auditLog(), /by the hash of its key/);
});

test.serial('names in the domain, and others’ numbers, log nobody in', async (t) => {
  const wrong = [
    [],
    [`X509:<I>${ISSUER}<S>CN=ada`, 'X509:<S>CN=ada', 'X509:<RFC822>ada@example.org'],
    [
      `X509:<I>${ISSUER}<SR>0123456789abcdef`,
      'X509:<SKI>0123456789abcdef',
      `X509:<SHA1-PUKEY>${'0'.repeat(40)}`,
    ],
  ];
  for (const identities of wrong) {
    await domain.setIdentities(sandbox, identities);
    const { code, stderr } = await sandbox.exec(['sc_auth', 'map', 'test', '-', '-u', sandbox.user], {
      input: readFileSync(pki.file('plain.pem'), 'latin1'),
    });
    t.is(code, 4, identities.join());
    t.regex(stderr, /SSSD names ada[^]*but nothing in the directory/);
  }
});
