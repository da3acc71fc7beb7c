// The policy in force: loaded at the start, loaded again on SIGHUP. A folder that cannot be understood as a whole
// changes nothing; why is kept for those who ask.

import { debug } from '../agent/base/debug.ts';
import type { AgentError } from '../agent/base/errors.ts';
import { asAgentError } from '../agent/base/errors.ts';
import type { Policy } from '../policy/policy.ts';
import { loadConfig, policyOf } from './load.ts';
import type { Config } from './settings.ts';

/** The token drivers are started once. */
const RESTART_TABLES = ['tokens', 'piv', 'pkcs11'] as const satisfies readonly (keyof Config)[];

export class PolicyFile {
  /** As read at the start: what cannot change while scauthd runs (the token drivers). */
  readonly config: Config;
  readonly #folder: string;
  #policy: Policy;
  #refused: AgentError | null = null;

  /** @throws AgentError `config-invalid`: there is no old policy to go on with */
  constructor(folder: string) {
    this.#folder = folder;
    this.config = loadConfig(folder);
    this.#policy = policyOf(this.config);
  }

  get current(): Policy {
    return this.#policy;
  }

  /** Why the last reload was refused; null when the files are what is in force. */
  get refused(): AgentError | null {
    return this.#refused;
  }

  /** What the files say now, whatever is in force. @throws AgentError `config-invalid` */
  readAnew(): { readonly policy: Policy; readonly disabledDrivers: readonly string[] } {
    const read = loadConfig(this.#folder);
    return { policy: policyOf(read), disabledDrivers: read.tokens.disabled };
  }

  /**
   * @returns the settings of Policy that changed, by name; `TABLE (after a restart)` for what waits for one
   * @throws AgentError `config-invalid`; the old policy stays
   */
  reload(): string[] {
    let read: Config;
    try {
      read = loadConfig(this.#folder);
    } catch (error) {
      this.#refused = asAgentError(error);
      throw error;
    }
    const next = policyOf(read);
    const before = new Map<string, unknown>(Object.entries(this.#policy));
    const changed = Object.entries(next)
      .filter(([name, value]) => settingText(value) !== settingText(before.get(name)))
      .map(([name]) => name);
    debug(
      'policy',
      () => `settings read anew: ${changed.length === 0 ? 'nothing changed' : changed.join(', ')}`,
    );
    this.#refused = null;
    // An unchanged file keeps the snapshot: requests that are under way need not be decided again.
    if (changed.length > 0) this.#policy = next;
    const waiting = RESTART_TABLES.filter(
      (table) => settingText(read[table]) !== settingText(this.config[table]),
    ).map((table) => `${table} (after a restart)`);
    return [...changed, ...waiting];
  }
}

/** A setting as text: equal text, equal setting. */
export function settingText(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (part instanceof RegExp ? part.source : part));
}
