// `npm run sandbox`: a shell or a command in a sandbox, for a person or for another program's tests.
// It only reads the options, starts a Sandbox and connects the caller's terminal or pipes with the command.
// Standard output is the command's alone; what the sandbox itself has to say goes to standard error.
import { execFileSync } from 'node:child_process';
import { constants as os } from 'node:os';
import { parseArgs } from 'node:util';
import type { Pty } from './pty.ts';
import { exitCode } from './pty.ts';
import { DEFAULTS, Sandbox, type SandboxOptions } from './sandbox.ts';

const HELP = `usage: npm run sandbox -- [options] [COMMAND…]

Runs COMMAND (or a shell) as root in a sandbox: pcscd with a virtual reader and a software PIV card, scauthd, and
sudo, su and login with pam_scauth.so. The machine's own PAM files, accounts and pcscd stay as they are, and nothing
of the sandbox is left afterwards. The exit code is COMMAND's.

  --card KIND     key of the software card: rsa2048 rsa3072 rsa4096 p256 p384 ed25519 (${DEFAULTS.card});
                  none: an empty reader, and any card may connect to port $SCAUTH_VPCD_PORT of 127.0.0.1
  --reader        the machine's own pcscd, reader and card instead
  --delay-ms N    the software card takes N ms longer for each APDU (0)
  --user          run COMMAND as $SCAUTH_USER, not as root (root's own sudo asks for nothing)
  --paired        pair the card with $SCAUTH_USER first
  --no-agent      do not start scauthd
  --help          this text

COMMAND finds in its environment:
  SCAUTH_USER, SCAUTH_PASSWORD, SCAUTH_PIN       an account made for it, its password, the card's PIN
  SCAUTH_ROOT_PASSWORD                           root's password
  SCAUTH_PAM_DIR                                 the sandbox's pam.d: put any service file there
  SCAUTH_CONFIG, SCAUTH_AUDIT_LOG                scauthd's configuration file and audit log
  SCAUTH_SOCKET, SCAUTH_IO_SOCKET                scauthd's sockets: for the PAM module, and varlink
  SCAUTH_AGENT_PID                               scauthd's process id
  SCAUTH_VPCD_PORT, SCAUTH_CARD_SOCKET           where a card connects; where the software card is told what to do
sc_auth is on PATH, and pam_scauth.so is where PAM looks for it.
`;

const OPTIONS = {
  card: { type: 'string' },
  reader: { type: 'boolean' },
  'delay-ms': { type: 'string' },
  user: { type: 'boolean' },
  paired: { type: 'boolean' },
  'no-agent': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const USAGE_ERROR = 64; // EX_USAGE, sysexits.h
const SANDBOX_FAILED = 125; // as env(1), docker and timeout(1) say "not the command's own failure"

/** Options stand before COMMAND; everything from COMMAND on is the command's. */
function split(args: readonly string[]): { own: string[]; command: string[] } {
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word === '--') return { own: args.slice(0, at), command: args.slice(at + 1) };
    if (!word.startsWith('-')) break;
    if (word === '--card' || word === '--delay-ms') at++;
  }
  return { own: args.slice(0, at), command: args.slice(at) };
}

function sandboxOptions(values: ReturnType<typeof parse>['values']): SandboxOptions {
  const delay = values['delay-ms'] ?? '0';
  if (!/^\d{1,5}$/.test(delay)) throw new Error(`--delay-ms takes a number of milliseconds, not '${delay}'.`);
  if (values.reader === true && values.card !== undefined)
    throw new Error('Choose one of --reader and --card.');
  return {
    ...(values.card !== undefined && { card: values.card }),
    reader: values.reader === true,
    delayMs: Number(delay),
    agent: values['no-agent'] !== true,
  };
}

function parse(own: string[]) {
  return parseArgs({ args: own, options: OPTIONS, strict: true });
}

/** Pairs the first key of the card, as an administrator does. @throws Error with sc_auth's words */
async function pair(sandbox: Sandbox): Promise<void> {
  const { stdout, stderr } = await sandbox.exec(['sc_auth', 'identities']);
  const hash = /^([0-9A-F]{40})\t/m.exec(stdout)?.[1];
  if (hash === undefined) throw new Error(`There is no key to pair. ${stderr}`);
  const paired = await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  if (paired.code !== 0) throw new Error(paired.stderr);
}

