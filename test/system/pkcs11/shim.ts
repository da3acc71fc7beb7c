// The module of shim.c, compiled, in front of SoftHSM tokens of its own, and the PKCS#11 driver's program on it, asked
// over its own protocol without a scauthd: for what a module may answer.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodeJson,
  frameHeader,
  JsonFrameReader,
  SECRET_FRAME,
  type JsonObject,
} from '../../../agent/token/plugin/frames.ts';
import { PIN } from '../../kit/story/fakes.ts';

const BUILD = join(import.meta.dirname, '../../../build/test-pkcs11');
export const PROGRAM = join(import.meta.dirname, '../../../agent/token/pkcs11/program.ts');

/** Compiles shim.c. @returns its path */
export function buildShim(): string {
  mkdirSync(BUILD, { recursive: true });
  const library = join(BUILD, 'shim.so');
  // prettier-ignore
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC',
    '-o', library, join(import.meta.dirname, 'shim.c'), '-ldl']);
  return library;
}

/** What the module finds: tokens with one P-256 key for logins each, and the file that says how it goes wrong. */
export class ShimFolder {
  readonly #folder = mkdtempSync(join(tmpdir(), 'scauth-shim-'));
  readonly environment: Readonly<Record<string, string>>;
  /** Lines that hold whatever else is said. */
  readonly #always: readonly string[];

  constructor(labels: readonly string[], always: readonly string[] = []) {
    this.#always = always;
    this.environment = { SHIM: join(this.#folder, 'shim'), SOFTHSM2_CONF: join(this.#folder, 'conf') };
    mkdirSync(join(this.#folder, 'tokens'));
    writeFileSync(
      join(this.#folder, 'conf'),
      `directories.tokendir = ${this.#folder}/tokens\nlog.level = ERROR\n`,
    );
    this.misbehave();
    const script = `set -eu; cd "$1"; shift
for label; do
softhsm2-util --init-token --free --label $label --so-pin 12345678 --pin ${PIN}
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key8
softhsm2-util --import key8 --token $label --label Ada --id 01 --pin ${PIN}
done`;
    const env = { ...process.env, ...this.environment };
    execFileSync('sh', ['-c', script, 'sh', this.#folder, ...labels], { env, stdio: 'pipe' });
  }

  /** For a driver that runs as somebody else. */
  giveTo({ uid, gid }: { readonly uid: number; readonly gid: number }): void {
    execFileSync('chown', ['-R', `${uid}:${gid}`, this.#folder]);
    chownSync(this.#folder, uid, gid);
  }

  /** From now on; nothing: it behaves. */
  misbehave(...lines: readonly string[]): void {
    const text = [...this.#always, ...lines].map((line) => `${line}\n`).join('');
    writeFileSync(join(this.#folder, 'shim'), text);
  }

  /** How many wrong PINs the token has counted. */
  set wrong(count: number) {
    writeFileSync(join(this.#folder, 'shim.count'), String(count));
  }

  /** How many PINs have reached the module. */
  get logins(): number {
    try {
      return readFileSync(join(this.#folder, 'shim.logins')).length;
    } catch {
      return 0;
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

export interface Answer {
  readonly result?: JsonObject;
  readonly error?: { readonly code: string; readonly message: string; readonly triesLeft: number | null };
}

export class ShimmedDriver extends ShimFolder {
  readonly #child: ChildProcess;
  readonly #frames = new JsonFrameReader();
  #answered: ((answer: Answer) => void) | null = null;
  #id = 0;
  said = '';

  constructor(module: string) {
    super(['Office']);
    this.#child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', PROGRAM, module, 'digits'],
      {
        env: { ...process.env, ...this.environment },
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
    this.remove();
  }
}
