// A Debian root in which a package is really installed, used and removed. It starts the real pcscd and the software
// card on request; everything that happened in it is gone after stop(). Debian 13's is booted: its own systemd starts
// scauthd, pcscd and polkitd by their units. In Debian 12's there is none, and the tests start them.

import { mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CardControl } from '../kit/card/client.ts';
import { APP, childrenOf, Namespace, REPOSITORY } from '../kit/sandbox/namespace.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { exitCode, Pty } from '../kit/sandbox/pty.ts';
import { removeGroup } from '../kit/logind/units.ts';
import { CARD_SOCKET, readerListens, Service, startCard, startPcscd } from '../kit/sandbox/services.ts';
import { debianRoot, type Release } from './base.ts';

export const USER = 'ada';
export const PASSWORD = 'correct-horse-7';
/** Neither is the factory's. */
export const PIN = '246813';
const PUK = '13572468';
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
};
const EXEC_MS = 240_000;
/** Room on its disk. */
const MEGABYTES = '900';

export interface Ended {
  readonly code: number;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

/** PAM files without those that were to be renamed into place: PAM does not look at them. */
export function withoutStaged(files: string): string {
  return files.replace(/^== \S+\.scauth-new\n[^]*?(?=^== )/gm, '');
}

export class World {
  readonly namespace: Namespace;
  /** Of the programs in it. */
  readonly environment = ENVIRONMENT;
  /** The control group of its systemd; null where there is none. */
  readonly #group: string | null;
  #scauthd: Service | null = null;
  #card: CardControl | null = null;

  private constructor(namespace: Namespace, group: string | null) {
    this.namespace = namespace;
    this.#group = group;
  }

  /** @param seats with logind, so that sessions count (seat-session.ts) */
  static async start(release: Release = 'bookworm', seats = false): Promise<World> {
    const place = join(REPOSITORY, 'build/package-world');
    const group = release === 'bookworm' ? null : `scauthtest-world-${process.pid}`;
    const init = [join(import.meta.dirname, 'world.sh'), debianRoot(release), place, REPOSITORY, MEGABYTES];
    const namespace = await Namespace.start(
      'vpcd',
      group === null ? init : [...init, group, ...(seats ? ['seats'] : [])],
    );
    const world = new World(namespace, group);
    if (group !== null)
      await world.must('until systemctl is-active -q multi-user.target; do sleep 0.1; done');
    return world;
  }

  /** Whether its own systemd runs in it. */
  get booted(): boolean {
    return this.#group !== null;
  }

