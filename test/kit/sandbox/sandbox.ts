// A sandbox: the real pcscd, sudo, su and login with a software card and scauthd, in namespaces of their own.
// It connects namespace.ts, etc.ts, services.ts and pty.ts; the machine's own PAM files, accounts and pcscd stay as
// they are, and after stop(), or when the process that made it dies, nothing of it is left.
import { existsSync, readFileSync } from 'node:fs';
import { CardControl } from '../card/client.ts';
import { CARDS, cardSocket, claimNumber, identityOf, portOf } from './cards.ts';
import { PAD_PORT, READERS, SHARE, VPCD_PORT, writeEtc } from './etc.ts';
import { baseEnvironment, Namespace, type RunOptions } from './namespace.ts';
import { exitCode, Pty } from './pty.ts';
import { CARD_SOCKET, makeCardsFolder, readLog, type Service, type ServiceName } from './services.ts';
import { startCard, startPcscd, startScauthd, untilTokensSeen } from './services.ts';
import { IO_SOCKET } from './token-count.ts';

export const DEFAULTS = {
  user: 'ada',
  password: 'correct-horse-7',
  rootPassword: 'battery-staple-9',
  /** Neither is the factory's. */
  pin: '246813',
  puk: '13572468',
  card: 'p256',
} as const;

export interface SandboxOptions {
  /** Key type of the software card (rsa2048, p256, …, see test/kit/card/main.ts --key); `none` = an empty reader. */
  readonly card?: string;
  /** Key types of further cards: the second reader, the third, …; each is another card with the same PIN. */
  readonly moreCards?: readonly string[];
  /** How many readers (2); an even number up to 16, for they come in pairs. */
  readonly readers?: number;
  /** The account phase asks scauthd too, so that `sc_auth enforce on` binds; nobody else of the machine is there. */
  readonly enforced?: boolean;
  /** Further arguments of test/kit/card/main.ts. */
  readonly cardArgs?: readonly string[];
  /** false: scauthd is not started. */
  readonly agent?: boolean;
  readonly agentEnv?: Readonly<Record<string, string>>;
  /** A program that starts scauthd as its last arguments (exec, the same process). */
  readonly agentPrefix?: readonly string[];
  /** Text of /etc/scauth/scauth.toml. */
  readonly config?: string;
  /** The machine's pcscd with its readers and cards, instead of a pcscd with the virtual reader. */
  readonly reader?: boolean;
  /** A second reader, with a PIN pad (test/kit/ifd); the card sits in it, not in the first one. */
  readonly pinPad?: boolean;
  /** Name of the first reader, instead of `Virtual PCD`. */
  readonly readerName?: string;
  /** Milliseconds that the software card adds to each APDU. */
  readonly delayMs?: number;
  readonly user?: string;
  readonly password?: string;
  readonly pin?: string;
}

export interface ExecOptions {
  /** Account; without it, root. */
  readonly user?: string;
  /** Added to the sandbox's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; without it, empty. */
  readonly input?: string | Buffer;
  /** After that the program is killed; 60 s if not given. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
}

export interface ExecResult {
  /** Exit code; 128 + n after signal n. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const EXEC_MS = 60_000;
const TERMINAL_SIZE = { rows: 24, columns: 80 };

export class Sandbox {
  readonly namespace: Namespace;
  readonly user: string;
  readonly password: string;
  readonly rootPassword: string = DEFAULTS.rootPassword;
  readonly pin: string;
  /** uid of {@link user}. */
  readonly uid: number;
  readonly #options: SandboxOptions;
  readonly #services = new Map<ServiceName, Service>();
  #card: CardControl | null = null;

  private constructor(namespace: Namespace, options: SandboxOptions) {
    this.namespace = namespace;
    this.#options = options;
    this.user = options.user ?? DEFAULTS.user;
    this.password = options.password ?? DEFAULTS.password;
    this.pin = options.pin ?? DEFAULTS.pin;
    this.uid = writeEtc(namespace.path(''), {
      user: this.user,
      password: this.password,
      rootPassword: this.rootPassword,
      ...(options.config !== undefined && { config: options.config }),
      ...(options.readerName !== undefined && { readerName: options.readerName }),
      pinPad: options.pinPad === true,
      enforced: options.enforced === true,
      readers: this.#readers,
      environment: this.#variables(),
    });
  }

