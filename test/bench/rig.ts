// What every measurement stands on: a sandbox with a paired card, its audit log on a real disk, and the two PAM services
// that are compared. It measures nothing itself.
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { LogEntry } from '../kit/card/log.ts';
import { Sandbox } from '../kit/sandbox/sandbox.ts';
import { Stopwatch } from './stopwatch.ts';

/** Milliseconds that a card in a USB reader takes for an APDU, about. */
export const REAL_CARD_MS = 15;

/** The reader of a sandbox, as pcscd names it. */
export const READER = 'Virtual PCD 00 00';

const SERVICES = {
  // The card or nothing.
  'bench-card': 'auth required pam_scauth.so\naccount required pam_permit.so\n',
  // As `sufficient` stands before a password, with a password check that costs nothing.
  'bench-no-card':
    'auth sufficient pam_scauth.so\nauth required pam_permit.so\naccount required pam_permit.so\n',
  'bench-permit': 'auth required pam_permit.so\naccount required pam_permit.so\n',
} as const;

export type ServiceName = keyof typeof SERVICES;

/** How long nothing may happen at the card before it counts as idle; pcscd and scauthd tidy up after the last APDU. */
const QUIET_MS = 20;
export const DISK_FOLDER = '/var/tmp';
export const MEMORY_FOLDER = '/dev/shm';
/** statfs(2): in memory, so that fsync costs nothing. */
const MEMORY_FILE_SYSTEMS: readonly number[] = [0x01021994, 0x858458f6];

export class Rig {
  readonly sandbox: Sandbox;
  readonly stopwatch: Stopwatch;
  readonly #auditFolder: string;

  private constructor(sandbox: Sandbox, auditFolder: string) {
    this.sandbox = sandbox;
    this.stopwatch = new Stopwatch(sandbox.namespace, sandbox.environment());
    this.#auditFolder = auditFolder;
  }

  /**
   * @param card key type of the software card
   * @param cardArgs further arguments of test/kit/card/main.ts
   * @param auditIn a folder for the audit log; without it, one on a real disk: a sandbox keeps its files in memory, and a
   *   record that costs nothing would flatter the figures
   * @param env more of scauthd's environment
   * @param readers each with a card of this kind
   */
  static async start(
    card: string,
    cardArgs: readonly string[] = [],
    auditIn = DISK_FOLDER,
    env: Readonly<Record<string, string>> = {},
    readers = 1,
  ): Promise<Rig> {
    const auditFolder = mkdtempSync(join(auditIn, 'scauth-bench-'));
    try {
      const agentEnv = { ...env, SCAUTH_AUDIT_LOG: join(auditFolder, 'audit.jsonl') };
      const more = Array<string>(readers - 1).fill(card);
      const several = readers > 1 && { moreCards: more, readers };
      const sandbox = await Sandbox.start({ card, cardArgs, agentEnv, ...several });
      const rig = new Rig(sandbox, auditFolder);
      try {
        for (const [name, stack] of Object.entries(SERVICES)) {
          writeFileSync(sandbox.path(`/etc/pam.d/${name}`), stack);
        }
        await rig.#pair();
      } catch (error) {
        await rig.stop();
        throw error;
      }
      return rig;
    } catch (error) {
      rmSync(auditFolder, { recursive: true, force: true });
      throw error;
    }
  }

  async #pair(): Promise<void> {
    const { user } = this.sandbox;
    const listed = await this.sandbox.exec(['sc_auth', 'identities', '--json']);
    const { unpaired } = JSON.parse(listed.stdout) as { unpaired: { hash: string }[] };
    const hash = unpaired[0]?.hash ?? '';
    const paired = await this.sandbox.exec(['sc_auth', 'pair', '-u', user, '-h', hash]);
    if (paired.code !== 0) throw new Error(`The card could not be paired: ${paired.stderr}${paired.stdout}`);
  }

  async stop(): Promise<void> {
    this.stopwatch.stop();
    await this.sandbox.stop();
    rmSync(this.#auditFolder, { recursive: true, force: true });
  }

  /** The last record of the audit log, as its line. */
  lastRecord(): string {
    return readFileSync(join(this.#auditFolder, 'audit.jsonl'), 'utf8').trimEnd().split('\n').at(-1) ?? '';
  }

  /** The arguments of a program that authenticates by PAM. @param user without it, the one who is paired */
  pamtester(service: ServiceName, user = this.sandbox.user): string[] {
    return ['pamtester', service, user, 'authenticate'];
  }

  /** Waits until nobody uses the card: after the verdict it is still unverified, and let go. */
  async untilIdle(): Promise<void> {
    for (let before = -1; ;) {
      const { apdus, pinVerified, delayMs } = await this.sandbox.card.state();
      if (apdus === before && !pinVerified) return;
      before = apdus;
      await pause(QUIET_MS + delayMs);
    }
  }

  /** Runs `act` and lets the card come to rest. @returns its result, and the APDUs from its beginning on */
  async record<T>(act: () => Promise<T>): Promise<{ result: T; apdus: readonly LogEntry[] }> {
    await this.untilIdle();
    await this.sandbox.card.clearLog();
    const result = await act();
    await this.untilIdle();
    return { result, apdus: await this.sandbox.card.log() };
  }
}

/** Where the audit log of a rig is, for the reader of the figures. */
export function auditPlace(): string {
  const { type } = statfsSync(DISK_FOLDER);
  const kind = MEMORY_FILE_SYSTEMS.includes(type) ? 'IN MEMORY: fsync costs nothing' : 'on disk';
  return `audit log in ${DISK_FOLDER} (${kind}, file system type 0x${type.toString(16)})`;
}
