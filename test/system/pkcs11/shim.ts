// The module of shim.c, compiled, in front of a SoftHSM token of its own, and the PKCS#11 driver's program on it, asked
// over its own protocol without a scauthd: for what a module may answer.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodeJson,
  frameHeader,
  JsonFrameReader,
  SECRET_FRAME,
  type JsonObject,
} from '../../../agent/token/plugin/frames.ts';

export const PIN = '123456';
const BUILD = join(import.meta.dirname, '../../../build/test-pkcs11');
const PROGRAM = join(import.meta.dirname, '../../../agent/token/pkcs11/program.ts');

/** Compiles shim.c. @returns its path */
export function buildShim(): string {
  mkdirSync(BUILD, { recursive: true });
  const library = join(BUILD, 'shim.so');
  // prettier-ignore
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC',
    '-o', library, join(import.meta.dirname, 'shim.c'), '-ldl']);
  return library;
}

export interface Answer {
  readonly result?: JsonObject;
  readonly error?: { readonly code: string; readonly message: string; readonly triesLeft: number | null };
}

export class ShimmedDriver {
  readonly #folder = mkdtempSync(join(tmpdir(), 'scauth-shim-'));
  readonly #child: ChildProcess;
  readonly #frames = new JsonFrameReader();
  #answered: ((answer: Answer) => void) | null = null;
  #id = 0;
  said = '';

  constructor(module: string) {
    const environment = { ...process.env, SHIM: this.#path, SOFTHSM2_CONF: join(this.#folder, 'conf') };
    mkdirSync(join(this.#folder, 'tokens'));
    writeFileSync(
      environment.SOFTHSM2_CONF,
      `directories.tokendir = ${this.#folder}/tokens\nlog.level = ERROR\n`,
    );
    this.misbehave();
    // prettier-ignore
    const script = `set -eu; cd "$1"
softhsm2-util --init-token --free --label Office --so-pin 12345678 --pin ${PIN}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out cert -subj /CN=Ada -days 30 -addext keyUsage=digitalSignature
openssl pkcs8 -topk8 -nocrypt -in key -out key8
softhsm2-util --import key8 --token Office --label Ada --id 01 --pin ${PIN}`;
    execFileSync('sh', ['-c', script, 'sh', this.#folder], { env: environment, stdio: 'pipe' });
    this.#child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', PROGRAM, module, 'digits'],
      {
        env: environment,
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    this.#child.stderr?.on('data', (bytes: Buffer) => (this.said += bytes.toString()));
    this.#child.stdout?.on('data', (bytes: Buffer) => {
      for (const message of this.#frames.push(bytes)) this.#answered?.(message);
    });
    this.#child.on('exit', () =>
      this.#answered?.({ error: { code: 'ended', message: this.said, triesLeft: null } }),
    );
  }

  get #path(): string {
    return join(this.#folder, 'shim');
  }

  /** From now on; nothing: it behaves. */
  misbehave(...lines: readonly string[]): void {
    writeFileSync(this.#path, lines.map((line) => `${line}\n`).join(''));
  }

  /** How many wrong PINs the token has counted. */
  set wrong(count: number) {
    writeFileSync(`${this.#path}.count`, String(count));
  }

  /** How many PINs have reached SoftHSM. */
  get logins(): number {
    try {
      return readFileSync(`${this.#path}.logins`).length;
    } catch {
      return 0;
    }
  }

  ask(method: string, params: JsonObject = {}, ...secrets: readonly string[]): Promise<Answer> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      const announced = {
        ...(secrets.length > 0 && { secret: true }),
        ...(secrets.length > 1 && { newSecret: true }),
      };
      this.#child.stdin?.write(encodeJson({ id: ++this.#id, method, params, ...announced }));
      for (const secret of secrets) {
        this.#child.stdin?.write(frameHeader(SECRET_FRAME, secret.length));
        this.#child.stdin?.write(secret);
      }
    });
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    await gone;
    rmSync(this.#folder, { recursive: true });
  }
}
