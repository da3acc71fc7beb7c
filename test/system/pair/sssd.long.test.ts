// mapping.source "sssd" with the real SSSD, its InfoPipe and slapd: card logins of somebody who is in the directory alone
// and has paired nothing, and what keeps such a login from being one.

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import {
  configureSssd,
  type Directory,
  forgetLocalAccount,
  freezeInfoPipe,
  restartSssd,
  slapdOf,
  startSssd,
  stopSssd,
} from '../../kit/sssd/sandbox-sssd.ts';
import { sidExtension } from '../../kit/sssd/sid-extension.ts';
import { AUTHORITY, LEAF, Pki } from '../../unit/trust/authority.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT } from '../../kit/person/person.ts';

const SID = 'S-1-5-21-1004336348-1177238915-682003330-1105';
/** SSSD finds people by the serial number that stands with them, and by a name, which is no mapping that scauth takes. */
const RULE =
  'LDAPU1:(|(altSecurityIdentities=X509:<I>{issuer_dn!ad_x500}<SR>{serial_number!hex_ur})(uid={subject_dn_component.cn}))';
/** That of FreeIPA's own guide, by which its directory is searched. */
const IPA_RULE = 'LDAP:(ipacertmapdata=X509:<I>{issuer_dn!nss_x500}<S>{subject_dn!nss_x500})';
const ISSUER = 'DC=org,DC=example,CN=Test CA';
const pki = new Pki();
let sandbox: Sandbox;
let directory: Directory;

function reversedSerial(name: string): string {
  const { serialNumber } = new X509Certificate(pki.der(name));
  return Buffer.from(serialNumber, 'hex').reverse().toString('hex').toUpperCase();
}

async function put(name: string, bytes: Buffer | string): Promise<void> {
  const script = 'cat > "/etc/scauth/$1" && chmod 644 "/etc/scauth/$1"';
  const { code, stderr } = await sandbox.exec(['sh', '-c', script, 'sh', name], { input: bytes.toString() });
  if (code !== 0) throw new Error(stderr);
}

async function settings(mapping: string): Promise<void> {
  const pinned = new X509Certificate(pki.der('root')).fingerprint256.replaceAll(':', '');
  await put(
    'scauth.toml',
    `[trust]\nlevel = 1\nauthorities = ["/etc/scauth/root.pem"]\npinned = ["${pinned}"]\n[mapping]\nsource = "sssd"\n${mapping}`,
  );
  const from = sandbox.agentLog().length;
  await sandbox.exec(['kill', '-HUP', String(sandbox.agentPid)]);
  await person.untilAgentSays(sandbox, 'new configuration: ', from);
}

async function certify(name: string): Promise<void> {
  await sandbox.card.setCertificate('9A', readFileSync(pki.file(`${name}.pem`), 'utf8'));
  await person.reinsertCard(sandbox);
}

/** The password is asked for, and no PIN. @returns what scauthd says of it */
async function refused(): Promise<string> {
  const from = sandbox.agentLog().length;
  const pty = sandbox.pty(['sudo', '-k', 'id', '-u'], { user: sandbox.user });
  await pty.expect(PASSWORD_PROMPT);
  if (PIN_PROMPT.test(pty.screen)) throw new Error(pty.screen);
  await person.interrupt(pty);
  return sandbox.agentLog().slice(from);
}

async function explained(): Promise<string> {
  return (await sandbox.exec(['sc_auth', 'explain', '-u', sandbox.user, '-s', 'sudo'])).stdout;
}

test.before(async () => {
  pki.root('root', {
    subject: '/DC=org/DC=example/CN=Test CA',
    extensions: `${AUTHORITY}\nsubjectKeyIdentifier=hash`,
  });
  pki.issue('serial', 'root', { subject: '/O=Test/CN=nobody' });
  for (const [name, subject, more] of [
    ['sid', '/O=Test/CN=ada', sidExtension(SID)],
    ['plain', '/O=Test/CN=ada', ''],
    ['other', '/O=Test/CN=bob', sidExtension(SID)],
    ['wrong', '/O=Test/CN=ada', sidExtension(`${SID}0`)],
    ['ipa', '/O=Test/CN=somebody', ''],
  ] as const)
    pki.issue(name, 'root', { subject, extensions: `${LEAF}\n${more}`, keyOf: 'serial' });
  sandbox = await Sandbox.start({});
  directory = slapdOf([
    {
      uid: sandbox.user,
      uidNumber: sandbox.uid,
      sid: SID,
      altSecurityIdentities: [`X509:<I>${ISSUER}<SR>${reversedSerial('serial')}`],
      // As `ipa user-add-certmapdata` writes them: by --issuer and --subject, and as it is.
      ipaCertMapData: [
        `X509:<I>${ISSUER}<S>O=Test,CN=ada`,
        `X509:<I>${ISSUER}<S>O=Test,CN=somebody`,
        `X509:<I>${ISSUER}<SR>${reversedSerial('ipa')}`,
      ],
    },
    { uid: 'bob', uidNumber: 20_002, sid: 'S-1-5-21-1-2-3-4' },
  ]);
  await startSssd(sandbox, directory, RULE);
  await forgetLocalAccount(sandbox);
  await put('root.pem', readFileSync(pki.file('root.pem')));
  await settings('');
  // As on a machine where SSSD was there first.
  await sandbox.restartAgent();
  await sandbox.card.setKey('9A', readFileSync(pki.file('serial.key'), 'utf8'));
  await certify('serial');
});
test.after.always(async () => {
  await sandbox.stop();
  await pki.close();
});

