// Lock on removal: which card opened which session, and what happens to that session when the card is taken out. A
// session that another card or the password opened does not matter, nor does sudo. It locks nothing itself.

import type { Clock } from '../../base/clock.ts';
import { describeError } from '../../base/errors.ts';
import type { AuditLog } from '../../audit/interface.ts';
import type { Accounts } from '../../model/account.ts';
import type { AuthDecision } from '../../model/decision.ts';
import { sameKey, type PublicKey } from '../../model/key/key.ts';
import type { FindSession } from '../../model/peer-session.ts';
import type { AuthRequest, PeerCredentials, Username } from '../../model/request.ts';
import type { Token, TokenSource } from '../../token/interface.ts';
import { isListed } from '../../../policy/services.ts';
import type { Policy } from '../../../policy/policy.ts';
import { BACK_MS, type SessionCards, type SessionRemoval } from './session-cards.ts';

/** What ends or locks a session: logind. Each is false where it does not run, or does not know the session. */
export interface SessionControl {
  lock(session: string): Promise<boolean>;
  terminate(session: string): Promise<boolean>;
}

export interface RemovalParts {
  readonly policy: () => Policy;
  readonly accounts: Pick<Accounts, 'byName'>;
  readonly tokens: TokenSource;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly sessionCards: SessionCards;
  readonly control: SessionControl;
  /** Called when a login begins. */
  readonly sessionOf: (peer: PeerCredentials) => FindSession;
  /** Starts the programs of sessions that are not running. */
  readonly wakeSessions: () => void;
  readonly log: (line: string) => void;
}

/** A session, and the card that let its user in. */
interface Opened {
  readonly user: Username;
  readonly uid: number;
  /** logind's name, as far as it was known at once. */
  readonly session: string | null;
  readonly find: FindSession;
  readonly tokenId: string;
  readonly key: PublicKey;
  readonly label: string;
}

type Removal = Policy['session']['removal'];

/** More than a terminal server has; the oldest is forgotten. */
const MAX_OPENED = 256;

export class CardRemoval {
  readonly #parts: RemovalParts;
  #opened: readonly Opened[] = [];
  readonly #pending = new Map<Opened, NodeJS.Timeout>();

  constructor(parts: RemovalParts) {
    this.#parts = parts;
  }

