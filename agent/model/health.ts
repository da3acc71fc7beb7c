// What scauthd knows of its own state, for `sc_auth doctor`.

export interface HealthSource {
  /** Measures of hardening that the system did not let scauthd take. Safe to print. */
  readonly notInForce: readonly string[];
  /** Why the last reload of the settings was refused; null: what is in the files is in force. */
  configRefused(): string | null;
}
