// sc_auth profile: readers, drivers and cards with their keys, at a glance. The layout is that of macOS'
// `system_profiler SPSmartCardsDataType`; what is wrong stands in lines of its own below what it is about.

import { parseCertificate } from '../../model/key/key.ts';
import type {
  WireDriver,
  WireItem,
  WireReader,
  WireReaderDriver,
  WireToken,
} from '../../protocol/io-scauth.ts';
import { fetchItems } from '../card/card-items.ts';
import { whileCardWorks } from '../card/card-wait.ts';
import { callAgent } from '../agent/client.ts';
import { driver as driverWords, key, reader as say } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError, EXIT, exitCodeOf } from '../exit-codes.ts';
import { pemOf } from './export-smartcard.ts';
import { keyKind, usesOf, usesText } from '../card/key-uses.ts';
import { dateText, groupedBytes } from '../terminal/macos-text.ts';
import { parseOptions } from '../options.ts';
import { styled, type Line, type Piece } from '../terminal/style.ts';

const help = `sc_auth profile [--pem] [--json]

Prints the readers with the ATR of the card in each, the drivers of the readers, the token drivers, and for each card
its keys: kind, hash, usage, validity and trust. What is wrong with a reader, a driver or a card is said under it.

  --pem    also the certificates, in PEM, as macOS shows them
  --json   {"readers": [...], "readerDrivers": [...], "tokenDrivers": [...], "cards": [{"token", "keys": [...]}],
           "error": null, or why the cards cannot be told}

SSL trust (for a TLS client) and X509 trust are "Not evaluated" where trust.authorities names nobody. The parts are those
of macOS' system_profiler: there are no tokend drivers here, and no keychain that shows cards to every program, so those
two are empty.

Example:
  sc_auth profile
Exit codes: 0 done, also without a reader; 5 scauthd cannot be reached.
`;

interface Everything {
  /** Why the cards cannot be told; null: they are. */
  readonly failure: CommandError | null;
  readonly readers: readonly WireReader[];
  readonly readerDrivers: readonly WireReaderDriver[];
  readonly drivers: readonly WireDriver[];
  readonly tokens: readonly WireToken[];
  readonly items: readonly WireItem[];
}

const INDENT = '      ';
const DEEP = '          ';

function numbered(at: number): string {
  return `#${String(at + 1).padStart(2, '0')}: `;
}

function heading(text: string): Line[] {
  return ['', [styled('heading', `    ${text}:`)], ''];
}

function part(text: string, lines: readonly Line[]): Line[] {
  return [...heading(text), ...lines];
}

/** What is in the reader, where the card itself is not listed below. */
function wordOn({ state, error }: WireReader): Piece | null {
  switch (state) {
    case 'ready':
      return null;
    case 'empty':
      return styled('quiet', say.empty);
    case 'reading':
      return say.reading;
    case 'unknown':
      return styled('warning', say.unknown);
    case 'mute':
      return styled('bad', say.mute);
    default:
      return styled('bad', error ?? say.broken);
  }
}

function readerLines(reader: WireReader, at: number): Line[] {
  const { name, atr } = reader;
  const word = wordOn(reader);
  return [
    `${INDENT}${numbered(at)}${name}${atr === null ? '' : ` (ATR:${groupedBytes(atr)})`}`,
    ...(word === null ? [] : [[DEEP, word]]),
  ];
}

function readerDriverLine({ id, version, path }: WireReaderDriver, at: number): Line {
  return `${INDENT}${numbered(at)}${id}${version === null ? '' : `:${version}`} (${path})`;
}

function driverLines(driver: WireDriver, at: number): Line[] {
  const { id, version, path, state, problems } = driver;
  const off = state === 'disabled' ? [driverWords.off] : [];
  return [
    `${INDENT}${numbered(at)}${id}:${version} (${path})`,
    ...[...off, ...problems].map((problem) => [
      DEEP,
      styled(state === 'disabled' ? 'quiet' : 'bad', problem),
    ]),
  ];
}

function trustPiece(word: string): Piece {
  return word === 'YES' ? styled('good', word) : word === 'NO' ? styled('bad', word) : word;
}

