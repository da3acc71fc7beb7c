// What is known of one login so far, and how it gets into the audit log: a grant before it is given, all else once the
// answer is on its way.

import { debug } from '../../base/debug.ts';
import { describeError, printable } from '../../base/errors.ts';
import type { Accounts } from '../../model/account.ts';
import type { AuditLog } from '../../audit/interface.ts';
import type { AuditedKey, AuditEvent } from '../../model/sealed-log/audit-event.ts';
import type { AuthDecision } from '../../model/decision.ts';
import type { AuthRequest, Username } from '../../model/request.ts';
import type { Policy, Rule } from '../../../policy/policy.ts';
import { eventsOfDecision } from '../card/audited-failure.ts';
import { decisionOfError } from '../card/outcome-of-error.ts';
import { loginEvent } from './audited-login.ts';
import type { GateRefusal } from './gates.ts';

export interface RecordParts {
  readonly accounts: Pick<Accounts, 'byName'>;
  readonly policy: () => Policy;
  readonly audit: AuditLog;
  readonly log: (line: string) => void;
}

export class LoginRecord {
  user: Username | null;
  key: AuditedKey | null = null;
  /** The setting that decided. */
  rule: Rule | null = null;
  detail: string | null = null;
  readonly #request: AuthRequest;
  readonly #parts: RecordParts;

  constructor(request: AuthRequest, parts: RecordParts) {
    this.#request = request;
    this.#parts = parts;
    this.user = request.user;
  }

  /** Somebody is about to be asked: who asks is looked at once the question is on its way, so that nobody waits. */
  noticeRequester(): void {
    setImmediate(() => {
      this.#parts.audit.notice?.(this.#request.peer);
    });
  }

  /** One line in the agent's own log. */
  say(line: string): void {
    this.#parts.log(`${this.#request.id}: ${line}`);
  }

  /** A cause, for both logs. */
  note(error: unknown): void {
    this.detail = describeError(error);
    this.say(this.detail);
  }

  /** At a gate. */
  refusedAt({ reason, rule, detail }: GateRefusal): Extract<AuthDecision, { kind: 'denied' }> {
    this.rule = rule;
    this.detail = detail;
    return { kind: 'denied', reason };
  }

  /** By a failure on the way. Never `granted`. */
  refusedBy(error: unknown): Exclude<AuthDecision, { kind: 'granted' }> {
    const decision = decisionOfError(error);
    if (decision.kind === 'denied' && decision.reason === 'pin-reserve') this.rule = 'login.try_reserve';
    else if (decision.kind !== 'cancelled') this.note(error);
    return decision;
  }

  /** A further event that nobody waits for. */
  add(event: AuditEvent): void {
    this.#parts.audit.record(event).catch((error: unknown) => {
      this.say(describeError(error));
    });
  }

  /**
   * No record, no grant (unless the policy says otherwise). A user without a pairing has nothing to do with cards: no
   * record either.
   * @returns the decision that may be given
   */
  async write(decision: AuthDecision): Promise<AuthDecision> {
    debug('login', () => {
      const reason = 'reason' in decision ? ` (${decision.reason})` : '';
      return `${this.#request.id}: ${this.user ?? 'nobody'}: ${decision.kind}${reason}, rule ${this.rule ?? 'none'}`;
    });
    if (decision.kind === 'unavailable' && ['no-pairing', 'no-user'].includes(decision.reason))
      return decision;
    const { user, key, rule, detail } = this;
    if (decision.kind !== 'granted') {
      setImmediate(() => void this.#addRefusal(decision));
      return decision;
    }
    const event = loginEvent(this.#request, decision, { user, key, rule, detail });
    try {
      await this.#parts.audit.record(event);
      return decision;
    } catch (error) {
      this.note(error);
      if (!this.#parts.policy().audit.noRecordNoGrant) return decision;
      return { kind: 'unavailable', reason: 'not-recorded' };
    }
  }

  /** Never rejects. */
  async #addRefusal(decision: Exclude<AuthDecision, { kind: 'granted' }>): Promise<void> {
    const { key, rule, detail } = this;
    const user = await this.#nameOf(this.user);
    this.add(loginEvent(this.#request, decision, { user, key, rule, detail }));
    for (const one of this.#eventsOfCard(decision)) this.add(one);
  }

  /** What was typed where a program asks for a name may be a PIN: digits that are no account's name are not written down. */
  async #nameOf(user: Username | null): Promise<Username | null> {
    if (user === null || !/^\d+$/.test(user)) return user;
    const account = await this.#parts.accounts.byName(user).catch(() => null);
    return account === null ? null : user;
  }

  #eventsOfCard(decision: AuthDecision): AuditEvent[] {
    const { user, key, detail } = this;
    if (key?.tokenId == null) return [];
    const { id, service, tty, rhost, peer } = this.#request;
    const clean = (text: string | null): string | null => (text === null ? null : printable(text));
    const request = { requestId: id, service: printable(service), tty: clean(tty), rhost: clean(rhost) };
    return eventsOfDecision(decision, { tokenId: key.tokenId, user, key, actor: peer, detail, request });
  }
}
