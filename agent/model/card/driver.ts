// What is known of a token driver, for `sc_auth drivers`: whether it is used, and if not, why.

export interface DriverInfo {
  /** Reverse domain name, e.g. `org.scauth.piv`. */
  readonly id: string;
  readonly version: string;
  readonly displayName: string;
  readonly shortName: string;
  /** The product that the driver belongs to; null where its manifest names none. */
  readonly parent: string | null;
  readonly uuid: string | null;
  /** The manifest's folder, or the program of a driver that is shipped. */
  readonly path: string;
  /** When the manifest (or the program) was changed last, in milliseconds since 1970. */
  readonly changedAtMs: number | null;
  readonly interfaceVersion: number | null;
  /** `card`: is handed a card by APDUs; `token`: has tokens of its own. */
  readonly kind: 'card' | 'token';
  readonly builtIn: boolean;
  /** Runs in a process of its own, as this user; null for a driver inside scauthd. */
  readonly uid: number | null;
  readonly state: 'ready' | 'disabled' | 'failed';
  /** Sentences on what is wrong or left out. Safe to print. */
  readonly problems: readonly string[];
  /** Of these, those that are so now; the others did not come back. Absent: all are. */
  readonly failing?: readonly string[];
}