function greet({ user, password, pin, rootPassword }: Sandbox, paired: boolean): void {
  process.stderr.write(
    `You are root in a sandbox. User: ${user}, password: ${password}, PIN of the card: ${pin} (root: ${rootPassword}).\n` +
      // Not su -c: that one takes the terminal away, and sudo then cannot ask.
      `  su - ${user}         become ${user}; there:\n` +
      (paired ? '' : `    sc_auth pair     pairs the card with ${user}\n`) +
      `    sudo id          asks for the PIN once the card is paired\n` +
      `  sc_auth --help     the other commands; tail $SCAUTH_AUDIT_LOG shows what was decided\n` +
      '  exit               ends it, and nothing is left\n',
  );
}

/** Connects a terminal with another, as script(1) does: each key goes to the command, Ctrl-C too. */
async function relay(pty: Pty): Promise<number> {
  pty.onOutput = (bytes) => process.stdout.write(bytes);
  process.stdout.write(pty.screen);
  process.stdout.on('resize', () => {
    pty.resize(windowSize());
  });
  const settings = stty('--save').trim();
  // Not setRawMode: that one still turns each LF into CR LF, which the terminal inside has done already.
  stty('raw', '-echo');
  process.stdin.on('data', (bytes: Buffer) => {
    pty.send(bytes);
  });
  try {
    return (await pty.exit).code;
  } finally {
    stty(settings);
    process.stdin.pause();
  }
}

/** Reads or changes the settings of the caller's terminal. */
function stty(...args: string[]): string {
  return execFileSync('stty', args, { stdio: ['inherit', 'pipe', 'inherit'], encoding: 'utf8' });
}

function windowSize(): { rows: number; columns: number } {
  return { rows: process.stdout.rows, columns: process.stdout.columns };
}

/** Without a terminal: the caller's own files are the command's. */
function passThrough(
  sandbox: Sandbox,
  argv: readonly string[],
  options: { user: string; cwd: string },
): Promise<number> {
  const child = sandbox.namespace.spawn(argv, {
    ...options,
    env: sandbox.environment(options.user),
    stdio: 'inherit',
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      resolve(exitCode(code, signal));
    });
  });
}

async function run(sandbox: Sandbox, command: readonly string[], asUser: boolean): Promise<number> {
  const argv = command.length > 0 ? command : ['/bin/bash'];
  const user = asUser ? sandbox.user : 'root';
  const cwd = asUser || command.length === 0 ? `/run/sandbox/home/${user}` : callerFolder();
  if (process.stdin.isTTY && process.stdout.isTTY) {
    return relay(sandbox.pty(argv, { user, cwd, size: windowSize() }));
  }
  return passThrough(sandbox, argv, { user, cwd });
}

/** npm changes to the repository's folder; where the person stood is in INIT_CWD. */
function callerFolder(): string {
  const folder = process.env['INIT_CWD'] ?? process.cwd();
  return /^\/run(\/|$)/.test(folder) ? '/' : folder;
}

async function main(): Promise<number> {
  const { own, command } = split(process.argv.slice(2));
  let options: SandboxOptions;
  let values: ReturnType<typeof parse>['values'];
  try {
    ({ values } = parse(own));
    options = sandboxOptions(values);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nTry: npm run sandbox -- --help\n`);
    return USAGE_ERROR;
  }
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const sandbox = await Sandbox.start(options);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      void sandbox.stop().then(() => process.exit(128 + os.signals[signal]));
    });
  }
  // Ctrl-C is for the command; when it ends, so do we.
  process.on('SIGINT', () => undefined);
  try {
    if (values.paired === true) await pair(sandbox);
    if (command.length === 0 && process.stdin.isTTY) greet(sandbox, values.paired === true);
    return await run(sandbox, command, values.user === true);
  } finally {
    await sandbox.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`sandbox: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = SANDBOX_FAILED;
}
