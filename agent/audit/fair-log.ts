// Fair shares of the audit log: who is not root can cause events as fast as a computer can, and must neither fill the disk
// nor push others' records aside. So many of one kind by one owner in ten minutes are recorded, then they are counted, and
// one record says how many. Left out is never a grant that took a card or a code, a change that happened, or what root does.
// Why: DECISIONS.md D133.

import type { AuditEvent, LeftOutEvent } from '../model/sealed-log/audit-event.ts';
import { askerOf, type PeerCredentials } from '../model/request.ts';
import type { AuditLog } from './interface.ts';
import { peerOf } from './ocsf/record.ts';

const WINDOW_MS = 600_000;
/** Of one kind by one owner in a window. */
const MOST_OF_ONE = 60;
/** Of all kinds by all owners: then only what an owner has not caused before in the window. */
const MOST = 3000;
/** Counted by themselves; further ones share what is left of their kind. */
const MAX_OWNERS = 1024;
/** That wait for the disk. */
const MAX_WAITING = 256;

interface Share {
  readonly of: AuditEvent['kind'];
  readonly owner: string;
  recorded: number;
  leftOut: number;
  firstMs: number;
  lastMs: number;
}

/** Whose share an event is taken from; null: it is recorded whatever else is. */
export function shareOf(event: AuditEvent): string | null {
  const peer = peerOf(event);
  const byRoot = peer?.uid === 0;
  switch (event.kind) {
    case 'login':
      return event.outcome.kind === 'granted' ? null : askerOf(peer, event.user);
    case 'exemption-used':
      // A program without root gets in to what is its own already, and as often as it likes.
      return byRoot ? null : askerOf(peer, event.user);
    case 'pin-blocked':
    case 'card-suspect':
      return askerOf(peer, event.user);
    case 'pairing-refused':
    case 'pin-checked':
    case 'prompt-state':
      return byRoot ? null : askerOf(peer, null);
    case 'pin-changed':
      return byRoot || event.good ? null : askerOf(peer, event.user);
    case 'keyring':
      return event.action === 'failed' ? askerOf(peer, event.user) : null;
    case 'card-in':
    case 'card-out':
      return `reader ${event.reader}`;
    default:
      return null;
  }
}

export class FairAuditLog implements AuditLog {
  readonly #log: AuditLog;
  readonly #nowMs: () => number;
  readonly #say: (line: string) => void;
  readonly #shares = new Map<string, Share>();
  #recorded = 0;
  #waiting = 0;
  #timer: NodeJS.Timeout | null = null;

  /** @param say is told what could not be recorded where nobody waits for it */
  constructor(log: AuditLog, nowMs: () => number, say: (line: string) => void) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#say = say;
  }

  notice(peer: PeerCredentials): void {
    this.#log.notice?.(peer);
  }

  async record(event: AuditEvent): Promise<void> {
    const owner = shareOf(event);
    if (owner !== null && !this.#mayRecord(this.#share(event.kind, owner))) return;
    if (owner === null) {
      await this.#log.record(event);
      return;
    }
    this.#waiting += 1;
    try {
      await this.#log.record(event);
    } finally {
      this.#waiting -= 1;
    }
  }

  #share(of: AuditEvent['kind'], owner: string): Share {
    this.#timer ??= setTimeout(() => {
      void this.renew();
    }, WINDOW_MS).unref();
    const isFull = this.#shares.size >= MAX_OWNERS && !this.#shares.has(`${of} ${owner}`);
    const name = isFull ? 'others' : owner;
    let share = this.#shares.get(`${of} ${name}`);
    if (share === undefined) {
      share = { of, owner: name, recorded: 0, leftOut: 0, firstMs: 0, lastMs: 0 };
      this.#shares.set(`${of} ${name}`, share);
    }
    return share;
  }

  #mayRecord(share: Share): boolean {
    const most = this.#recorded < MOST ? MOST_OF_ONE : 1;
    if (share.recorded < most && this.#waiting < MAX_WAITING) {
      share.recorded += 1;
      this.#recorded += 1;
      return true;
    }
    share.lastMs = this.#nowMs();
    if (share.leftOut === 0) share.firstMs = share.lastMs;
    share.leftOut += 1;
    return false;
  }

  /** A new window begins: what was left out of the one before is said. @returns when it is recorded, or was not */
  async renew(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const shares = [...this.#shares.values()].filter(({ leftOut }) => leftOut > 0);
    this.#shares.clear();
    this.#recorded = 0;
    for (const { of, owner, leftOut: count, firstMs: fromMs, lastMs: toMs } of shares) {
      const event: LeftOutEvent = { kind: 'records-left-out', of, owner, count, fromMs, toMs };
      await this.#log.record(event).catch(() => {
        this.#say(`not in the audit log: ${count} events of the kind ${of} by ${owner} were left out`);
      });
    }
  }
}
