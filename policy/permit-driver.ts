// Whether a token driver may be used for a request. Pure.

export interface DriverFacts {
  /** Shipped with scauth. */
  readonly builtIn: boolean;
  /** What the administrator said with `sc_auth enable-for-login`; null: nothing. */
  readonly enabledForLogin: boolean | null;
  /** Nobody is logged in where the request comes from: it is the login itself. */
  readonly beforeLogin: boolean;
}

/**
 * Within a session any driver may run. Before one, only those that the administrator has enabled, and those that came
 * with scauth and were not disabled (macOS: enable_for_login).
 */
export function mayDriverRun({ builtIn, enabledForLogin, beforeLogin }: DriverFacts): boolean {
  return !beforeLogin || (enabledForLogin ?? builtIn);
}
