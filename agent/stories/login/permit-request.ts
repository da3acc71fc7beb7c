// Who asks, for whom, for which service and from where, held against the policy. Where from is looked up once a login,
// and only when it matters: a card may be in, and the policy does not let in everybody.

import { debug } from '../../base/debug.ts';
import type { Accounts } from '../../model/account.ts';
import type { PeerSession } from '../../model/peer-session.ts';
import type { AuthRequest } from '../../model/request.ts';
import type { SessionSource } from '../../logind/interface.ts';
import { permitAttempt, type Permission } from '../../../policy/permit-attempt.ts';
import type { Policy } from '../../../policy/policy.ts';

export interface RequestPermitParts {
  readonly accounts: Accounts;
  readonly sessions: SessionSource;
}

/** @param where what the session is, for the log; null where it did not decide */
export type RequestPermission = Permission & { readonly where: string | null };

/** One request. */
export class RequestPermit {
  readonly #request: AuthRequest;
  readonly #parts: RequestPermitParts;
  #session: Promise<PeerSession> | null = null;

  constructor(request: AuthRequest, parts: RequestPermitParts) {
    this.#request = request;
    this.#parts = parts;
  }

  /** Begins to look the session up, so that nobody waits for it later. */
  lookUp(policy: Policy): void {
    void this.#sessionFor(policy);
  }

  /** All but the session: what can be said at once. */
  beforeSession(policy: Policy): Promise<Permission> {
    return this.#permit(policy, null);
  }

  /** With the session: before anybody is asked for a PIN, or told of a card. */
  async withSession(policy: Policy): Promise<RequestPermission> {
    const session = await this.#sessionFor(policy);
    const permission = await this.#permit(policy, session);
    return { ...permission, where: permission.permitted ? null : (session?.detail ?? null) };
  }

  /** Whatever the policy says of it. */
  session(): Promise<PeerSession> {
    return (this.#session ??= this.#parts.sessions.sessionOf(this.#request.peer));
  }

  #sessionFor({ login }: Policy): Promise<PeerSession> | null {
    if (login.remote) return null;
    return this.session();
  }

  async #permit(policy: Policy, session: PeerSession | null): Promise<Permission> {
    const { peer, user, service, rhost } = this.#request;
    const account = peer.uid === 0 || user === null ? null : await this.#parts.accounts.byName(user);
    const facts = { service, rhost, peerUid: peer.uid, userUid: account?.uid ?? null };
    const permission = permitAttempt(policy, session === null ? facts : { ...facts, session: session.place });
    debug('policy', () => {
      const asked = `${service} for ${user ?? 'whoever the card names'}, uid ${peer.uid}, from ${session?.place ?? 'not asked'}`;
      return `${this.#request.id}: ${asked}: ${permission.permitted ? 'may go on' : 'refused'} by ${permission.rule}`;
    });
    return permission;
  }
}
