// The links between a PAM service and a login by card, in the order in which `sc_auth explain` looks at them.

export type LinkName =
  | 'PAM'
  | 'socket'
  | 'agent'
  | 'policy'
  | 'session'
  | 'enforcement'
  | 'reader'
  | 'card'
  | 'driver'
  | 'certificate'
  | 'trust'
  | 'pairing'
  | 'tries'
  | 'proof';

export interface Link {
  readonly name: LinkName;
  readonly ok: boolean;
  /** What was found; safe to print. */
  readonly detail: string;
  /** What to do; null where nothing is to be done. */
  readonly remedy: string | null;
}
