// The policy in force: loaded at the start, loaded again on SIGHUP. A folder that cannot be understood as a whole
// changes nothing; why is kept for those who ask.

import { debug } from '../agent/base/debug.ts';
import type { AgentError } from '../agent/base/errors.ts';
import { asAgentError } from '../agent/base/errors.ts';
import { changesOf, type Policy, type SettingChange, type SettingName } from '../policy/policy.ts';
import { loadPolicy } from './parse-settings.ts';

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
  #policy: Policy;
  #refused: AgentError | null = null;

  /** @throws AgentError `config-invalid`: there is no old policy to go on with */
  constructor(folder: string) {
    this.#folder = folder;
    this.atStart = loadPolicy(folder);
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
    let next: Policy;
    try {
      next = loadPolicy(this.#folder);
    } catch (error) {
      this.#refused = asAgentError(error);
      throw error;
    }
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
}
