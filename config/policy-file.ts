// The policy in force: loaded at the start, loaded again on SIGHUP. A folder that cannot be understood as a whole
// changes nothing; why is kept for those who ask.

import { debug } from '../agent/base/debug.ts';
import type { AgentError } from '../agent/base/errors.ts';
import { asAgentError } from '../agent/base/errors.ts';
import {
  changesOf,
  settingNames,
  settingText,
  type Policy,
  type SettingChange,
  type SettingName,
} from '../policy/policy.ts';
import type { SettingsReport } from '../policy/setting-report.ts';
import { isPublic, loadPolicy, loadSettings, type SettingsRead } from './parse-settings.ts';

/** Read at the start only: the token drivers and where records go. */
const AT_START = /^((tokens|piv|pkcs11)\.|audit\.(forward|anchor_every)$)/;

export interface Reloaded {
  /** What is in force now and was not before. */
  readonly changes: readonly SettingChange[];
  /** What comes into force after a restart. */
  readonly waiting: readonly SettingName[];
}

export class PolicyFile {
  /** As read at the start, for what cannot change while scauthd runs. */
  readonly atStart: Policy;
  readonly #folder: string;
  readonly #readAtStart: SettingsRead;
  #policy: Policy;
  #read: SettingsRead;
  #refused: AgentError | null = null;

  /** @throws AgentError `config-invalid`: there is no old policy to go on with */
  constructor(folder: string) {
    this.#folder = folder;
    this.#readAtStart = loadSettings(folder);
    this.#read = this.#readAtStart;
    this.atStart = this.#read.policy;
    this.#policy = this.atStart;
  }

  get current(): Policy {
    return this.#policy;
  }

  /** Why the last reload was refused; null when the files are what is in force. */
  get refused(): AgentError | null {
    return this.#refused;
  }

  /** What the files say now, whatever is in force. @throws AgentError `config-invalid` */
  readAnew(): Policy {
    return loadPolicy(this.#folder);
  }

  /** @throws AgentError `config-invalid`; the old policy stays */
  reload(): Reloaded {
    try {
      this.#read = loadSettings(this.#folder);
    } catch (error) {
      this.#refused = asAgentError(error);
      throw error;
    }
    const next = this.#read.policy;
    this.#refused = null;
    const changes = changesOf(this.#policy, next).filter(({ setting }) => !AT_START.test(setting));
    const waiting = changesOf(this.atStart, next).filter(({ setting }) => AT_START.test(setting));
    debug(
      'policy',
      () => `settings read anew: ${changes.map(({ setting }) => setting).join(', ') || 'nothing changed'}`,
    );
    // An unchanged file keeps the snapshot: requests that are under way need not be decided again.
    if (changes.length > 0) this.#policy = next;
    return { changes, waiting: waiting.map(({ setting }) => setting) };
  }

  /**
   * Whether every account may know the settings: the files showed them to everybody when they were read, and still do.
   */
  get isPublic(): boolean {
    return this.#readAtStart.isPublic && this.#read.isPublic && isPublic(this.#folder);
  }

  /** Each setting as it is in force. @param withFiles reads the files anew, for what waits in them and what is wrong */
  report(withFiles: boolean): SettingsReport {
    let files: Policy | null = null;
    let problem: string | null = null;
    try {
      if (withFiles) files = this.readAnew();
    } catch (error) {
      problem = asAgentError(error).detail;
    }
    const settings = settingNames.map((name) => {
      const atStart = AT_START.test(name);
      const { policy, places } = atStart ? this.#readAtStart : this.#read;
      const value = settingText(policy, name);
      const next = files === null ? value : settingText(files, name);
      return { name, value, place: places.get(name) ?? null, waits: next === value ? null : next, atStart };
    });
    return { settings, problem };
  }
}
