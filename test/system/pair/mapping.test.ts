// [mapping] on the real way: a card that nobody has paired opens sudo because its certificate names ada, `sc_auth map
// test` says the same beforehand, and other certificates get the password.

import { readFileSync } from 'node:fs';
import test from 'ava';
import { X509Certificate } from 'node:crypto';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { AUTHORITY, Pki } from '../../unit/trust/authority.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';

const pki = new Pki();
let sandbox: Sandbox;

async function put(name: string, bytes: Buffer | string): Promise<void> {
  const script = 'cat > "/etc/scauth/$1" && chmod 644 "/etc/scauth/$1"';
  const { code, stderr } = await sandbox.exec(['sh', '-c', script, 'sh', name], { input: bytes.toString() });
  if (code !== 0) throw new Error(stderr);
}

async function certify(name: string): Promise<void> {
  await sandbox.card.setCertificate('9A', readFileSync(pki.file(`${name}.pem`), 'utf8'));
  await person.reinsertCard(sandbox);
}

test.before(async () => {
  pki.root('root', { extensions: `${AUTHORITY}\nsubjectKeyIdentifier=hash` });
  pki.issue('ada', 'root', { subject: '/O=Test/CN=ada' });
  pki.issue('bob', 'root', { subject: '/O=Test/CN=bob', keyOf: 'ada' });
  pki.root('self', {
    subject: '/O=Test/CN=ada',
    keyOf: 'ada',
    extensions: 'extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature',
  });
  sandbox = await Sandbox.start({});
  const pem = readFileSync(pki.file('root.pem'));
  await put('root.pem', pem);
  const pinned = new X509Certificate(pem).fingerprint256.replaceAll(':', '');
  await put(
    'scauth.toml',
    `[trust]
level = 1
authorities = ["/etc/scauth/root.pem"]
pinned = ["${pinned}"]
[mapping]
attribute = "name"
rules = ["<ISSUER>CN=root<EKU>clientAuth"]
fields = ["common_name"]
format = "$1"
`,
  );
  const from = sandbox.agentLog().length;
  await sandbox.exec(['kill', '-HUP', String(sandbox.agentPid)]);
  await person.untilAgentSays(sandbox, 'new configuration: trust.', from);
  await sandbox.card.setKey('9A', readFileSync(pki.file('ada.key'), 'utf8'));
  await certify('ada');
});
test.after.always(async () => {
  await sandbox.stop();
  await pki.close();
});

test.serial('a card that is paired with nobody opens sudo by its certificate and PIN', async (t) => {
  await person.expectCardLogin(sandbox);
  t.is(
    (await sandbox.exec(['sc_auth', 'list', '-u', sandbox.user, '--json'])).stdout.includes('hash'),
    false,
  );
  t.regex(sandbox.auditLog(), /mapping\.attribute/);
});

test.serial('a rehearsal of it, for sudo and for a locker, says yes and makes no pairing', async (t) => {
  for (const service of ['sudo', 'i3lock']) {
    const options = { user: sandbox.user, input: `${sandbox.pin}\n` };
    const { code, stdout, stderr } = await sandbox.exec(
      ['sc_auth', 'test', '-s', service, '--json'],
      options,
    );
    t.is(code, 0, stdout + stderr);
    const { granted, steps } = JSON.parse(stdout) as { granted: boolean; steps: { note: string }[] };
    t.true(granted);
    const notes = steps.map(({ note }) => note).join('\n');
    t.regex(notes, new RegExp(`permits ${service}\nnone; \\[mapping\\][^]*by the key of the certificate`));
  }
  t.false((await sandbox.exec(['sc_auth', 'list', '-u', sandbox.user, '--json'])).stdout.includes('hash'));
});

test.serial('a wrong PIN, then the password', async (t) => {
  const { code, screen } = await person.sudo(
    sandbox,
    [PIN_PROMPT, person.WRONG_PIN],
    [PASSWORD_PROMPT, sandbox.password],
  );
  t.true(code === 0 && ROOT.test(screen), screen);
});

test.serial("bob's certificate, and ada's name from nobody: the password, and no PIN prompt", async (t) => {
  for (const name of ['bob', 'self']) {
    await certify(name);
    const { screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
    t.true(ROOT.test(screen) && !/Enter PIN/.test(screen), screen);
  }
});

test.serial('sc_auth map test says beforehand what a login will do', async (t) => {
  const ask = async (name: string, ...more: string[]): ReturnType<Sandbox['exec']> =>
    sandbox.exec(['sc_auth', 'map', 'test', '-', ...more], {
      input: readFileSync(pki.file(`${name}.pem`), 'latin1'),
    });
  const good = await ask('ada', '-u', sandbox.user, '--json');
  t.is(good.code, 0, good.stderr);
  t.like(JSON.parse(good.stdout), {
    attribute: 'name',
    chain: null,
    text: 'ada',
    user: 'ada',
    matches: true,
  });
  const words = await ask('ada');
  t.regex(words.stdout, /goes to a pinned authority[^]*<ISSUER>CN=root[^]*whose name is 'ada'/);
  for (const [name, why] of [
    ['bob', /ada: no\.[^]*stands for nobody/],
    ['self', /Chain: refused[^]*stands for nobody/],
  ] as const) {
    const bad = await ask(name, '-u', sandbox.user);
    t.is(bad.code, 4);
    t.regex(bad.stderr, why);
  }
  t.is((await ask('ada', '-u', 'nobody-here')).code, 4);
  t.is((await sandbox.exec(['sc_auth', 'map', 'test', '/etc/passwd'])).code, 1);
  t.is((await sandbox.exec(['sc_auth', 'map'])).code, 2);
});
