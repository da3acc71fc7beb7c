// sandbox-card: software cards for the person, or the script, in a sandbox. It starts test/kit/card/main.ts for each card
// and speaks with it by its control socket; nothing but the cards themselves holds any state.
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { CardState } from '../card/calls.ts';
import { CardControl } from '../card/client.ts';
import type { LogEntry } from '../card/log.ts';
import { CARD_PROGRAM, CARDS, cardSocket, claimNumber, identityOf, portOf } from './cards.ts';
import { APP } from './namespace.ts';
import { IO_SOCKET, tokenCount } from './token-count.ts';

const { SCAUTH_PIN: PIN = '123456', SCAUTH_PUK: PUK = '12345678' } = process.env;

const HELP = `usage: sandbox-card COMMAND…

  add [OPTION…]      makes a card, puts it into a reader and prints its number
  list               the cards: number, reader, in or out, tries left, name
  eject N            takes card N out (pcscd sees it within half a second)
  insert N           puts it into its reader again
  tries N            prints how often a wrong PIN may still be sent
  apdus N [--clear]  prints the commands that came, one a line (no PIN is shown); --clear forgets them then

Options of add
  --reader N         0 is the first; without it the first empty one
  --key KIND         rsa2048 rsa3072 rsa4096 p256 p384 ed25519, or a PEM file (p256); each card has keys of its own
  --cn NAME          whose it is
  --subject DN       the whole subject: DC=com,CN=Users,CN=Ada Lovelace; '' leaves it empty
  --guid HEX         32 digits
  --pin N, --puk N   (${PIN}, ${PUK}; a factory-new card has 123456, 12345678); --pin-tries, --puk-tries N
  --firmware V       Yubico's, 5.4 or 5.7; none: a card that knows nothing of Yubico
  --factory          as it comes from the factory: no keys, no name, PIN 123456, PUK 12345678
  --atr HEX          instead of a YubiKey's
  --out              stays outside until 'insert'
and the others of test/kit/card/main.ts --help: --serial, --issuer, --not-after, --touch, --slots, --delay-ms …

Examples
  sandbox-card add --key rsa2048 --cn 'Grace Hopper'
  n=$(sandbox-card add --firmware none --reader 1); sc_auth identities; sandbox-card eject "$n"
  sandbox-card apdus 1 --clear >/dev/null; sudo -u ada sc_auth verifypin; sandbox-card apdus 1
`;

const USAGE_ERROR = 64; // EX_USAGE, sysexits.h
const PATIENCE_MS = 60_000;
/** How long scauthd may take to list a new card; one that it cannot use is never listed. */
const READ_MS = 5_000;

/** Something that the person can mend. */
class Refusal extends Error {}

interface Card {
  readonly number: number;
  readonly control: CardControl;
  readonly state: CardState;
}

const readers = Number(process.env['SCAUTH_READERS'] ?? 0);

async function allCards(): Promise<Card[]> {
  const numbers = readdirSync(CARDS)
    .filter((name) => name.endsWith('.sock'))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b);
  const cards: Card[] = [];
  for (const number of numbers) {
    // The socket of a card that was killed stays.
    const control = await CardControl.connect(cardSocket(number)).catch(() => null);
    if (control !== null) cards.push({ number, control, state: await control.state() });
  }
  return cards;
}

/** @throws Refusal if there is no such card */
async function cardOf(word: string | undefined): Promise<Card> {
  const cards = await allCards();
  const card = cards.find(({ number }) => String(number) === word);
  if (card !== undefined) return card;
  const there = cards.map(({ number }) => number).join(', ');
  throw new Refusal(
    `${word === undefined ? 'The number of a card is missing' : `There is no card ${word}`}. ` +
      (there === '' ? 'Make one: sandbox-card add' : `There are: ${there} (sandbox-card list).`),
  );
}

function readerOf({ port }: CardState): number {
  return port - portOf(0);
}

/** @throws Refusal if another card sits there */
function mustBeEmpty(cards: readonly Card[], reader: number): void {
  const there = cards.find(({ state }) => state.inserted && readerOf(state) === reader);
  if (there !== undefined)
    throw new Refusal(
      `Card ${there.number} is in reader ${reader}. Take it out first: sandbox-card eject ${there.number}`,
    );
}

/** @throws Refusal if there is no such reader, or no place in it */
function chooseReader(cards: readonly Card[], word: string | undefined): number {
  if (readers === 0)
    throw new Refusal(
      "This sandbox has the machine's own readers: put a real card in, or start it without --reader.",
    );
  if (word !== undefined) {
    if (!/^\d{1,2}$/.test(word) || Number(word) >= readers)
      throw new Refusal(
        `There is no reader ${word}: they are 0 to ${readers - 1} (--readers of the sandbox).`,
      );
    mustBeEmpty(cards, Number(word));
    return Number(word);
  }
  const full = new Set(cards.filter(({ state }) => state.inserted).map(({ state }) => readerOf(state)));
  for (let reader = 0; reader < readers; reader++) if (!full.has(reader)) return reader;
  throw new Refusal(
    `A card is in each of the ${readers} readers. Take one out (sandbox-card eject 1), or start the sandbox with more --readers.`,
  );
}

/** Takes `name VALUE` or `name=VALUE` out of `args`. @throws Refusal if the value is missing */
function takeOption(args: string[], name: string): string | undefined {
  const at = args.findIndex((word) => word === name || word.startsWith(`${name}=`));
  if (at === -1) return undefined;
  const [word = ''] = args.splice(at, 1);
  const value = word === name ? args.splice(at, 1)[0] : word.slice(name.length + 1);
  if (value === undefined) throw new Refusal(`${name} needs a value. Try: sandbox-card --help`);
  return value;
}