  /** Whether the request is for a session or its lock. */
  opensSession({ service, phase }: AuthRequest): boolean {
    return phase === 'authenticate' && isListed(this.#parts.policy().session.services, service);
  }

  /** A login begins that may open a session. */
  watchLogin({ peer }: AuthRequest): FindSession {
    return this.#parts.sessionOf(peer);
  }

  /** Notes which card opened a session. Called when the login has been granted; never rejects. */
  async noteGrant(request: AuthRequest, decision: AuthDecision, find: FindSession): Promise<void> {
    if (decision.kind !== 'granted' || !this.opensSession(request)) return;
    try {
      const { user, proof } = decision;
      const account = await this.#parts.accounts.byName(user);
      if (account === null) return;
      const [tokens, session] = await Promise.all([this.#parts.tokens.present(0), find(account.uid)]);
      const token = tokens.find((one) => hasKey(one, proof.key));
      if (token === undefined) return;
      const opened = {
        user,
        uid: account.uid,
        session,
        find,
        tokenId: token.id,
        key: proof.key,
        label: token.label,
      };
      this.#forget(this.#opened.filter((other) => isSameSession(other, opened)));
      this.#opened = [...this.#opened, opened].slice(-MAX_OPENED);
    } catch (error) {
      this.#parts.log(`which session the card opened is not known: ${describeError(error)}`);
    }
  }

  /**
   * The key that let the user in goes: token ids are claims, and another card may have the same one.
   * @param sure false: the card may be in still (its driver failed, or pcscd was started again)
   */
  cardOut(token: Token, sure: boolean): void {
    const { removal, removalGrace } = this.#parts.policy().session;
    if (removal === 'none') return;
    const waitMs = Math.max(removalGrace * 1000, sure ? 0 : BACK_MS);
    for (const opened of this.#opened) {
      if (!hasKey(token, opened.key) || this.#pending.has(opened)) continue;
      if (waitMs === 0) void this.#removed(opened);
      else {
        this.#pending.set(
          opened,
          setTimeout(() => void this.#removed(opened), waitMs),
        );
        this.#parts.log(
          `the card of ${opened.user} was taken out: ${removal} in ${waitMs / 1000} s unless it is put back`,
        );
      }
    }
  }

  /** The same card again, with the key that opened the session, within the time: nothing happens. */
  cardIn(token: Token): void {
    for (const [opened, timer] of this.#pending) {
      if (!hasKey(token, opened.key)) continue;
      clearTimeout(timer);
      this.#pending.delete(opened);
      this.#parts.log(`the card of ${opened.user} was put back in time`);
    }
  }

  /**
   * Somebody has said that these keys are lost: what they have opened is locked, whatever is set for removals.
   * @returns how many sessions logind was told to lock, or programs of theirs
   */
  async lockOpened(isLost: (key: PublicKey, tokenId: string) => boolean): Promise<number> {
    const lost = this.#opened.filter(({ key, tokenId }) => isLost(key, tokenId));
    for (const opened of lost) await this.#act(opened, 'lock', 'card-lost');
    return lost.length;
  }

  /** A session program runs the lock command. */
  async taken(removal: SessionRemoval): Promise<void> {
    if (removal.done || removal.command.length === 0) return;
    await this.#record(removal.user, removal.session, removal.tokenId, removal.cause);
  }

  close(): void {
    for (const timer of this.#pending.values()) clearTimeout(timer);
    this.#pending.clear();
  }

  #forget(gone: readonly Opened[]): void {
    for (const opened of gone) {
      clearTimeout(this.#pending.get(opened));
      this.#pending.delete(opened);
    }
    this.#opened = this.#opened.filter((opened) => !gone.includes(opened));
  }

  #removed(opened: Opened): Promise<void> {
    return this.#act(opened, this.#parts.policy().session.removal, 'card-removed');
  }

  async #act(opened: Opened, action: Removal, cause: SessionRemoval['cause']): Promise<void> {
    // Whoever opens the session again is noted again.
    this.#forget([opened]);
    if (action === 'none') return;
    const { lockCommand } = this.#parts.policy().session;
    const { user, uid, tokenId, label, find } = opened;
    try {
      const session = opened.session ?? (await find(uid));
      const { control, sessionCards, log } = this.#parts;
      const done =
        session !== null && (await (action === 'lock' ? control.lock(session) : control.terminate(session)));
      // A program that is told has to do something: without a command there is nothing.
      const command = action === 'lock' ? lockCommand : [];
      sessionCards.removal({ user, uid, session, tokenId, label, action, done, command, cause });
      this.#parts.wakeSessions();
      log(
        `the card of ${user} ${cause === 'card-lost' ? 'is lost' : 'was taken out'}: session ${session ?? 'without a name'}, ${action}${done ? '' : ' not'} by logind`,
      );
      if (done) await this.#record(user, session, tokenId, cause);
      else if (command.length === 0)
        log(`nothing can ${action} it: logind does not run here, see session.lock_command`);
    } catch (error) {
      this.#parts.log(`the session of ${user} was not locked: ${describeError(error)}`);
    }
  }

  #record(
    user: string,
    session: string | null,
    tokenId: string,
    cause: SessionRemoval['cause'],
  ): Promise<void> {
    return this.#parts.audit.record({
      kind: 'session-locked',
      user,
      session,
      tokenId,
      cause,
    });
  }
}

function hasKey({ identities }: Token, key: PublicKey): boolean {
  return identities.some(({ publicKey }) => sameKey(publicKey, key));
}

/** Without logind's names there is one session a user. */
function isSameSession(a: Opened, b: Opened): boolean {
  return a.uid === b.uid && a.session === b.session;
}
