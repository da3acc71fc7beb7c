// The table of install/doc/cards.md: each kind of card is taken through what its columns name, on the real pcscd, PAM and sudo,
// and each cell is what came of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { AUTHORITY, Pki } from '../../unit/trust/authority.ts';
import { REPOSITORY } from '../../kit/sandbox/namespace.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT, WRONG_PIN } from '../../kit/person/person.ts';
import { DEFAULTS, Sandbox, type SandboxOptions } from '../../kit/sandbox/sandbox.ts';
import { makeSoftHsm, makeTpm, SOFTHSM_CONFIG, TPM_CONFIG } from '../pkcs11/tokens.ts';

/** No YubiKey's, and no instruction of Yubico's. */
const PLAIN = ['--firmware', 'none', '--atr', '3B8D018073C021C057736F66747061'];
const OPENSC = '[tokens]\ndisabled = ["org.scauth.piv"]\n';
const NEW_PIN = '48151623';
const ATTESTED = '[attestation]\nrequired = true\nroots = ["/etc/scauth/maker.pem"]\n';

interface Kind {
  readonly card: boolean;
  readonly cardArgs?: readonly string[];
  readonly config?: string;
  /** Makes a token that is no card. */
  readonly make?: (sandbox: Sandbox) => Promise<void>;
}

/** By the first column. */
const KINDS: Readonly<Record<string, Kind>> = {
  'PIV with Yubico’s metadata (YubiKey 4, 5)': { card: true },
  'PIV without it': { card: true, cardArgs: PLAIN },
  'a card through OpenSC’s module': { card: true, config: OPENSC },
  'SoftHSM 2': { card: false, config: SOFTHSM_CONFIG, make: makeSoftHsm },
  'the machine’s TPM 2': { card: false, config: TPM_CONFIG, make: makeTpm },
};

type Probe = (sandbox: Sandbox, kind: Kind) => Promise<boolean>;

async function scAuth(sandbox: Sandbox, command: readonly string[], ...lines: readonly string[]) {
  const input = lines.map((line) => `${line}\n`).join('');
  return (await sandbox.exec(['sc_auth', ...command], { user: sandbox.user, input })).code === 0;
}

async function opens(sandbox: Sandbox, pin: string): Promise<boolean> {
  const { code, screen } = await person.sudo(sandbox, [PIN_PROMPT, pin]);
  return code === 0 && person.ROOT.test(screen);
}

const pki = new Pki();
pki.root('maker');
pki.issue('f9', 'maker', { extensions: AUTHORITY });
test.after.always(() => pki.close());

/** By the head of the column, in the order in which one card goes through them. */
const PROBES: Readonly<Record<string, Probe>> = {
  'pairing, login': async (sandbox) => {
    await person.pairCard(sandbox);
    return opens(sandbox, sandbox.pin);
  },
  'tries are told': async (sandbox) => {
    const { screen } = await person.sudo(
      sandbox,
      [PIN_PROMPT, WRONG_PIN],
      [PASSWORD_PROMPT, sandbox.password],
    );
    // Nothing is held against it any more.
    await sandbox.exec(['sc_auth', 'verifypin'], { user: sandbox.user, input: `${sandbox.pin}\n` });
    return screen.includes('Wrong PIN. 2 tries left.');
  },
  keyring: (sandbox) => scAuth(sandbox, ['keyring', 'enable'], sandbox.password, sandbox.pin),
  changepin: async (sandbox) => {
    if (!(await scAuth(sandbox, ['changepin'], sandbox.pin, NEW_PIN, NEW_PIN))) return false;
    const opened = await opens(sandbox, NEW_PIN);
    return (await scAuth(sandbox, ['changepin'], NEW_PIN, sandbox.pin, sandbox.pin)) && opened;
  },
  unblock: async (sandbox) =>
    (await scAuth(sandbox, ['unblock'], DEFAULTS.puk, NEW_PIN, NEW_PIN)) && opens(sandbox, NEW_PIN),
  attestation: async (sandbox, { card }) => {
    if (card) {
      await sandbox.card.setKey('F9', readFileSync(pki.file('f9.key'), 'utf8'));
      await sandbox.card.setCertificate('F9', readFileSync(pki.file('f9.pem'), 'utf8'));
    }
    const script = `cat >/etc/scauth/maker.pem; printf '%s' "$1" >>/etc/scauth/scauth.toml`;
    const input = readFileSync(pki.file('maker.pem'), 'utf8');
    await sandbox.exec(['sh', '-c', script, 'sh', ATTESTED], { input });
    await sandbox.restartAgent();
    const hash = await person.cardHash(sandbox);
    await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user]);
    return (await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash])).code === 0;
  },
};

async function started(
  { card, cardArgs = [], config, make }: Kind,
  more: SandboxOptions = {},
): Promise<Sandbox> {
  const settings = config === undefined ? {} : { config };
  if (make === undefined) return Sandbox.start({ card: 'p256', cardArgs, ...settings, ...more });
  const sandbox = await Sandbox.start({ agent: false, card: card ? 'p256' : 'none', ...settings });
  await make(sandbox);
  await sandbox.startAgent();
  await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:');
  return sandbox;
}

/** A card as it comes from its factory. */
async function setsUp(kind: Kind): Promise<boolean> {
  const cardArgs = [...(kind.cardArgs ?? []), '--factory', '--extended', '--puk', '12345678'];
  const sandbox = await started({ ...kind, cardArgs }, { pin: '123456' });
  try {
    const moves = [NEW_PIN, NEW_PIN, sandbox.password];
    return (await scAuth(sandbox, ['setup'], ...moves)) && (await opens(sandbox, NEW_PIN));
  } finally {
    await sandbox.stop();
  }
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

const page = readFileSync(join(REPOSITORY, 'install/doc/cards.md'), 'utf8');
const [head = '', , ...rows] = page.split('\n').filter((line) => line.startsWith('|'));
const columns = cellsOf(head).slice(1);
const table = new Map(rows.map((row) => [cellsOf(row)[0] ?? '', cellsOf(row).slice(1)]));

test('each kind of card has its row, and each column is tried', (t) => {
  t.deepEqual([...table.keys()], Object.keys(KINDS));
  t.deepEqual(columns.toSorted(), ['setup', ...Object.keys(PROBES)].toSorted());
});

for (const [name, kind] of Object.entries(KINDS))
  test.serial(`${name}: what works is what the table says`, async (t) => {
    const found: Record<string, boolean> = { setup: await setsUp(kind) };
    const sandbox = await started(kind);
    try {
      for (const [column, works] of Object.entries(PROBES)) found[column] = await works(sandbox, kind);
    } finally {
      await sandbox.stop();
    }
    const said = Object.fromEntries(columns.map((column, index) => [column, table.get(name)?.[index]]));
    t.deepEqual(
      said,
      Object.fromEntries(columns.map((column) => [column, found[column] === true ? 'yes' : 'no'])),
    );
  });
