// [attestation] on the real way: a key that was made on the card is paired by its maker's word, an imported one, a card
// under another root and a hash without a card are not, and the person hears why before any secret is asked for.
// And on the same card: a certificate that is about to end is told at a login, once a day.
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { AUTHORITY, LEAF, Pki } from '../../unit/trust/authority.ts';
import * as person from '../../kit/person/person.ts';

const pki = new Pki();
let sandbox: Sandbox;

async function settle(toml: string, says = 'new configuration: '): Promise<void> {
  const from = sandbox.agentLog().length;
  await sandbox.exec(['sh', '-c', 'cat > /etc/scauth/scauth.toml'], { input: toml });
  await sandbox.exec(['kill', '-HUP', String(sandbox.agentPid)]);
  await person.untilAgentSays(sandbox, says, from);
}

const POLICY = '[attestation]\nrequired = true\nroots = ["/etc/scauth/maker.pem"]\n';

async function setAttestor(name: string): Promise<void> {
  await sandbox.card.setKey('F9', readFileSync(pki.file(`${name}.key`), 'utf8'));
  await sandbox.card.setCertificate('F9', readFileSync(pki.file(`${name}.pem`), 'utf8'));
}

test.before(async () => {
  pki.root('maker');
  pki.issue('f9', 'maker', { extensions: AUTHORITY });
  pki.root('stranger');
  pki.issue('stranger-f9', 'stranger', { extensions: AUTHORITY });
  sandbox = await Sandbox.start({ card: 'p256', config: '' });
  const put = ['sh', '-c', 'cat > /etc/scauth/maker.pem && chmod 644 /etc/scauth/maker.pem'];
  await sandbox.exec(put, { input: readFileSync(pki.file('maker.pem'), 'utf8') });
  await setAttestor('f9');
  await settle(POLICY);
});
test.after.always(async () => {
  await sandbox.stop();
  await pki.close();
});

async function refused(t: ExecutionContext, says: RegExp): Promise<void> {
  const pty = sandbox.pty(['sc_auth', 'pair'], { user: sandbox.user });
  const { code, screen } = await person.answer(pty, [[/Enter = \w+[^\n]*: $/, '1']]);
  t.is(code, 3, screen);
  t.regex(screen, says);
  t.notRegex(screen, /assword|PIN for/);
  const hash = await person.cardHash(sandbox);
  const byRoot = await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  t.is(byRoot.code, 3, 'nor by the administrator');
}

test.serial('made on the card: paired, and the card logs in', async (t) => {
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
  await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user]);
  t.pass();
});

test.serial('a card under another root, a policy that is too weak, a hash without a card', async (t) => {
  await setAttestor('stranger-f9');
  await refused(t, /cannot be paired here: its attestation: .*issuer/);
  await setAttestor('f9');
  await settle(`${POLICY}touch_policy = "always"\n`);
  await refused(t, /touch policy is never \(attestation\.touch_policy\)/);
  await settle(POLICY);
  const absent = ['sc_auth', 'pair', '-u', sandbox.user, '-h', '00112233445566778899AABBCCDDEEFF00112233'];
  const { code, stderr } = await sandbox.exec(absent);
  t.is(code, 3);
  t.regex(stderr, /nothing attests that the key was made on a card/);
  await settle('[attestation]\nrequired = true\n', 'the new configuration is refused, the old one stays');
});

test.serial('an imported key is not attested', async (t) => {
  pki.issue('ada', 'maker', { extensions: LEAF, until: soon(5) });
  await sandbox.card.setKey('9A', readFileSync(pki.file('ada.key'), 'utf8'));
  await sandbox.card.setCertificate('9A', readFileSync(pki.file('ada.pem'), 'utf8'));
  await person.reinsertCard(sandbox);
  await refused(t, /does not attest the key .*it was imported/);
});

/** YYYYMMDDHHMMSSZ, so many days from now. */
function soon(days: number): string {
  const at = new Date(Date.now() + days * 24 * 60 * 60 * 1000 + 60_000);
  return `${at.toISOString().replace(/[-:T]|\.\d+Z$/g, '')}Z`;
}

test.serial(
  'a certificate that ends in five days: told at the first login of the day, by sudo too',
  async (t) => {
    await settle('');
    await person.pairCard(sandbox);
    const first = await person.sudo(sandbox, [person.PIN_PROMPT, sandbox.pin]);
    t.is(first.code, 0);
    t.regex(first.screen, /The certificate on your card ends in 5 days \(\d{4}-\d\d-\d\d\)\./);
    const second = await person.sudo(sandbox, [person.PIN_PROMPT, sandbox.pin]);
    t.is(second.code, 0);
    t.notRegex(second.screen, /certificate on your card/);
  },
);
