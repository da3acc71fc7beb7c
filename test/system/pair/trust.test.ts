// [trust] on the real way: settings file, SIGHUP, authorities and a revocation list in /etc/scauth, sudo on a terminal.
// What is good gets in by the PIN; what is not gets the password at once, and the log says why.

import { readFileSync } from 'node:fs';
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { AUTHORITY, LEAF, Pki } from '../../unit/trust/authority.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, ROOT } from '../../kit/person/person.ts';

const pki = new Pki();
let sandbox: Sandbox;

async function put(name: string, bytes: Buffer | string): Promise<void> {
  const script = 'cat > "/etc/scauth/$1" && chmod 644 "/etc/scauth/$1"';
  const { code, stderr } = await sandbox.exec(['sh', '-c', script, 'sh', name], { input: bytes.toString() });
  if (code !== 0) throw new Error(stderr);
}

/** Writes the settings and waits until scauthd says what became of them. */
async function settle(toml: string, says: string): Promise<void> {
  const from = sandbox.agentLog().length;
  await put('scauth.toml', toml);
  await sandbox.exec(['kill', '-HUP', String(sandbox.agentPid)]);
  await person.untilAgentSays(sandbox, says, from);
}

async function certify(name: string): Promise<void> {
  await sandbox.card.setCertificate('9A', readFileSync(pki.file(`${name}.pem`), 'utf8'));
  await person.reinsertCard(sandbox);
}

/** Straight to the password: no PIN prompt, and no try is spent. */
async function refusedForPassword(t: { true: (is: boolean, message?: string) => void }): Promise<string> {
  await sandbox.card.clearLog();
  const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
  t.true(code === 0 && ROOT.test(screen), screen);
  t.true(screen.includes('The certificate on this card is not trusted here.'), screen);
  t.true((await sandbox.card.verifyCount()) === 0);
  return screen;
}

const TRUST = `[trust]
level = 3
authorities = ["/etc/scauth/root.pem"]
crl_files = ["/etc/scauth/root.crl"]
`;

test.before(async () => {
  pki.root('root', { extensions: `${AUTHORITY}\nsubjectKeyIdentifier=hash` });
  pki.issue('ada', 'root', { extensions: LEAF });
  pki.issue('ada-old', 'root', { keyOf: 'ada', from: '20200101000000Z', until: '20210101000000Z' });
  pki.root('stranger', { keyOf: 'ada', subject: '/O=Test/CN=ada', extensions: LEAF });
  sandbox = await Sandbox.start({});
  await put('root.pem', readFileSync(pki.file('root.pem')));
  await put('root.crl', readFileSync(pki.crl('root')));
  await sandbox.card.setKey('9A', readFileSync(pki.file('ada.key'), 'utf8'));
  await certify('ada');
  await settle(TRUST, 'new configuration: trust');
  await person.pairCard(sandbox);
});
test.after.always(async () => {
  await sandbox.stop();
  await pki.close();
});

test.serial('level 3: chain and revocation list are good, the card opens sudo', async (t) => {
  await person.expectCardLogin(sandbox);
  t.regex((await sandbox.exec(['sc_auth', 'profile'])).stdout, /SSL trust: YES, X509 trust: YES/);
});

test.serial('an expired certificate, and one that nobody vouches for: the password at once', async (t) => {
  for (const [name, why] of [
    ['ada-old', /its certificate is refused \(trust\.level\): it has expired/],
    ['stranger', /its certificate is refused \(trust\.level\)/],
  ] as const) {
    await certify(name);
    await refusedForPassword(t);
    t.regex(sandbox.agentLog(), why);
    await person.untilAudited(sandbox, 'certificate-not-trusted');
  }
  await certify('ada');
  await person.expectCardLogin(sandbox);
});

test.serial('revoked by a new list: refused from the next login on, without a restart', async (t) => {
  pki.revoke('ada', 'root');
  await put('root.crl', readFileSync(pki.crl('root')));
  await refusedForPassword(t);
  t.regex(sandbox.auditLog(), /it is revoked \(\/etc\/scauth\/root\.crl\)/);
  const { stdout } = await sandbox.exec(['sc_auth', 'profile']);
  t.regex(stdout, /SSL trust: NO, X509 trust: NO\n[^]*Not trusted: it is revoked/);
  await settle(TRUST.replace('level = 3', 'level = 1'), 'new configuration: trust');
  await person.expectCardLogin(sandbox);
  t.regex(sandbox.auditLog(), /"setting":"trust\.level","from":"3","to":"1"/);
  await settle(TRUST, 'new configuration: trust');
  await refusedForPassword(t);
});

test.serial('settings that cannot be meant change nothing', async (t) => {
  await settle('[trust]\nlevel = 3\n', 'the new configuration is refused, the old one stays');
  await refusedForPassword(t);
});

test.serial('pairing: the person is told why, before any secret is asked for', async (t) => {
  await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user]);
  const pty = sandbox.pty(['sc_auth', 'pair'], { user: sandbox.user });
  await pty.expect(/Enter = \w+[^\n]*: $/);
  pty.send('1\n');
  const { code, screen } = await person.untilEnd(pty);
  t.is(code, 3);
  t.regex(screen, /not trusted here: it is revoked/);
  t.notRegex(screen, /assword/);
});