  /** A file of this world, as the machine sees it. */
  path(path: string): string {
    return this.namespace.path(path);
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  /** Runs a shell script as root (or as `user`) without a terminal. */
  async run(
    script: string,
    options: { readonly user?: string; readonly input?: string } = {},
  ): Promise<Ended> {
    const { user = 'root', input = '' } = options;
    const argv = ['setsid', '--wait', 'bash', '-c', script];
    const child = this.namespace.spawn(argv, {
      user,
      env: { ...ENVIRONMENT, DEBIAN_FRONTEND: 'noninteractive' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    const timer = setTimeout(() => {
      for (const pid of child.pid === undefined ? [] : childrenOf(child.pid)) process.kill(pid, 'SIGKILL');
    }, EXEC_MS);
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => {
        resolve(exitCode(status, signal));
      });
    });
    clearTimeout(timer);
    return { code, output };
  }

  /** As {@link run}. @throws Error with what was said, unless it ended with 0 */
  async must(
    script: string,
    options: { readonly user?: string; readonly input?: string } = {},
  ): Promise<string> {
    const { code, output } = await this.run(script, options);
    if (code !== 0) throw new Error(`${script}\nended with ${code}:\n${output}`);
    return output;
  }

  /**
   * Runs a script of the functions of trial.sh on this world as it stands; what it writes goes away with it.
   * @param megabytes room on the disk
   * @returns what it printed
   * @throws Error with that, unless it ended with 0
   */
  trial(script: string, megabytes = 300): Promise<string> {
    const layer = join(APP, 'test/package/layer.sh');
    const argv = ['unshare', '--mount', '--propagation', 'private', '--', 'bash', layer, String(megabytes)];
    return this.must(`exec ${argv.join(' ')} "$(cat)"`, { input: script });
  }

  pty(argv: readonly string[], user: string): Pty {
    const start = (terminal: number) =>
      this.namespace.spawn(argv, {
        user,
        env: { ...ENVIRONMENT, HOME: user === 'root' ? '/root' : `/home/${user}`, USER: user, LOGNAME: user },
        newSession: true,
        stdio: [terminal, terminal, terminal],
      });
    return new Pty(start, user === 'root' ? 0 : Number(this.#uid(user)), { rows: 24, columns: 100 });
  }

  #uid(user: string): string {
    return new RegExp(`^${user}:[^:]*:(\\d+):`, 'm').exec(this.read('/etc/passwd'))?.[1] ?? '0';
  }

  /** Whether ada's password opens sudo now; a card that is paired must be out. */
  passwordWorks(): Promise<boolean> {
    return this.#opensSudo(PASSWORD);
  }

  /** Whether another one does; sudo takes its time for the answer. */
  wrongPasswordWorks(): Promise<boolean> {
    return this.#opensSudo(`not-${PASSWORD}`);
  }

  async #opensSudo(password: string): Promise<boolean> {
    const { code, output } = await this.run('sudo -S -p "" id -u', { user: USER, input: `${password}\n` });
    return code === 0 && /^0$/m.test(output);
  }

  /** pcscd, and the software card in its reader. @param card further options of test/kit/card */
  async startReader(...card: readonly string[]): Promise<void> {
    if (this.booted) {
      await this.must('systemctl start pcscd.service');
      while (!readerListens(this.namespace)) await pause(20);
    } else await startPcscd(this.namespace, ENVIRONMENT);
    await startCard(this.namespace, ['--key', 'p256', '--pin', PIN, '--puk', PUK, ...card], ENVIRONMENT);
    this.#card = await CardControl.connect(this.path(CARD_SOCKET));
  }

  get card(): CardControl {
    if (this.#card === null) throw new Error('no card was started');
    return this.#card;
  }

  /**
   * scauthd as the package has it: by its unit, or as the page for administrators says for machines without systemd.
   * @param ready how it is seen that it is there
   */
  async startScauthd(
    ready = async (): Promise<boolean> => (await this.run('sc_auth list')).code === 0,
  ): Promise<void> {
    if (this.booted) {
      await this.must('systemctl start scauthd');
      while (!(await ready())) await pause(100);
      return;
    }
    mkdirSync(this.path('/run/scauth'), { recursive: true, mode: 0o755 });
    this.#scauthd = new Service(this.namespace, 'scauthd', ['/usr/sbin/scauthd'], ENVIRONMENT);
    await this.#scauthd.untilReady(ready);
  }

  /** The machine's id of scauthd. @throws Error if it does not run */
  get scauthdPid(): number {
    if (this.#scauthd === null) throw new Error('scauthd was not started');
    return this.#scauthd.pid;
  }

  async stopScauthd(): Promise<void> {
    if (this.booted) await this.must('systemctl stop scauthd');
    await this.#scauthd?.stop();
  }

  scauthdLog(): string {
    return this.#scauthd?.log() ?? '';
  }

  /** Every file, with what it points to; what changes by itself is left out. */
  fileList(): string[] {
    const found: string[] = [];
    const walk = (folder: string): void => {
      for (const entry of readdirSync(this.path(folder), { withFileTypes: true })) {
        const path = `${folder}/${entry.name}`;
        if (
          /^\/(proc|sys|dev|run|tmp|var\/(log|cache|tmp|lib\/(apt|systemd))|usr\/lib\/pcsc\/drivers)(\/|$)/.test(
            path,
          )
        )
          continue;
        if (entry.isDirectory()) walk(path);
        found.push(entry.isSymbolicLink() ? `${path} -> ${readlinkSync(this.path(path))}` : path);
      }
    };
    walk('');
    return found.sort();
  }

  /** Every PAM file with its text. */
  async pamFiles(): Promise<string> {
    return await this.must('cd /etc/pam.d && for f in *; do echo "== $f"; cat "$f"; done');
  }

  async stop(): Promise<void> {
    this.#card?.close();
    await this.namespace.stop();
    if (this.#group !== null) removeGroup(this.#group);
  }
}