test.serial(
  'by issuer and serial number, and by the SID: card logins, and explain and the log say by whom',
  async (t) => {
    for (const [name, by] of [
      ['serial', 'by issuer and serial number'],
      ['sid', "by the account's SID in the certificate"],
    ] as const) {
      await certify(name);
      await person.expectCardLogin(sandbox);
      t.true((await explained()).includes(`SSSD gives the certificate to this account, ${by}`), name);
      const record = sandbox
        .auditLog()
        .split('\n')
        .find((line) => line.includes(by));
      t.regex(record ?? '', /mapping\.source/, name);
    }
    t.regex(
      (await sandbox.exec(['sc_auth', 'list', '-u', sandbox.user, '--json'])).stdout,
      /"pairings": ?\[\]/,
    );
  },
);

test.serial(
  'SSSD finds the account by a name alone, another account, one of another SID: the password',
  async (t) => {
    for (const [name, why] of [
      ['plain', /names this account, and nothing in the directory/],
      ['wrong', /names this account, and nothing in the directory/],
      ['other', /to another account \(bob 20002\)/],
    ] as const) {
      await certify(name);
      t.regex(await refused(), why, name);
      t.regex(await explained(), /SSSD was asked whose certificate it is/);
    }
  },
);

test.serial('sc_auth map test asks SSSD as a login does', async (t) => {
  const ask = (name: string, ...more: string[]): ReturnType<Sandbox['exec']> =>
    sandbox.exec(['sc_auth', 'map', 'test', '-', ...more], {
      input: readFileSync(pki.file(`${name}.pem`), 'latin1'),
    });
  const sid = await ask('sid', '-u', sandbox.user, '--json');
  t.is(sid.code, 0, sid.stderr);
  t.like(JSON.parse(sid.stdout), {
    ...{ source: 'sssd', chain: null, matches: true },
    accounts: [{ name: sandbox.user, uid: sandbox.uid, by: 'sid' }],
  });
  const plain = await ask('plain');
  t.is(plain.code, 4);
  t.regex(plain.stderr, /SSSD names ada[^]*but nothing in the directory/);
  t.regex((await sandbox.exec(['sc_auth', 'doctor'])).stdout, /SSSD\s+its InfoPipe answers/);
});

test.serial(
  'an InfoPipe that hangs: the password, in time; after a restart of SSSD the card again',
  async (t) => {
    await certify('sid');
    await freezeInfoPipe(sandbox, true);
    t.regex(await refused(), /gave no answer/);
    await freezeInfoPipe(sandbox, false);
    await stopSssd(sandbox);
    t.regex((await sandbox.exec(['sc_auth', 'doctor'])).stdout, /no card is mapped/);
    await restartSssd(sandbox);
    await person.expectCardLogin(sandbox);
  },
);

test.serial('a weak mapping by its name', async (t) => {
  await certify('plain');
  await settings('weak = ["sssd"]\n');
  await person.expectCardLogin(sandbox);
  t.regex(await explained(), /by SSSD's own rules alone/);
});

test.serial(
  'FreeIPA’s attribute and rule: issuer and serial number, and issuer and subject by its name alone',
  async (t) => {
    await settings('');
    await stopSssd(sandbox);
    configureSssd(sandbox, { ...directory, identities: 'ipaCertMapData' }, IPA_RULE);
    await restartSssd(sandbox);
    await certify('ipa');
    await person.expectCardLogin(sandbox);
    t.true(
      (await explained()).includes('SSSD gives the certificate to this account, by issuer and serial number'),
    );
    await certify('plain');
    t.regex(await refused(), /names this account, and nothing in the directory/);
    await certify('serial');
    t.notRegex(await refused(), /names this account/, 'what stands in another attribute is not asked for');
    await certify('plain');
    await settings('weak = ["issuer_subject"]\n');
    await person.expectCardLogin(sandbox);
    t.regex(await explained(), /by issuer and subject/);
  },
);
