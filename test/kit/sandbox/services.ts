// The three programs of a sandbox: pcscd, the software card and scauthd. Starts each and knows when it is ready.
// It makes no files but their logs, /run/sandbox/log-NAME.txt; the programs are the real ones.
// Readiness: pcscd's socket and vpcd's port; the card's own events; an answer at io.scauth (varlink).
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { SHARE, VPCD_PORT } from './etc.ts';
import { CARD_PROGRAM, CARDS, cardSocket } from './cards.ts';
import { APP, insidePid, type Namespace } from './namespace.ts';
import { IO_SOCKET, tokenCount } from './token-count.ts';

/** Longest wait for a program to be ready or to end; a busy machine takes its time. */
const PATIENCE_MS = 60_000;
const POLL_MS = 20;

/** Of the first card. */
export const CARD_SOCKET = cardSocket(1);
const PCSCD_SOCKET = '/run/pcscd/pcscd.comm';
const TCP_LISTEN = '0A'; // state in /proc/net/tcp

/** `card-N`: a card beside the first one. */
export type ServiceName = 'pcscd' | 'card' | `card-${number}` | 'scauthd';

/** One program in a sandbox. */
export class Service {
  readonly name: ServiceName;
  readonly #namespace: Namespace;
  readonly #process: ChildProcess;

  /** @param argv program and arguments; it runs as root */
  constructor(
    namespace: Namespace,
    name: ServiceName,
    argv: readonly string[],
    env: Readonly<Record<string, string>>,
  ) {
    this.name = name;
    this.#namespace = namespace;
    const log = openSync(namespace.path(logPath(name)), 'a', 0o600);
    this.#process = namespace.spawn(argv, { env, stdio: ['ignore', log, log] });
    closeSync(log);
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** The machine's id of the program. @throws Error if it has ended */
  get pid(): number {
    const pid = this.running ? this.#namespace.pidOf(this.#process) : null;
    if (pid === null) throw new Error(`${this.name} does not run.`);
    return pid;
  }

  /** The id that the program has in the sandbox. @throws Error if it has ended */
  get insidePid(): number {
    return insidePid(this.pid);
  }

  log(): string {
    return readLog(this.#namespace, this.name);
  }

  /** Sends a signal and waits for the end; nothing happens if it has ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.running) return;
    const ended = once(this.#process, 'exit');
    // One that is gone already has only to be noticed.
    const pid = this.#namespace.pidOf(this.#process);
    if (pid !== null) process.kill(pid, signal);
    const timer = setTimeout(() => {
      if (this.running) process.kill(this.pid, 'SIGKILL');
    }, PATIENCE_MS);
    await ended;
    clearTimeout(timer);
  }

  /** @throws Error with the program's log, if it ends or takes too long */
  async untilReady(ready: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!(await ready())) {
      const why = !this.running
        ? 'ended'
        : Date.now() > deadline
          ? `was not ready after ${PATIENCE_MS} ms`
          : null;
      if (why !== null) throw new Error(`${this.name} ${why}. What it said:\n${this.log()}`);
      await pause(POLL_MS);
    }
  }
}

function logPath(name: ServiceName): string {
  return `${SHARE}/log-${name}.txt`;
}

/** What the program has said in all of its runs. */
export function readLog(namespace: Namespace, name: ServiceName): string {
  const file = namespace.path(logPath(name));
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

export async function startPcscd(
  namespace: Namespace,
  env: Readonly<Record<string, string>>,
  /** On which its last reader waits for a card. */
  lastPort = VPCD_PORT,
): Promise<Service> {
  // A pcscd that was killed leaves its socket, and a new one does not start over it.
  for (const file of ['pcscd.comm', 'pcscd.pid'])
    rmSync(namespace.path(`/run/pcscd/${file}`), { force: true });
  const driver = namespace.path(`${APP}/build/vpcd/usr/lib/pcsc/drivers/serial/libifdvpcd.so`);
  if (!existsSync(driver)) throw new Error('The virtual reader is missing: run `npm run build` first.');
  const service = new Service(namespace, 'pcscd', ['sh', '-c', PCSCD], env);
  await service.untilReady(() => existsSync(namespace.path(PCSCD_SOCKET)) && listens(namespace, lastPort));
  return service;
}

/** Newer ones ask polkit, which is not in a sandbox; Debian 12's does not know the option and would not start. */
const PCSCD =
  'pcscd --help | grep -q -- --disable-polkit && exec pcscd --foreground --disable-polkit; exec pcscd --foreground';

/** The first reader is there: a card may connect. */
export function readerListens(namespace: Namespace): boolean {
  return listens(namespace, VPCD_PORT);
}

/** Looks without connecting: whoever connects to vpcd is a card. */
function listens(namespace: Namespace, port: number): boolean {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['tcp', 'tcp6'].some((protocol) =>
    readFileSync(`/proc/${namespace.initPid}/net/${protocol}`, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .some((fields) => fields[1]?.endsWith(local) === true && fields[3] === TCP_LISTEN),
  );
}

/** Whoever is in the sandbox may put cards in (cards.ts). */
export function makeCardsFolder(namespace: Namespace): void {
  const folder = namespace.path(CARDS);
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o1777);
}

/**
 * @param args further arguments of test/kit/card/main.ts; with `--out` the card waits outside the reader
 * @param number of the card; its control socket is cardSocket(number)
 * @param port of the reader's slot
 */
export async function startCard(
  namespace: Namespace,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  number = 1,
  port = VPCD_PORT,
): Promise<Service> {
  makeCardsFolder(namespace);
  // prettier-ignore
  const service = new Service(namespace, number === 1 ? 'card' : `card-${number}`,
    [`${APP}/node_modules/node/bin/node`, '--disable-warning=ExperimentalWarning', `${APP}/${CARD_PROGRAM}`,
      '--port', String(port), '--control', cardSocket(number), ...args], env);
  const event = args.includes('--out') ? '"event":"control"' : '"event":"powered"';
  await service.untilReady(() => service.log().includes(event));
  return service;
}

export async function startScauthd(
  namespace: Namespace,
  env: Readonly<Record<string, string>>,
  prefix: readonly string[] = [],
): Promise<Service> {
  const service = new Service(namespace, 'scauthd', [...prefix, `${APP}/install/bin/scauthd`], {
    ...env,
    // systemd.exec(5): where a unit's folders are.
    RUNTIME_DIRECTORY: '/run/scauth',
    STATE_DIRECTORY: `${SHARE}/state`,
    LOGS_DIRECTORY: `${SHARE}/log`,
    CONFIGURATION_DIRECTORY: '/etc/scauth',
  });
  await service.untilReady(async () => (await tokenCount(namespace.path(IO_SOCKET))) !== null);
  return service;
}

/** Waits until scauthd has read so many cards. @returns false if it found fewer that it can use */
export async function untilTokensSeen(namespace: Namespace, count: number): Promise<boolean> {
  const deadline = Date.now() + PATIENCE_MS / 4;
  for (;;) {
    if (((await tokenCount(namespace.path(IO_SOCKET))) ?? 0) >= count) return true;
    if (Date.now() > deadline) return false;
    await pause(POLL_MS);
  }
}
