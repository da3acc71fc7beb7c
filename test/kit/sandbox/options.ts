// The command line of `npm run sandbox`: its help, its options and what they mean for a Sandbox. It starts nothing.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { MOST_READERS, READERS } from './etc.ts';
import { DEFAULTS, type SandboxOptions } from './sandbox.ts';

const KINDS = ['rsa2048', 'rsa3072', 'rsa4096', 'p256', 'p384', 'ed25519'];

export const HELP = `usage: npm run sandbox -- [options] [COMMAND…]

Runs COMMAND (or a shell) as root in a sandbox: pcscd with virtual readers and a software PIV card, scauthd, and
sudo, su and login with pam_scauth.so. The machine's own PAM files, accounts and pcscd stay as they are, and nothing
of the sandbox is left afterwards. The exit code is COMMAND's.

  --card KIND     key of the software card: ${KINDS.join(' ')} (${DEFAULTS.card});
                  none: empty readers, and any card may connect to port $SCAUTH_VPCD_PORT of 127.0.0.1.
                  Several times: one more card each, in the next reader, with keys and a name of its own
  --readers N     so many readers (${READERS}); an even number up to ${MOST_READERS}, for virtual readers come in pairs and pcscd has no
                  room for more. Reader n waits for its card at $SCAUTH_VPCD_PORT + n
  --reader        the machine's own pcscd, readers and cards instead
  --delay-ms N    the software card takes N ms longer for each APDU (0)
  --config FILE   scauthd's settings: a copy of FILE is /etc/scauth/scauth.toml in there
  --enforced      the PAM stacks ask scauthd in the account phase too, so that 'sc_auth enforce on' binds;
                  $SCAUTH_USER and root are then the only people
  --user          run COMMAND as $SCAUTH_USER, not as root (root's own sudo asks for nothing)
  --paired        pair the (first) card with $SCAUTH_USER first
  --no-agent      do not start scauthd
  --help          this text

COMMAND finds in its environment:
  SCAUTH_USER, SCAUTH_PASSWORD, SCAUTH_PIN       an account made for it, its password, the card's PIN
  SCAUTH_PUK                                     the card's PUK
  SCAUTH_ROOT_PASSWORD                           root's password
  SCAUTH_PAM_DIR                                 the sandbox's pam.d: put any service file there
  SCAUTH_CONFIG, SCAUTH_AUDIT_LOG                scauthd's configuration file and audit log
  SCAUTH_SOCKET, SCAUTH_IO_SOCKET                scauthd's sockets: for the PAM module, and varlink
  SCAUTH_AGENT_PID                               scauthd's process id
  SCAUTH_VPCD_PORT, SCAUTH_READERS               where a card connects; how many virtual readers there are
  SCAUTH_CARD_SOCKET                             where the first card is told what to do
sc_auth is on PATH, and pam_scauth.so is where PAM looks for it. So is sandbox-card: it adds cards, takes them out
and puts them in, and shows what came to them (sandbox-card --help).

Examples
  npm run sandbox -- --paired --user sudo id
  npm run sandbox -- --card p256 --card rsa2048 sc_auth identities
  npm run sandbox -- --readers 4 sh -c 'sandbox-card add --cn "Grace Hopper" --reader 3; sc_auth list-smartcards'
  npm run sandbox -- --card none sh -c 'n=$(sandbox-card add --firmware none); sandbox-card eject $n; sc_auth doctor'
  npm run sandbox -- --enforced --paired sc_auth enforce plan
  npm run sandbox -- --config my.toml sc_auth config check
`;

const OPTIONS = {
  card: { type: 'string', multiple: true },
  readers: { type: 'string' },
  reader: { type: 'boolean' },
  'delay-ms': { type: 'string' },
  config: { type: 'string' },
  enforced: { type: 'boolean' },
  user: { type: 'boolean' },
  paired: { type: 'boolean' },
  'no-agent': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const WITH_VALUE: ReadonlySet<string> = new Set(['--card', '--readers', '--delay-ms', '--config']);

export interface CommandLine {
  readonly help: boolean;
  readonly user: boolean;
  readonly paired: boolean;
  readonly sandbox: SandboxOptions;
  readonly command: readonly string[];
}

/** Options stand before COMMAND; everything from COMMAND on is the command's. */
function split(args: readonly string[]): { own: string[]; command: string[] } {
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word === '--') return { own: args.slice(0, at), command: args.slice(at + 1) };
    if (!word.startsWith('-')) break;
    if (WITH_VALUE.has(word)) at++;
  }
  return { own: args.slice(0, at), command: args.slice(at) };
}

/** @throws Error that says what can be written */
function readReaders(text: string | undefined, cards: number): number {
  const least = Math.max(READERS, cards + (cards % 2));
  if (text === undefined) {
    if (least > MOST_READERS)
      throw new Error(`pcscd has room for ${MOST_READERS} readers: give fewer --card.`);
    return least;
  }
  const readers = Number(text);
  if (!/^\d{1,4}$/.test(text) || readers < 2 || readers % 2 !== 0)
    throw new Error(`--readers takes an even number from 2 to ${MOST_READERS}, not '${text}'.`);
  if (readers > MOST_READERS)
    throw new Error(`pcscd has room for ${MOST_READERS} readers: --readers takes an even number up to that.`);
  if (readers < cards) throw new Error(`${cards} cards need as many readers: --readers ${least}.`);
  return readers;
}

/** @throws Error that says what cannot be read */
function readConfig(file: string): string {
  // npm changes to the repository's folder; where the person stood is in INIT_CWD.
  const path = resolve(process.env['INIT_CWD'] ?? process.cwd(), file);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`--config: ${(error as Error).message}`, { cause: error });
  }
}

function cardOptions(words: readonly string[], reader: boolean): SandboxOptions {
  if (reader && words.length > 0) throw new Error('Choose one of --reader and --card.');
  const [card, ...moreCards] = words;
  if (card === undefined) return {};
  if (words.length > 1 && words.includes('none'))
    throw new Error('--card none means empty readers: give it alone.');
  return { card, moreCards };
}

/** @throws Error whose text is all that the person needs to see */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { own, command } = split(args);
  const { values } = parseArgs({ args: own, options: OPTIONS, strict: true });
  const { card = [], reader = false } = values;
  const delay = values['delay-ms'] ?? '0';
  if (!/^\d{1,5}$/.test(delay)) throw new Error(`--delay-ms takes a number of milliseconds, not '${delay}'.`);
  if (reader && values.readers !== undefined) throw new Error('Choose one of --reader and --readers.');
  return {
    help: values.help === true,
    user: values.user === true,
    paired: values.paired === true,
    command,
    sandbox: {
      ...cardOptions(card, reader),
      ...(!reader && { readers: readReaders(values.readers, card.length) }),
      ...(values.config !== undefined && { config: readConfig(values.config) }),
      reader,
      delayMs: Number(delay),
      enforced: values.enforced === true,
      agent: values['no-agent'] !== true,
    },
  };
}