function keyLines(item: WireItem, at: number, pem: boolean): Line[] {
  const der = item.certificate === null ? null : Buffer.from(item.certificate, 'base64');
  const { kind, bits } = keyKind(item.algorithm);
  const what = der === null ? 'Public key' : 'Certificate';
  const { sslTrust, x509Trust, trustDetail, unfit, label, slot } = item;
  const validity = der === null ? null : parseCertificate(der);
  return [
    `${DEEP}${numbered(at)}Kind: private ${kind} ${bits}-bit, ${what}: ${groupedBytes(item.hash)}, Usage: ${usesText(usesOf(item, der))}`,
    ...(validity === null
      ? ['No certificate']
      : [
          [
            key.valid(dateText(validity.notBeforeMs), dateText(validity.notAfterMs)),
            ...[trustPiece(sslTrust), ', X509 trust: ', trustPiece(x509Trust)],
          ],
        ]),
    `Label: ${label}, slot ${slot}`,
    ...(trustDetail === null ? [] : [[styled('warning', key.notTrusted(trustDetail))]]),
    ...(unfit === null ? [] : [[styled('quiet', key.unfit(unfit))]]),
    '',
    ...(pem ? [...pemOf(item).trimEnd().split('\n'), ''] : []),
  ];
}

function cardLines(token: WireToken, items: readonly WireItem[], pem: boolean): Line[] {
  const own = items.filter((item) => item.token === token.id);
  return [
    [styled('heading', `        ${token.id}:`)],
    '',
    ...token.notes.map((note) => [DEEP, styled('warning', note)]),
    ...(token.notes.length === 0 ? [] : ['']),
    ...own.flatMap((item, at) => keyLines(item, at, pem)),
    ...(own.length === 0 ? [`${DEEP}no keys`, ''] : []),
  ];
}

function linesOf({ readers, readerDrivers, drivers, tokens, items }: Everything, pem: boolean): Line[] {
  return [
    ...part('Readers', readers.flatMap(readerLines)),
    ...part('Reader Drivers', readerDrivers.map(readerDriverLine)),
    ...heading('Tokend Drivers'),
    ...part('SmartCard Drivers', drivers.flatMap(driverLines)),
    ...heading('Available SmartCards (keychain)'),
    ...part(
      'Available SmartCards (token)',
      tokens.flatMap((token) => cardLines(token, items, pem)),
    ),
  ];
}

function documentOf({
  failure,
  readers,
  readerDrivers,
  drivers,
  tokens,
  items,
}: Everything): Record<string, unknown> {
  const cards = tokens.map((token) => ({
    ...token,
    token: token.id,
    keys: items
      .filter((item) => item.token === token.id)
      .map((item) => {
        const der = item.certificate === null ? null : Buffer.from(item.certificate, 'base64');
        const validity = der === null ? null : parseCertificate(der);
        const { kind, bits } = keyKind(item.algorithm);
        const iso = (timeMs: number | undefined): string | null =>
          timeMs === undefined ? null : new Date(timeMs).toISOString();
        return {
          ...{ slot: item.slot, use: item.use, label: item.label, kind, bits, hash: item.hash },
          ...{ usage: usesOf(item, der), notBefore: iso(validity?.notBeforeMs) },
          ...{ notAfter: iso(validity?.notAfterMs), sslTrust: item.sslTrust, x509Trust: item.x509Trust },
          ...{ trustDetail: item.trustDetail, chain: item.chain, unfit: item.unfit, pem: pemOf(item) },
        };
      }),
  }));
  const error = failure === null ? null : { code: failure.code, message: failure.message };
  return { readers, readerDrivers, tokenDrivers: drivers, cards, error };
}

/** What the reader service keeps us from is told, and the rest is shown. */
async function fetchCards(
  context: CommandContext,
): Promise<Pick<Everything, 'tokens' | 'items' | 'failure'>> {
  try {
    const items = await fetchItems(context, null);
    const { tokens } = await callAgent(context, 'ListTokens', {});
    return { tokens, items, failure: null };
  } catch (error) {
    if (!(error instanceof CommandError) || exitCodeOf(error.code) === EXIT.unreachable) throw error;
    return { tokens: [], items: [], failure: error };
  }
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const { pem = false } = parseOptions('profile', args, { pem: { type: 'boolean' } });
  // The cards first: where one is being read this waits, and readers and drivers are then told as they are.
  const cards = await whileCardWorks(context, () => fetchCards(context));
  const { drivers } = await callAgent(context, 'ListDrivers', {});
  const { readers, drivers: readerDrivers } = await callAgent(context, 'ListReaders', {});
  const everything = { ...cards, readers, readerDrivers, drivers };
  context.output.result(documentOf(everything), linesOf(everything, pem));
  if (cards.failure === null) return;
  context.output.note(cards.failure.message);
  const exitCode = exitCodeOf(cards.failure.code);
  context.output.failed(exitCode === EXIT.ok ? EXIT.failure : exitCode);
}

export const command: Command = { help, run };