  /**
   * Makes a sandbox and waits until its programs are ready and scauthd has read the card.
   * @throws Error with the log of the program that did not start
   */
  static async start(options: SandboxOptions = {}): Promise<Sandbox> {
    const namespace = await Namespace.start(options.reader === true ? 'reader' : 'vpcd');
    try {
      const sandbox = new Sandbox(namespace, options);
      await sandbox.#startServices();
      return sandbox;
    } catch (error) {
      await namespace.stop();
      throw error;
    }
  }

  async #startServices(): Promise<void> {
    const { reader = false, card = DEFAULTS.card, moreCards = [], agent = true } = this.#options;
    const hasCard = !reader && card !== 'none';
    makeCardsFolder(this.namespace);
    if (!reader) await this.startPcscd();
    // scauthd comes up while pcscd takes notice of the card.
    await Promise.all([hasCard ? this.#startCards(card, moreCards) : null, agent ? this.startAgent() : null]);
    if (hasCard && agent && this.#options.cardArgs?.includes('--out') !== true)
      await untilTokensSeen(this.namespace, 1 + moreCards.length);
  }

  async #startCards(first: string, others: readonly string[]): Promise<void> {
    await this.#startCard(first);
    for (const [index, kind] of others.entries()) {
      const control = await this.addCard(identityOf(index + 2, kind), portOf(index + 1));
      control.close();
    }
  }

  async #startCard(kind: string): Promise<void> {
    const { delayMs = 0, cardArgs = [] } = this.#options;
    const args = [
      '--key',
      kind,
      '--pin',
      this.pin,
      '--puk',
      DEFAULTS.puk,
      '--delay-ms',
      String(delayMs),
      ...cardArgs,
    ];
    const port = this.#options.pinPad === true ? PAD_PORT : VPCD_PORT;
    const number = claimNumber(this.path(CARDS));
    this.#services.set('card', await startCard(this.namespace, args, this.environment(), number, port));
    this.#card = await CardControl.connect(this.path(cardSocket(number)));
  }

  /**
   * Puts one more card into a reader: vpcd's second slot is VPCD_PORT + 1. It has the sandbox's PIN.
   * @param args of test/kit/card/main.ts
   * @returns its control connection, which the caller closes
   */
  async addCard(args: readonly string[], port = VPCD_PORT + 1): Promise<CardControl> {
    const all = ['--pin', this.pin, '--puk', DEFAULTS.puk, ...args];
    const number = claimNumber(this.path(CARDS));
    const card = await startCard(this.namespace, all, this.environment(), number, port);
    this.#services.set(`card-${number}`, card);
    return CardControl.connect(this.path(cardSocket(number)));
  }

  /** Ends everything in the sandbox; nothing of it is left. */
  async stop(): Promise<void> {
    this.#card?.close();
    await this.namespace.stop();
  }

  /** Where the machine finds a file or a Unix socket of the sandbox. */
  path(path: string): string {
    return this.namespace.path(path);
  }

