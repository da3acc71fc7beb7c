// `npm run sandbox`: a shell or a command in a sandbox, for a person or for another program's tests.
// It reads the options (options.ts), starts a Sandbox and connects the caller's terminal or pipes with the command.
// Standard output is the command's alone; what the sandbox itself has to say goes to standard error.
import { execFileSync } from 'node:child_process';
import { constants as os } from 'node:os';
import { type CommandLine, HELP, readCommandLine } from './options.ts';
import type { Pty } from './pty.ts';
import { exitCode } from './pty.ts';
import { Sandbox } from './sandbox.ts';

const USAGE_ERROR = 64; // EX_USAGE, sysexits.h
const SANDBOX_FAILED = 125; // as env(1), docker and timeout(1) say "not the command's own failure"

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
      `  sandbox-card       takes cards out, puts them in, adds others: sandbox-card --help\n` +
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
  let line: CommandLine;
  try {
    line = readCommandLine(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nTry: npm run sandbox -- --help\n`);
    return USAGE_ERROR;
  }
  if (line.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { command, paired } = line;
  const sandbox = await Sandbox.start(line.sandbox);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      void sandbox.stop().then(() => process.exit(128 + os.signals[signal]));
    });
  }
  // Ctrl-C is for the command; when it ends, so do we.
  process.on('SIGINT', () => undefined);
  try {
    if (paired) await pair(sandbox);
    if (command.length === 0 && process.stdin.isTTY) greet(sandbox, paired);
    return await run(sandbox, command, line.user);
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
