// The settings that decide, as one immutable snapshot. Data only: config/ fills it, the rules beside this file read it.

export interface Policy {
  /** Cards may be used for login at all (macOS: allowSmartCard). */
  readonly cardsAllowed: boolean;
  /** PAM services for which a card may be used; `*` alone stands for all. An unknown word matches nothing. */
  readonly services: readonly string[];
  /** Whether a remote user (PAM_RHOST set) may use a card that is in this machine's reader. */
  readonly remoteAllowed: boolean;
  /** PIN tries that a login leaves on the card unless the user says otherwise. */
  readonly tryReserve: number;
  /** How often one login asks for the PIN before the password gets its turn. */
  readonly pinAttempts: number;
  /** Users may pair a card with their own account (macOS: UserPairing). */
  readonly usersMayPair: boolean;
  /** A login whose record cannot be written is not granted. */
  readonly noRecordNoGrant: boolean;
}

/** What there is when no file says anything. */
export const defaultPolicy: Policy = {
  cardsAllowed: true,
  services: ['*'],
  remoteAllowed: false,
  tryReserve: 1,
  pinAttempts: 1,
  usersMayPair: true,
  noRecordNoGrant: true,
};
