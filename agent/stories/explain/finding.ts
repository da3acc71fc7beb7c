// What `sc_auth explain` has found at a link of the login: that it holds, or what is wrong and what to do.

/** What was found at one link; `more` is for root only. */
export interface Finding {
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy: string | null;
  readonly more: string | null;
}

export function good(detail: string, more: string | null = null): Finding {
  return { ok: true, detail, remedy: null, more };
}

export function broken(detail: string, remedy: string, more: string | null = null): Finding {
  return { ok: false, detail, remedy, more };
}
