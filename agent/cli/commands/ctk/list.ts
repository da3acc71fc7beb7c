// sc_auth list-ctk-identities: the keys in the machine's own chip. Columns as on macOS.

import { createHash, X509Certificate } from 'node:crypto';
import { parsePublicKey, type PublicKey } from '../../../model/key/key.ts';
import type { WireItem } from '../../../protocol/io-scauth.ts';
import { machineKeys as say } from '../../../words/machine-keys.ts';
import { allPages, callAgent } from '../../agent/client.ts';
import type { Command, CommandContext } from '../../context.ts';
import { CommandError } from '../../exit-codes.ts';
import { parseOptions } from '../../options.ts';
import { table, type Column } from '../../terminal/style.ts';
import { sshFingerprint, publicKeyBits } from './key-names.ts';

const help = `sc_auth list-ctk-identities [-t sha1|sha256|ssh] [-e hex|b64] [--json]

Prints the keys in this machine's own chip, a line each: kind, hash, protection, label, common name, e-mail address, end of
the certificate, and whether it is valid now. In a pipe: the fields, with tabs in between, without the titles.

  -t, --hash-type KIND   sha1 (so without it): the hash by which keys are paired; sha256; ssh: as ssh-keygen -l prints it
  -e, --encoding FORM    of sha1 and sha256: hex (so without it) or b64
  --json                 {"identities": [...]}

Example:
  sc_auth list-ctk-identities -t ssh
Exit codes: 0 done, also without a key; 2 wrong usage; 5 scauthd cannot be reached.
`;

const HASH_TYPES = ['sha1', 'sha256', 'ssh'] as const;
type HashType = (typeof HASH_TYPES)[number];
const ENCODINGS = { hex: 'hex', b64: 'base64' } as const;
const KINDS: Readonly<Record<string, string>> = { p256: 'p-256-ne', p384: 'p-384-ne' };

const COLUMNS: readonly Column[] = [
  { title: 'Key Type' },
  { title: 'Public Key Hash' },
  { title: 'Prot' },
  { title: 'Label', givesWay: true },
  { title: 'Common Name', givesWay: true },
  { title: 'Email Address', givesWay: true },
  { title: 'Valid To' },
  { title: 'Valid' },
];

function hashOf(key: PublicKey, type: HashType, encoding: 'hex' | 'base64'): string {
  if (type === 'ssh') return sshFingerprint(key);
  const text = createHash(type).update(publicKeyBits(key)).digest(encoding);
  return encoding === 'hex' ? text.toUpperCase() : text;
}

/** The first value of an attribute of the subject. */
function subjectPart(certificate: X509Certificate, name: string): string {
  const values = (certificate.toLegacyObject().subject as unknown as Record<string, unknown>)[name];
  const [first] = Array.isArray(values) ? (values as unknown[]) : [values];
  return typeof first === 'string' ? first : '';
}

interface MachineIdentity {
  readonly keyType: string;
  readonly hash: string;
  readonly protection: 'pin';
  readonly label: string;
  readonly commonName: string;
  readonly email: string;
  readonly validTo: string | null;
  readonly valid: boolean | null;
  readonly token: string;
}

function identityOf(
  item: WireItem,
  tokenLabel: string,
  type: HashType,
  encoding: 'hex' | 'base64',
): MachineIdentity {
  const key = parsePublicKey(Buffer.from(item.publicKey, 'base64'));
  const der = item.certificate === null ? null : Buffer.from(item.certificate, 'base64');
  const certificate = der === null ? null : new X509Certificate(der);
  const name = (part: string): string => (certificate === null ? '' : subjectPart(certificate, part));
  const [from, to] = certificate === null ? [] : [certificate.validFromDate, certificate.validToDate];
  const now = new Date();
  const commonName = name('CN');
  // `TOKEN LABEL:KEY LABEL (HOLDER)`
  const own = item.label.startsWith(`${tokenLabel}:`) ? item.label.slice(tokenLabel.length + 1) : item.label;
  const ending = ` (${commonName})`;
  return {
    keyType: KINDS[key.algorithm] ?? key.algorithm,
    hash: hashOf(key, type, encoding),
    protection: 'pin',
    label: commonName !== '' && own.endsWith(ending) ? own.slice(0, -ending.length) : own,
    commonName,
    email: name('emailAddress'),
    validTo: to?.toISOString() ?? null,
    valid: from === undefined || to === undefined ? null : from <= now && now <= to,
    token: item.token,
  };
}

/** Of the chip's tokens, with their labels: several may have one id. */
async function itemsOfChip(context: CommandContext): Promise<readonly (readonly [WireItem, string])[]> {
  const { tokens } = await callAgent(context, 'ListTokens', {});
  const labels = tokens.filter(({ makesKeys }) => makesKeys === true);
  const items = await allPages(async (after) => {
    const { items: page, next } = await callAgent(context, 'ListItems', { after });
    return { items: page, next };
  });
  return items.flatMap((item) => {
    const token = labels.find(({ id, label }) => id === item.token && item.label.startsWith(`${label}:`));
    return token === undefined ? [] : [[item, token.label] as const];
  });
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('list-ctk-identities', args, {
    'hash-type': { type: 'string', short: 't' },
    encoding: { type: 'string', short: 'e' },
  });
  const { 'hash-type': wanted = 'sha1', encoding: form = 'hex' } = options;
  const type = HASH_TYPES.find((one) => one === wanted);
  if (type === undefined) throw new CommandError('usage', say.hashKinds);
  if (form !== 'hex' && form !== 'b64') throw new CommandError('usage', say.encodings);
  const found = (await itemsOfChip(context)).map(([item, label]) =>
    identityOf(item, label, type, ENCODINGS[form]),
  );
  const rows = found.map(({ keyType, hash, protection, label, commonName, email, validTo, valid }) => [
    ...[keyType, hash, protection, label, commonName, email],
    ...[validTo?.slice(0, 16).replace('T', ' ') ?? '', valid === null ? '' : valid ? 'YES' : 'NO'],
  ]);
  const { output } = context;
  output.result({ identities: found }, table(output.screen, COLUMNS, rows));
  if (found.length === 0) output.note(say.none);
}

export const command: Command = { help, run };
