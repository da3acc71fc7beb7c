// sc_auth export-smartcard: the certificates and keys of the cards that are in, with the attributes that macOS'
// `security export-smartcard` prints, in its layout. Which attributes there are is in keychain-item.ts.

import { createPublicKey } from 'node:crypto';
import { toPem } from '../../base/pem.ts';
import type { WireItem } from '../../protocol/io-scauth.ts';
import { fetchItems } from '../card/card-items.ts';
import { whileCardWorks } from '../card/card-wait.ts';
import { EXPORT_FORMAT, NO_KEY } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import {
  keychainItems,
  type AccessControl,
  type Attributes,
  type AttributeValue,
  type KeychainItems,
} from '../card/keychain-item.ts';
import { dateText, numberText, spacedBytes } from '../terminal/macos-text.ts';
import { parseOptions } from '../options.ts';
import { styled, type Line } from '../terminal/style.ts';

const help = `sc_auth export-smartcard [-i TOKEN] [--format text|json|pem] [--json]

Prints what is on the cards that are in: for each key a certificate, a private key (its attributes: the key itself
never leaves the card) and an identity, which is both of them.

  -i, --id TOKEN    only this card: sc_auth list-smartcards
  --format text|json|pem   text (attributes, as on macOS), json, or pem: the certificates alone, and the public key where
                    a key has no certificate
  --json            the same as --format json: {"items": [{"token", "slot", "use", "certificate", "privateKey",
                    "identity", "pem"}]}; bytes are hexadecimal

pkhh and klbl are the key's hash, as in sc_auth identities; subj and issr are the normalised names; sha1 is the
certificate's.

Examples:
  sc_auth export-smartcard
  sc_auth export-smartcard --format pem > my-certificates.pem
Exit codes: 0 done, also without a card; 2 wrong usage; 4 no such card; 5 scauthd cannot be reached.
`;

const FORMATS = ['text', 'json', 'pem'] as const;
type Format = (typeof FORMATS)[number];
/** CFData shows so many bytes of each end. */
const ENDS = { first: 16, last: 8 } as const;

interface Exported extends KeychainItems {
  readonly item: WireItem;
}

/** @throws CommandError `usage` */
function formatOf(named: string | undefined, json: boolean): Format {
  const format = FORMATS.find((one) => one === (named ?? (json ? 'json' : 'text')));
  if (format === undefined || (json && format !== 'json')) throw new CommandError('usage', EXPORT_FORMAT);
  return format;
}

function controlLines({ constraints, token }: AccessControl): string[] {
  const entries = Object.entries(constraints).map(
    ([name, value]) => `   ${name} : ${typeof value === 'boolean' ? String(value) : spacedBytes(value)}`,
  );
  const listed = entries.map((entry, at) => (at < entries.length - 1 ? `${entry},` : entry));
  return [' accc : constraints: {', ...listed, '  }', '  protection: {', `   tkid : "${token}"`, '  }'];
}

/** A date has a look of its own, bytes have one, and text is in quotation marks. */
function attributeLines(name: string, value: AttributeValue): string[] {
  if (typeof value === 'string') return [` ${name} : "${value}"`];
  if (typeof value === 'number') return [` ${name} : ${numberText(value)}`];
  if (value instanceof Date) return [` ${name} : ${dateText(value.getTime())}`];
  if (Buffer.isBuffer(value)) return [` ${name} : ${spacedBytes(value)}`];
  if (!('long' in value)) return controlLines(value);
  const { long } = value;
  const first = long.subarray(0, ENDS.first).toString('hex');
  const last = long.subarray(-ENDS.last).toString('hex');
  return [
    ` ${name} : <CFData>{length = ${long.length}, capacity = ${long.length}, bytes = 0x${first} ... ${last}}`,
  ];
}

function section(title: string, number: number, attributes: Attributes): Line[] {
  return [
    '',
    [styled('heading', `==== ${title} #${number}`)],
    ...Object.entries(attributes).flatMap(([name, value]) => attributeLines(name, value)),
    '====',
  ];
}

function textLines(exported: readonly Exported[]): Line[] {
  let certificates = 0;
  return exported.flatMap(({ certificate, privateKey, identity }, at) => {
    if (certificate !== null) certificates += 1;
    return [
      ...(certificate === null ? [] : section('certificate', certificates, certificate)),
      ...section('private key', at + 1, privateKey),
      ...(identity === null ? [] : section('identity', certificates, identity)),
    ];
  });
}

/** The certificate; of a bare key the public key. */
export function pemOf({ certificate, publicKey }: Pick<WireItem, 'certificate' | 'publicKey'>): string {
  if (certificate === null) {
    const key = Buffer.from(publicKey, 'base64');
    return createPublicKey({ key, format: 'der', type: 'spki' })
      .export({ format: 'pem', type: 'spki' })
      .toString();
  }
  return toPem(Buffer.from(certificate, 'base64'), 'CERTIFICATE');
}

function plain(attributes: Attributes | null): Record<string, unknown> | null {
  if (attributes === null) return null;
  const hexIn = (value: unknown): unknown => (Buffer.isBuffer(value) ? value.toString('hex') : value);
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => {
      if (typeof value !== 'object' || Buffer.isBuffer(value)) return [name, hexIn(value)];
      if (value instanceof Date) return [name, value.toISOString()];
      if ('long' in value) return [name, hexIn(value.long)];
      const constraints = Object.entries(value.constraints).map(([key, one]) => [key, hexIn(one)]);
      return [
        name,
        { constraints: Object.fromEntries(constraints) as unknown, protection: { tkid: value.token } },
      ];
    }),
  );
}

function jsonItem({ item, certificate, privateKey, identity }: Exported): Record<string, unknown> {
  const { token, slot, use } = item;
  return {
    ...{ token, slot, use, certificate: plain(certificate), privateKey: plain(privateKey) },
    ...{ identity: plain(identity), pem: pemOf(item) },
  };
}

function linesOf(format: Format, exported: readonly Exported[]): Line[] {
  if (format !== 'pem') return textLines(exported);
  return exported.flatMap(({ item }) => pemOf(item).trimEnd().split('\n'));
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const { output } = context;
  const options = parseOptions('export-smartcard', args, {
    id: { type: 'string', short: 'i' },
    format: { type: 'string' },
  });
  const format = formatOf(options.format, options.json === true);
  const items = await whileCardWorks(context, () => fetchItems(context, options.id ?? null));
  const exported = items.map((item) => ({ item, ...keychainItems(item) }));
  const document = { items: exported.map(jsonItem) };
  if (format === 'json') output.document(document);
  else output.result(document, linesOf(format, exported));
  if (items.length === 0) output.note(NO_KEY);
}

export const command: Command = { help, run };
