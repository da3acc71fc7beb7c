// S13: the finder's attack (a new PIN by the PUK of the manual, then sudo) against each way in which a card becomes a login.
// A way that has the card in refuses it; one that has not makes a pairing that opens nothing. Setting up, and changing the
// secrets on the spot: test/system/setup. The dialog: test/system/session.
import test, { type ExecutionContext } from 'ava';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import * as person from '../../kit/person/person.ts';
import { type ExecResult, Sandbox } from '../../kit/sandbox/sandbox.ts';
import { AUTHORITY, Pki } from '../../unit/trust/authority.ts';

const FACTORY = { pin: '123456', puk: '12345678' };
const OWN = ['--pin', '271828', '--puk', '31415926'];
const FOUND_PIN = '987654';
const CALL = `import json, os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(os.environ['SCAUTH_IO_SOCKET'])
link.sendall(json.dumps({'method': 'io.scauth.AddPairing', 'parameters': json.loads(sys.argv[1])}).encode() + b'\\0')
reply = b''
while not reply.endswith(b'\\0'):
    reply += link.recv(65536)
reply = json.loads(reply[:-1])
print(json.dumps(reply))
sys.exit(3 if 'error' in reply else 0)`;

let sandbox: Sandbox;
let hash: string;
let pem: string;

test.before(async () => {
  sandbox = await Sandbox.start({ card: 'p256', pin: FACTORY.pin, cardArgs: ['--puk', FACTORY.puk] });
  hash = await person.cardHash(sandbox);
  pem = await sandbox.card.getCertificate('9A');
});
test.after.always(() => sandbox.stop());

const asRoot = (argv: readonly string[], input = ''): Promise<ExecResult> => sandbox.exec(argv, { input });
const asUser = (argv: readonly string[]): Promise<ExecResult> =>
  sandbox.exec(argv, { user: sandbox.user, input: `${sandbox.password}\n${FACTORY.pin}\n` });

/** What install/ansible's role runs, word by word. */
function ansibleCommand(): string[] {
  const role = join(import.meta.dirname, '../../../install/ansible/roles/scauth/tasks/main.yml');
  const [, words = ''] = /argv: >-\s+\{\{ \[([^\]]*)\]/.exec(readFileSync(role, 'utf8')) ?? [];
  return [...words.matchAll(/'([^']+)'/g)].map(([, word = '']) => word);
}

async function renew(): Promise<ExecResult> {
  const from = sandbox.agentLog().length;
  const own = await sandbox.addCard([...OWN, '--key', 'p256:2', '--guid', '22'.repeat(16)]);
  await person.untilAgentSays(sandbox, 'token in', from);
  const { unpaired } = JSON.parse((await asRoot(['sc_auth', 'identities', '--json'])).stdout) as {
    unpaired: { hash: string }[];
  };
  const first = unpaired.find((one) => one.hash !== hash)?.hash ?? '';
  const paired = await asRoot(['sc_auth', 'pair', '-u', sandbox.user, '-h', first]);
  if (paired.code !== 0) throw new Error(paired.stderr);
  const gone = sandbox.agentLog().length;
  await own.eject();
  await person.untilAgentSays(sandbox, 'token out', gone);
  own.close();
  return asUser(['sc_auth', 'renew', '-h', hash]);
}

const inTheWay = {
  'pair, by its owner': () => asUser(['sc_auth', 'pair', '-h', hash]),
  'pair --keyring': () => asUser(['sc_auth', 'pair', '-h', hash, '--keyring', 'yes']),
  'pair -u, by root': () => asRoot(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]),
  'pair --certificate': () =>
    asRoot(['sc_auth', 'pair', '-u', sandbox.user, '--certificate', '/run/way.pem']),
  'pair --from': () => asRoot(['sc_auth', 'pair', '--from', '-'], `user,hash\n${sandbox.user},${hash}\n`),
  'the Ansible role': () => asRoot(ansibleCommand(), `user,hash\n${sandbox.user},${hash}\n`),
  'the page in Cockpit': () => asRoot(['python3', '-c', CALL, JSON.stringify({ user: sandbox.user, hash })]),
  renew,
  setup: () => asRoot(['sc_auth', 'setup', '-u', sandbox.user], '271828\n271828\n'),
};
/** The card need not be there. */
const WITHOUT = [
  'pair -u, by root',
  'pair --certificate',
  'pair --from',
  'the Ansible role',
  'the page in Cockpit',
];

