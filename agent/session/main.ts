// scauth-session, the program of a user's session: offers to pair a card that goes in, and runs the lock command when
// the session's card is taken out. It connects the parts; dialogs run in processes of their own (dialog.ts).

import { spawn } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { extname } from 'node:path';
import { nameProgram } from '../base/program-name.ts';
import { IO_SOCKET } from '../base/socket-paths.ts';
import { layOutHelp } from '../base/help-layout.ts';
import { AgentLink } from '../protocol/client/link.ts';
import { AgentRefusal } from '../protocol/client/call.ts';
import { claimNumber, statesOf } from './agent.ts';
import type { SeenCard } from './state.ts';
import { SessionWatch } from './watch.ts';
import type { WireRemoval } from '../protocol/io-scauth.ts';
import { NO_PAIRING, unreachable } from '../words/session.ts';

const HELP = `scauth-session: the part of smart card login in your desktop session

  scauth-session              listen, and open the pairing dialog when an unpaired card goes in
  scauth-session --on-demand  the same, and end when there is nothing to do: systemd starts it at the next card
  scauth-session --autostart  for the desktop's autostart: leaves it to systemd's user manager where that runs
  scauth-session --now        open the pairing dialog for the card that is in (sc_auth pairing_ui -f)

The dialog is that of pinentry: the one for your desktop, else any that is installed. It offers to pair the card with
your account, and asks for your account password and the card's PIN. It does not open for a card that is paired with
somebody, while the screen is locked, right after an unlock, or twice for one insertion. sc_auth pairing_ui -s disable
switches it off.

When the card is taken out with which this session was logged in or unlocked, the command of session.lock_command in
scauth.toml is run, where the administrator has set session.removal.

Exit codes: 0 ended, or paired; 1 not paired; 4 no card; 5 scauthd cannot be reached; 6 paired already;
130 cancelled.
SCAUTH_IO_SOCKET names another socket than ${IO_SOCKET}.
`;

const EXIT = { ok: 0, failure: 1, noCard: 4, unreachable: 5, already: 6, cancelled: 130 } as const;

/** How long --on-demand stays when there is nothing to do: a card that is put back soon finds it. */
const IDLE_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

nameProgram('scauth-session');
const { env } = process;
const socket = env['SCAUTH_IO_SOCKET'] ?? IO_SOCKET;
const uid = process.getuid?.() ?? 0;

function log(line: string): void {
  process.stderr.write(`scauth-session: ${line}\n`);
}

/** This program again, for one card. */
async function openDialog(card: SeenCard): Promise<void> {
  const program = `${import.meta.dirname}/dialog-main${extname(import.meta.filename)}`;
  const child = spawn(process.execPath, [...process.execArgv, program, String(card.number)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await new Promise<void>((resolve) => {
    child.once('error', () => {
      resolve();
    });
    child.once('exit', () => {
      resolve();
    });
  });
}

async function lock({ number, command, action, label, done }: WireRemoval): Promise<void> {
  const [program, ...args] = command;
  if (!(await claimNumber(socket, number)) || program === undefined) return;
  log(`the card ${label} was taken out (${action}${done ? ', logind was told' : ''}): ${program}`);
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  child.once('error', (error) => {
    log(`the lock command cannot be run: ${error.message}`);
  });
  child.unref();
}

/** Listens until the connection ends, or --on-demand has nothing to do. @returns whether to go on */
async function listen(watch: SessionWatch, onDemand: boolean, before: Set<string> | null): Promise<boolean> {
  const link = await AgentLink.connect([socket]);
  let idle: NodeJS.Timeout | undefined;
  let ended = false;
  let isFirst = true;
  const rest = (): void => {
    if (!onDemand) return;
    clearTimeout(idle);
    idle = setTimeout(() => {
      if (watch.isBusy) {
        rest();
        return;
      }
      ended = true;
      link.close();
    }, IDLE_MS);
  };
  rest();
  try {
    for await (const state of statesOf(link)) {
      if (isFirst) log('listening');
      if (isFirst && before !== null) watch.takeAsSeen(state, before);
      else watch.take(state);
      isFirst = false;
      known = new Set(state.cards.map(({ token }) => token));
      rest();
    }
  } catch (error) {
    if (error instanceof AgentRefusal) log(`scauthd refuses: ${error.message}`);
  } finally {
    clearTimeout(idle);
    link.close();
  }
  return !ended;
}

/** The cards of the last state: after a restart of scauthd they are not new. */
let known: Set<string> | null = null;

async function stay(onDemand: boolean): Promise<number> {
  const watch = new SessionWatch({
    session: env['XDG_SESSION_ID'] ?? null,
    openDialog,
    passOver: async ({ number }) => {
      await claimNumber(socket, number);
    },
    lock,
    log,
  });
  for (let retryMs = FIRST_RETRY_MS; ;) {
    try {
      if (!(await listen(watch, onDemand, known))) return EXIT.ok;
      retryMs = FIRST_RETRY_MS;
    } catch {
      if (onDemand) {
        // systemd starts it again when scauthd has something to say.
        log(`scauthd cannot be reached at ${socket}`);
        return EXIT.ok;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }
}

/** Hands the desktop's environment to systemd's user manager and lets that start us; false where it does not run. */
async function leaveItToSystemd(): Promise<boolean> {
  const runtime = env['XDG_RUNTIME_DIR'] ?? '';
  if (runtime === '' || !existsSync(`${runtime}/systemd/private`)) return false;
  const names = ['DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'XDG_SESSION_ID', 'XDG_CURRENT_DESKTOP'];
  const systemctl = async (...args: string[]): Promise<boolean> =>
    new Promise((resolve) => {
      const child = spawn('systemctl', ['--user', ...args], { stdio: 'ignore' });
      child.once('error', () => {
        resolve(false);
      });
      child.once('exit', (code) => {
        resolve(code === 0);
      });
    });
  await systemctl('import-environment', ...names.filter((name) => env[name] !== undefined));
  return systemctl('start', 'scauth-session.path');
}

function terminal(): string | null {
  try {
    return process.stdin.isTTY ? readlinkSync('/proc/self/fd/0') : null;
  } catch {
    return null;
  }
}

async function now(): Promise<number> {
  const { dialogNow } = await import('./pairing-dialog.ts');
  try {
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    const end = await dialogNow({ env, uid, socket, terminal: terminal(), log: say });
    switch (end) {
      case 'paired':
        return EXIT.ok;
      case 'already':
        return EXIT.already;
      case 'cancelled':
        return EXIT.cancelled;
      case 'no-card':
        return EXIT.noCard;
      case 'no-dialog':
      case 'no-room':
      case 'not-shown':
      case 'not-paired':
        return EXIT.failure;
    }
  } catch {
    process.stderr.write(`${unreachable(socket)}\n`);
    return EXIT.unreachable;
  }
}

async function run(args: readonly string[]): Promise<number> {
  const [mode = '', ...rest] = args;
  if (rest.length > 0 || !['', '--help', '--now', '--on-demand', '--autostart'].includes(mode)) {
    process.stderr.write(layOutHelp(HELP));
    return 2;
  }
  if (mode === '--help') {
    process.stdout.write(layOutHelp(HELP));
    return EXIT.ok;
  }
  if (uid === 0) {
    process.stderr.write(`${NO_PAIRING.root}\n`);
    return EXIT.failure;
  }
  if (mode === '--now') return now();
  if (mode === '--autostart' && (await leaveItToSystemd())) return EXIT.ok;
  return stay(mode === '--on-demand');
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(EXIT.ok));
process.exit(await run(process.argv.slice(2)));
