// scauth-fleet itself for a test: with folders of its own, and the book that it writes.

import { spawn, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { IO_SOCKET } from '../sandbox/token-count.ts';

const LAUNCHER = join(import.meta.dirname, '../../../install/bin/scauth-fleet');
const PATIENCE_MS = 60_000;

export class FleetProgram {
  readonly folder: string;
  /** Where it writes the book, and where scauthd's wanted keys are. */
  readonly state: string;
  readonly run: string;
  said = '';
  #child: ChildProcess | null = null;
  #exit: Promise<number | null> = Promise.resolve(null);

  /** @param places of a scauthd that it works for */
  constructor(places: { readonly state?: string; readonly run?: string } = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'scauth-fleet-'));
    for (const name of ['etc', 'state', 'run', 'credentials'])
      mkdirSync(join(this.folder, name), { mode: 0o755 });
    this.state = places.state ?? join(this.folder, 'state');
    this.run = places.run ?? join(this.folder, 'run');
  }

  /** The one that works for a sandbox's scauthd; it runs outside, where the directories are. */
  static beside(sandbox: Sandbox): FleetProgram {
    const state = sandbox.path('/var/lib/scauth-fleet');
    mkdirSync(state, { recursive: true });
    return new FleetProgram({ state, run: dirname(sandbox.path(IO_SOCKET)) });
  }

  /** @returns the path for the key `ca` */
  trust({ certificate }: { readonly certificate: string }): string {
    const ca = join(this.folder, 'ca.pem');
    copyFileSync(certificate, ca);
    return ca;
  }

  /** @param fleet the keys of [fleet] */
  settings(fleet: Readonly<Record<string, string | number | readonly string[]>>): void {
    const lines = Object.entries(fleet).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
    writeFileSync(join(this.folder, 'etc/scauth.toml'), `[fleet]\n${lines.join('')}`, { mode: 0o644 });
  }

  /** @param before words in front of the command: what puts it into a namespace */
  start(before: readonly string[] = []): void {
    const argv = [...before, LAUNCHER];
    const child = spawn(argv[0] ?? LAUNCHER, argv.slice(1), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        CONFIGURATION_DIRECTORY: join(this.folder, 'etc'),
        STATE_DIRECTORY: this.state,
        CREDENTIALS_DIRECTORY: join(this.folder, 'credentials'),
        SCAUTH_IO_SOCKET: join(this.run, 'io.scauth'),
      },
    });
    child.stderr.on('data', (bytes: Buffer) => {
      this.said += bytes.toString();
    });
    this.#exit = new Promise((resolve) => {
      child.once('exit', resolve);
    });
    this.#child = child;
  }

  want(...keys: readonly string[]): void {
    writeFileSync(join(this.run, 'fleet-wanted'), keys.map((key) => `${key}\n`).join(''));
  }

  /** '' while there is none. */
  book(): string {
    const path = join(this.state, 'book');
    return existsSync(path) ? readFileSync(path, 'latin1') : '';
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** @throws Error with what it said, when it does not come to pass in time: a minute */
  async until(what: string, holds: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
    const end = performance.now() + patienceMs;
    while (!holds()) {
      if (performance.now() > end)
        throw new Error(`not seen: ${what}\n${this.said}\n${this.book().slice(0, 500)}`);
      await pause(20);
    }
  }

  async bookIs(...lines: readonly string[]): Promise<void> {
    const wanted = lines.map((line) => `${line}\n`).join('');
    await this.until(`the book\n${wanted}`, () => this.book() === wanted);
  }

  async ended(): Promise<number | null> {
    return this.#exit;
  }

  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    await this.#exit;
    this.#child = null;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
