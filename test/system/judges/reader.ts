// A virtual reader for the judges: a sandbox with the real pcscd and nothing else, into which software cards are put.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { CardControl } from '../../kit/card/client.ts';
import { APP } from '../../kit/sandbox/namespace.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

/** What a program said and how it ended. */
export interface RunResult {
  readonly code: number | null;
  /** Standard output and standard error, as they came. */
  readonly output: string;
  readonly stdout: Buffer;
}

const NODE = [`${APP}/node_modules/node/bin/node`, '--disable-warning=ExperimentalWarning'];

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
  readonly #sandbox: Sandbox;

  private constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  /** Starts pcscd with an empty reader. @throws Error when this is not root */
  static async start(): Promise<VirtualReader> {
    return new VirtualReader(await Sandbox.start({ card: 'none', agent: false }));
  }

  /**
   * Puts a software card in, with options of test/kit/card/main.ts.
   * @returns its control connection, when pcscd has switched it on
   */
  async insert(options: readonly string[], port = 35963): Promise<CardControl> {
    const control = `/run/card-${port}.sock`;
    const program = [...NODE, `${APP}/test/kit/card/main.ts`];
    const card = this.#spawn([...program, '--port', String(port), '--control', control, ...options]);
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
    const { code, output } = await this.run(...NODE, `${APP}/test/system/judges/transmit.ts`, ...apdus);
    if (code !== 0) throw new Error(output);
    return output.trim().split('\n');
  }

  /** Starts pcscd again; the old one is ended first. */
  async restartPcscd(): Promise<void> {
    await this.#sandbox.restartPcscd();
  }

  /** Where the host finds a file of the sandbox. */
  path(file: string): string {
    return this.#sandbox.path(file);
  }

  read(file: string): Buffer {
    return readFileSync(this.path(file));
  }

  write(file: string, content: string | Uint8Array): void {
    writeFileSync(this.path(file), content);
  }

  /** Ends everything in it. */
  async stop(): Promise<void> {
    await this.#sandbox.stop();
  }

  #spawn(argv: readonly string[]): ChildProcess {
    return this.#sandbox.namespace.spawn(argv, { env: this.#sandbox.environment() });
  }
}
