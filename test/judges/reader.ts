// A private machine for the judges: own mounts, network and processes, pcscd with vpcd's virtual reader, and software cards.
// Nothing of the host is touched: /run is a tmpfs of its own, the only network is loopback. Needs root.
// mount_namespaces(7), pid_namespaces(7); programs get in by nsenter(1).
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { CardControl } from '../card/client.ts';

/** What a program said and how it ended. */
export interface RunResult {
  readonly code: number | null;
  /** Standard output and standard error, as they came. */
  readonly output: string;
  readonly stdout: Buffer;
}

/**
 * Process 1: private mounts, loopback that acknowledges at once (both routes: 127.0.0.1 has one of its own; with delayed
 * acknowledgements an APDU takes 44 ms), no driver for USB readers. It ends when its standard input does.
 */
const INIT = `set -e
mount -t tmpfs -o mode=0755 judges /run
mkdir /run/pcscd
ip link set lo up
for to in 127.0.0.0/8 127.0.0.1; do
  ip route replace local $to dev lo table local proto kernel scope host src 127.0.0.1 quickack 1
done
mount -t tmpfs judges /usr/lib/pcsc/drivers/ifd-ccid.bundle || true
echo ready
exec cat`;

/** The line of a process that `wanted` accepts. @throws Error with what it said, when it ends before */
async function waitForLine(child: ChildProcess, wanted: (line: string) => boolean): Promise<void> {
  if (child.stdout === null) throw new Error('no standard output');
  const said: string[] = [];
  child.stderr?.on('data', (bytes: Buffer) => said.push(bytes.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    if (wanted(line)) return;
    said.push(line);
  }
  throw new Error(`ended too early: ${said.join('\n')}`);
}

/** One virtual reader with two slots. */
export class VirtualReader {
  readonly #namespace: ChildProcess;
  readonly #initPid: number;
  #pcscd: ChildProcess;

  private constructor(namespace: ChildProcess, initPid: number) {
    this.#namespace = namespace;
    this.#initPid = initPid;
    this.#pcscd = this.#startPcscd();
  }

  /** Starts pcscd with an empty reader. @throws Error when this is not root */
  static async start(): Promise<VirtualReader> {
    // prettier-ignore
    const namespace = spawn('unshare',
      ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', '--', 'bash', '-c', INIT]);
    await waitForLine(namespace, (line) => line === 'ready');
    const pid = String(namespace.pid);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return new VirtualReader(namespace, Number(children.trim()));
  }

  /**
   * Puts a software card in, with options of test/card/main.ts.
   * @returns its control connection, when pcscd has switched it on
   */
  async insert(options: readonly string[], port = 35963): Promise<CardControl> {
    const control = `/run/card-${port}.sock`;
    const program = new URL('../card/main.ts', import.meta.url).pathname;
    const card = this.#spawn([
      ...[process.execPath, '--disable-warning=ExperimentalWarning', program],
      ...['--port', String(port), '--control', control, ...options],
    ]);
    await waitForLine(card, (line) => line.includes('powered'));
    card.stdout?.resume();
    return CardControl.connect(this.path(control));
  }

  /** Runs a program to its end. */
  async run(...argv: readonly string[]): Promise<RunResult> {
    const child = this.#spawn(argv);
    const all: Buffer[] = [];
    const stdout: Buffer[] = [];
    child.stdin?.end();
    child.stdout?.on('data', (bytes: Buffer) => all.push(bytes) && stdout.push(bytes));
    child.stderr?.on('data', (bytes: Buffer) => all.push(bytes));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output: Buffer.concat(all).toString(), stdout: Buffer.concat(stdout) };
  }

  /**
   * Sends command APDUs (hex) to the first card in one transaction, untouched by any library.
   * @returns response APDUs, hex
   */
  async transmit(...apdus: readonly string[]): Promise<readonly string[]> {
    const program = new URL('transmit.ts', import.meta.url).pathname;
    const { code, output } = await this.run(
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      program,
      ...apdus,
    );
    if (code !== 0) throw new Error(output);
    return output.trim().split('\n');
  }

  /** Starts pcscd again; the old one is ended first. */
  async restartPcscd(): Promise<void> {
    const ended = once(this.#pcscd, 'close');
    const { pid } = this.#pcscd;
    const inner = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').trim();
    process.kill(Number(inner), 'SIGTERM');
    await ended;
    this.#pcscd = this.#startPcscd();
  }

  /** Where the host finds a file of the machine. */
  path(file: string): string {
    return `/proc/${this.#initPid}/root${file}`;
  }

  read(file: string): Buffer {
    return readFileSync(this.path(file));
  }

  write(file: string, content: string | Uint8Array): void {
    writeFileSync(this.path(file), content);
  }

  /** Ends everything in it. */
  async stop(): Promise<void> {
    const ended = once(this.#namespace, 'close');
    this.#namespace.stdin?.end();
    await ended;
  }

  #spawn(argv: readonly string[]): ChildProcess {
    return spawn('nsenter', ['--target', String(this.#initPid), '--mount', '--net', '--pid', '--', ...argv]);
  }

  #startPcscd(): ChildProcess {
    const pcscd = this.#spawn(['pcscd', '--foreground']);
    pcscd.stdout?.resume();
    pcscd.stderr?.resume();
    return pcscd;
  }
}
