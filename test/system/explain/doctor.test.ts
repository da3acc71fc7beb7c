// sc_auth doctor on the real programs: pcscd, scauthd, its settings and a certificate that ends soon, each broken in turn
// and named with its repair; a user gets an answer too.
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { LEAF, Pki } from '../../unit/trust/authority.ts';
import * as person from '../../kit/person/person.ts';

interface Check {
  readonly name: string;
  readonly state: string;
  readonly detail: string;
  readonly repair: string | null;
}

const pki = new Pki();
let sandbox: Sandbox;
test.before(async () => {
  sandbox = await Sandbox.start({ card: 'p256', config: '' });
});
test.after.always(async () => {
  await sandbox.stop();
  await pki.close();
});

async function doctor(user?: string): Promise<Check[]> {
  const options = user === undefined ? {} : { user };
  const { code, stdout, stderr } = await sandbox.exec(['sc_auth', 'doctor', '--json'], options);
  if (stdout === '') throw new Error(stderr);
  const { checks, healthy } = JSON.parse(stdout) as { checks: Check[]; healthy: boolean };
  if (code !== (healthy ? 0 : 1)) throw new Error(`exit code ${code}: ${stdout}`);
  if (healthy === checks.some(({ state }) => state === 'broken')) throw new Error(stdout);
  return checks;
}

async function expect(t: ExecutionContext, name: string, state: string, says: RegExp): Promise<void> {
  const checks = await doctor();
  const check = checks.find((one) => one.name === name && one.state === state);
  t.regex(check?.detail ?? JSON.stringify(checks), says);
  if (state !== 'ok') t.true((check?.repair ?? '').length > 5);
}

test.serial('a machine that is right: pcscd, settings, PAM, scauthd and certificates are', async (t) => {
  for (const name of ['pcscd', 'pcscd version', 'settings', 'PAM', 'clock', 'scauthd', 'certificates'])
    await expect(t, name, 'ok', /./);
  await expect(t, 'drivers and pcscd', 'ok', /lets org\.scauth\.pkcs11 in/);
  const { stdout } = await sandbox.exec(['sc_auth', 'doctor']);
  t.regex(stdout, /^ok {7}pcscd/m);
  const seen = await doctor(sandbox.user);
  t.true(
    seen.some(({ name, state }) => name === 'scauthd' && state === 'ok'),
    'a user gets an answer too',
  );
});

test.serial('settings that a reload refused: in the files, and not in force', async (t) => {
  const from = sandbox.agentLog().length;
  await sandbox.exec([
    'sh',
    '-c',
    'echo "[login]" > /etc/scauth/scauth.toml; echo "remot = 1" >> /etc/scauth/scauth.toml',
  ]);
  await sandbox.exec(['kill', '-HUP', String(sandbox.agentPid)]);
  await person.untilAgentSays(sandbox, 'the old one stays', from);
  await expect(
    t,
    'settings',
    'broken',
    /scauth\.toml:2: login\.remot is not a setting; did you mean remote\?/,
  );
  await expect(t, 'settings in force', 'broken', /last reload was refused/);
  await sandbox.exec(['sh', '-c', ': > /etc/scauth/scauth.toml']);
  await sandbox.exec(['kill', '-HUP', String(sandbox.agentPid)]);
  await person.untilAgentSays(sandbox, 'configuration read: nothing changed', from);
  await expect(t, 'settings', 'ok', /good/);
});

test.serial('a certificate that ends within thirty days, on the card and then in the pairing', async (t) => {
  const at = new Date(Date.now() + 20 * 24 * 60 * 60 * 1000);
  pki.root('root');
  pki.issue('ada', 'root', { extensions: LEAF, until: `${at.toISOString().replace(/[-:T]|\.\d+Z$/g, '')}Z` });
  await sandbox.card.setKey('9A', readFileSync(pki.file('ada.key'), 'utf8'));
  await sandbox.card.setCertificate('9A', readFileSync(pki.file('ada.pem'), 'utf8'));
  await person.reinsertCard(sandbox);
  const hash = await person.cardHash(sandbox);
  await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  await expect(t, 'certificates', 'warning', /^on the card: .* ends on /);
  await person.pullCard(sandbox);
  await expect(t, 'certificates', 'warning', new RegExp(`^paired: .* of ${sandbox.user} .* ends on `));
});

test.serial('pcscd and scauthd that are gone', async (t) => {
  await sandbox.stopPcscd();
  await expect(t, 'pcscd', 'broken', /Nothing listens/);
  await sandbox.killAgent();
  await expect(t, 'scauthd', 'broken', /cannot be reached/);
});