  /** How many virtual readers there are. */
  get #readers(): number {
    return this.#options.reader === true ? 0 : (this.#options.readers ?? READERS);
  }

  /** @throws Error if the sandbox was started without a software card */
  get card(): CardControl {
    if (this.#card === null) throw new Error('This sandbox has no software card.');
    return this.#card;
  }

  async startPcscd(): Promise<void> {
    this.#services.set(
      'pcscd',
      await startPcscd(this.namespace, this.environment(), portOf(this.#readers - 1)),
    );
  }

  async stopPcscd(): Promise<void> {
    await this.#services.get('pcscd')?.stop();
  }

  /** When it is over, the new pcscd has switched the card on, if one was in. */
  async restartPcscd(): Promise<void> {
    const inserted = this.#card !== null && (await this.#card.state()).inserted;
    const powered = inserted ? this.#card?.nextPowerOn() : undefined;
    await this.stopPcscd();
    await this.startPcscd();
    await powered;
  }

  async startAgent(): Promise<void> {
    const env = { ...this.environment(), ...this.#options.agentEnv };
    this.#services.set('scauthd', await startScauthd(this.namespace, env, this.#options.agentPrefix));
  }

  async stopAgent(): Promise<void> {
    await this.#services.get('scauthd')?.stop();
  }

  async killAgent(): Promise<void> {
    await this.#services.get('scauthd')?.stop('SIGKILL');
  }

  /** When it is over, the new scauthd has read the card that was in. @returns as untilCardRead() */
  async restartAgent(): Promise<boolean> {
    await this.stopAgent();
    await this.startAgent();
    return this.untilCardRead();
  }

  /** Waits until scauthd lists a card. @returns false if it found none that it can use */
  untilCardRead(): Promise<boolean> {
    return untilTokensSeen(this.namespace, 1);
  }

  /** scauthd's process id in the sandbox; null if it does not run. */
  get agentPid(): number | null {
    const agent = this.#services.get('scauthd');
    return agent?.running === true ? agent.insidePid : null;
  }

  /** scauthd's process id on the machine; null if it does not run. */
  get agentHostPid(): number | null {
    const agent = this.#services.get('scauthd');
    return agent?.running === true ? agent.pid : null;
  }

  /** pcscd's process id on the machine; null if it does not run. */
  get pcscdHostPid(): number | null {
    const pcscd = this.#services.get('pcscd');
    return pcscd?.running === true ? pcscd.pid : null;
  }

  agentLog(): string {
    return readLog(this.namespace, 'scauthd');
  }

  /** The logs of all three programs, for a report on a failure. */
  logs(): string {
    const names: ServiceName[] = ['pcscd', 'card', 'scauthd'];
    return names.map((name) => `--- ${name} ---\n${readLog(this.namespace, name)}`).join('\n');
  }

  /** The audit log so far; empty before the first event. */
  auditLog(): string {
    const file = this.path(`${SHARE}/log/audit.jsonl`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  #variables(): Record<string, string> {
    return {
      SCAUTH_USER: this.user,
      SCAUTH_PASSWORD: this.password,
      SCAUTH_ROOT_PASSWORD: this.rootPassword,
      SCAUTH_PIN: this.pin,
      SCAUTH_PUK: DEFAULTS.puk,
      SCAUTH_VPCD_PORT: String(VPCD_PORT),
      SCAUTH_READERS: String(this.#readers),
      SCAUTH_PAM_DIR: '/etc/pam.d',
      SCAUTH_SOCKET: '/run/scauth/pam.sock',
      SCAUTH_IO_SOCKET: IO_SOCKET,
      SCAUTH_AUDIT_LOG: `${SHARE}/log/audit.jsonl`,
      SCAUTH_CONFIG: '/etc/scauth/scauth.toml',
      SCAUTH_CARD_SOCKET: CARD_SOCKET,
    };
  }

  /** What a program of the sandbox has in its environment. */
  environment(user = 'root'): Record<string, string> {
    const agent = this.agentPid;
    return {
      ...baseEnvironment(),
      HOME: `${SHARE}/home/${user}`,
      USER: user,
      LOGNAME: user,
      SHELL: '/bin/bash',
      ...this.#variables(),
      ...(agent !== null && { SCAUTH_AGENT_PID: String(agent) }),
      ...(process.env['SCAUTH_TEST_BUNDLE'] !== undefined && {
        SCAUTH_TEST_BUNDLE: process.env['SCAUTH_TEST_BUNDLE'],
      }),
      // Only `npm test` sets it: half of what its many short programs cost is compiling them.
      ...(process.env['NODE_COMPILE_CACHE'] !== undefined && {
        NODE_COMPILE_CACHE: `${SHARE}/compile-cache`,
      }),
    };
  }

  #runOptions(options: Pick<ExecOptions, 'user' | 'env' | 'cwd'>): RunOptions {
    const user = options.user ?? 'root';
    return {
      user,
      cwd: options.cwd ?? `${SHARE}/home/${user === this.user ? user : 'root'}`,
      env: { ...this.environment(user), ...options.env },
    };
  }

  /** Runs a program without a terminal and waits for its end. */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    // A session of its own: sudo and others must not find the terminal of whoever runs the tests.
    const child = this.namespace.spawn(['setsid', '--wait', ...argv], this.#runOptions(options));
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin?.on('error', () => undefined); // a program that does not read its input is no failure
    child.stdin?.end(options.input ?? '');
    const timer = setTimeout(() => {
      const pid = this.namespace.pidOf(child);
      if (pid !== null) process.kill(pid, 'SIGKILL');
    }, options.timeoutMs ?? EXEC_MS);
    try {
      return await new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, signal) => {
          resolve({ code: exitCode(code, signal), stdout, stderr });
        });
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Starts a program on a terminal of its own (24 × 80 if nothing else is said). */
  pty(
    argv: readonly string[],
    options: Pick<ExecOptions, 'user' | 'env' | 'cwd'> & { size?: { rows: number; columns: number } } = {},
  ): Pty {
    const start = (terminal: number) =>
      this.namespace.spawn(argv, {
        ...this.#runOptions(options),
        newSession: true,
        stdio: [terminal, terminal, terminal],
      });
    return new Pty(start, options.user === this.user ? this.uid : 0, options.size ?? TERMINAL_SIZE);
  }
}