async function add(words: readonly string[]): Promise<void> {
  const args = [...words];
  const cards = await allCards();
  const reader = chooseReader(cards, takeOption(args, '--reader'));
  const key = takeOption(args, '--key') ?? 'p256';
  const out = args.includes('--out');
  const number = claimNumber(CARDS);
  const control = await startCard(number, reader, key, args);
  if (!out) await insert(control);
  process.stdout.write(`${number}\n`);
}

/** Starts it outside its reader. @throws Refusal with what the card says of its options */
async function startCard(
  number: number,
  reader: number,
  key: string,
  args: readonly string[],
): Promise<CardControl> {
  const log = openSync(`${CARDS}/${number}`, 'a');
  // prettier-ignore
  const argv = ['--disable-warning=ExperimentalWarning', `${APP}/${CARD_PROGRAM}`, ...identityOf(number, key),
    ...(args.includes('--factory') ? [] : ['--pin', PIN, '--puk', PUK]), ...args.filter((word) => word !== '--out'),
    '--out', '--port', String(portOf(reader)), '--control', cardSocket(number)];
  // A session of its own: it lives on when the shell ends that asked for it.
  const child = spawn(process.execPath, argv, {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: process.cwd(),
  });
  closeSync(log);
  const ended = once(child, 'exit').then(() => true);
  child.unref();
  const said = (): string => readFileSync(`${CARDS}/${number}`, 'utf8');
  const deadline = Date.now() + PATIENCE_MS;
  while (!said().includes('"event":"control"')) {
    if ((await Promise.race([ended, pause(10)])) === true || Date.now() > deadline) {
      const why = /^card: (.*)$/m.exec(said())?.[1] ?? 'The card did not start in time.';
      rmSync(`${CARDS}/${number}`, { force: true });
      throw new Refusal(`${why}\nTry: sandbox-card --help`);
    }
  }
  return CardControl.connect(cardSocket(number));
}

/** Puts it in; when it is over, scauthd has read it too, if it runs and can use it. */
async function insert(control: CardControl): Promise<void> {
  const before = await tokenCount(IO_SOCKET);
  await Promise.race([control.insert(), pause(PATIENCE_MS)]);
  if (!(await control.state()).inserted)
    throw new Refusal('No reader took the card: does pcscd run? (sc_auth doctor says what is wrong)');
  const deadline = Date.now() + READ_MS;
  for (let now = before; now !== null && before !== null && now <= before;) {
    if (Date.now() > deadline) return;
    await pause(20);
    now = await tokenCount(IO_SOCKET);
  }
}

function row({ number, state }: Card, name: string): string {
  const reader = readerOf(state);
  const place = reader < Math.max(readers, 1) ? String(reader) : `port ${state.port}`;
  return [number, `reader ${place}`, state.inserted ? 'in' : 'out', `tries ${state.triesLeft}`, name].join(
    '\t',
  );
}

/** The subject in one line; `-` where slot 9A has no certificate that can be read. */
async function nameOf({ control }: Card): Promise<string> {
  try {
    return new X509Certificate(await control.getCertificate('9A')).subject.replaceAll('\n', ', ');
  } catch {
    return '-';
  }
}

function apduLine({ cla, ins, p1, p2, body, sw }: LogEntry): string {
  const hex = (bytes: readonly number[]): string => Buffer.from(bytes).toString('hex').toUpperCase();
  const answer = sw === null ? 'no answer' : sw.toString(16).toUpperCase().padStart(4, '0');
  return `${hex([cla, ins, p1, p2])}${body === '' ? '' : ` ${body.toUpperCase()}`} -> ${answer}\n`;
}

async function run([command, ...args]: readonly string[]): Promise<void> {
  if (command === undefined || args.includes('--help') || /^(--help|-h|help)$/.test(command)) {
    process.stdout.write(HELP);
    return;
  }
  const clear = command === 'apdus' && args.includes('--clear');
  const [which, ...more] = args.filter((word) => !clear || word !== '--clear');
  if (command !== 'add' && (more.length > 0 || (command === 'list' && which !== undefined)))
    throw new Refusal(`That is too much: ${[command, ...args].join(' ')}. Try: sandbox-card --help`);
  switch (command) {
    case 'add':
      return add(args);
    case 'list':
      for (const card of await allCards()) process.stdout.write(`${row(card, await nameOf(card))}\n`);
      return;
    case 'eject':
      return (await cardOf(which)).control.eject();
    case 'insert': {
      const card = await cardOf(which);
      if (card.state.inserted) return;
      mustBeEmpty(await allCards(), readerOf(card.state));
      return insert(card.control);
    }
    case 'tries':
      process.stdout.write(`${(await cardOf(which)).state.triesLeft}\n`);
      return;
    case 'apdus': {
      const { control } = await cardOf(which);
      process.stdout.write((await control.log()).map(apduLine).join(''));
      if (clear) await control.clearLog();
      return;
    }
    default:
      throw new Refusal(`'${command}' is no command of sandbox-card. Try: sandbox-card --help`);
  }
}

try {
  if (!existsSync(CARDS)) throw new Refusal('There is no sandbox here. Start one: npm run sandbox');
  await run(process.argv.slice(2));
  process.exit(0); // open control sockets would keep it
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  process.stderr.write(`sandbox-card: ${error.message}\n`);
  process.exit(USAGE_ERROR);
}