/** The finder has the card, and nothing else. */
async function attack(t: ExecutionContext, way: string): Promise<void> {
  const tool = ['yubico-piv-tool', '-r', 'Virtual PCD 00', '-a', 'unblock-pin'];
  const unblocked = await asRoot([...tool, '-P', FACTORY.puk, '-N', FOUND_PIN]);
  t.is(unblocked.code, 0, `${way}: the card lets its finder in: ${unblocked.stderr}`);
  const { code, stdout } = await sandbox.exec(['sudo', '-k', '-S', 'id', '-u'], {
    user: sandbox.user,
    input: `${FOUND_PIN}\n`.repeat(3),
  });
  t.not(code, 0, way);
  t.notRegex(stdout, person.ROOT, way);
  await asRoot(['sc_auth', 'unpair', '-u', sandbox.user, '--all']);
  await sandbox.card.setPin(FACTORY.pin);
}

for (const [way, pair] of Object.entries(inTheWay))
  test.serial(`the finder, with the card in: ${way}`, async (t) => {
    await asRoot(['sh', '-c', 'cat >/run/way.pem'], pem);
    const { code, stdout, stderr } = await pair();
    // A certificate and a list are of no card; they are of this one all the same, which is in.
    if (way === 'pair --certificate') t.is(code, 0, stderr);
    else t.true([1, 3].includes(code), `${code}: ${stdout}${stderr}`);
    if (way !== 'setup' && code !== 0) t.regex(stdout + stderr, /factory|AddPairing|Failed/, way);
    await attack(t, way);
  });

for (const way of WITHOUT)
  test.serial(`the finder, with the card away when it was paired: ${way}`, async (t) => {
    await person.pullCard(sandbox);
    const { code, stdout, stderr } = await inTheWay[way as keyof typeof inTheWay]();
    t.is(code, 0, `${stdout}${stderr}`);
    await person.insertCard(sandbox);
    await attack(t, way);
  });

test.serial('the finder of a card that [mapping] would let in', async (t) => {
  const pki = new Pki();
  t.teardown(() => pki.close());
  pki.root('root', { extensions: `${AUTHORITY}\nsubjectKeyIdentifier=hash` });
  pki.issue('ada', 'root', { subject: `/O=Test/CN=${sandbox.user}` });
  const authority = readFileSync(pki.file('root.pem'));
  const pinned = new X509Certificate(authority).fingerprint256.replaceAll(':', '');
  const settings = `[trust]
level = 1
authorities = ["/etc/scauth/root.pem"]
pinned = ["${pinned}"]
[mapping]
attribute = "name"
rules = ["<ISSUER>CN=root<EKU>clientAuth"]
fields = ["common_name"]
format = "$1"
`;
  for (const [name, text] of [
    ['root.pem', authority.toString()],
    ['scauth.toml', settings],
  ] as const)
    await asRoot(['sh', '-c', `cat >/etc/scauth/${name} && chmod 644 /etc/scauth/${name}`], text);
  const from = sandbox.agentLog().length;
  await asRoot(['kill', '-HUP', String(sandbox.agentPid)]);
  await person.untilAgentSays(sandbox, 'new configuration', from);
  await sandbox.card.setKey('9A', readFileSync(pki.file('ada.key'), 'utf8'));
  await sandbox.card.setCertificate('9A', readFileSync(pki.file('ada.pem'), 'utf8'));
  await person.reinsertCard(sandbox);
  await asRoot(['sh', '-c', 'cat >/run/way.pem'], readFileSync(pki.file('ada.pem'), 'utf8'));
  const mapped = await asRoot(['sc_auth', 'map', 'test', '/run/way.pem']);
  t.true(mapped.stdout.includes(sandbox.user), `${mapped.stdout}${mapped.stderr}`);
  await attack(t, 'mapping');
});
