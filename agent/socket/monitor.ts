// Monitor and Claim: what the program of a user's session is told of cards. Each reply is the whole state as this user
// may know it, so that none depends on the one before; it is sent when something in it has changed.

import { AgentError, printable } from '../base/errors.ts';
import { cardStanding, type CardStanding } from '../stories/card/card-standing.ts';
import { promptFor, type PromptParts } from '../stories/pair/pairing-prompt.ts';
import type { SessionCard, SessionCards, SessionRemoval } from '../stories/removal/session-cards.ts';
import type { Account } from '../model/account.ts';
import type { PairingTable } from '../store/interface.ts';
import type { Connection } from './peers/connection.ts';
import { Places } from './peers/connections-at-once.ts';
import type { Methods, WireRemoval, WireSessionCard } from '../protocol/io-scauth.ts';

export interface MonitorParts extends PromptParts {
  readonly pairings: PairingTable;
  readonly sessionCards: SessionCards;
  /** Told when a session program has taken a removal upon itself: then the session is as good as locked. */
  readonly removalTaken: (removal: SessionRemoval) => Promise<void>;
}

/** More cards are not shown; a reply stays far below varlink's cap. */
const MAX_CARDS = 16;
/** Programs that listen at a time: in all, and for one user. They take no place from those that ask. */
const monitors = new Places<Connection>(128, 4);

/** What a monitor is told of, and by. */
export interface Listener {
  /** It listens from now on. */
  begun(): void;
  /** Resolves when a state may be made: a change must not make them all in one turn of the event loop. */
  turn(): Promise<void>;
  /** Sends one reply's parameters, and resolves when they are out. */
  send(state: object): Promise<void>;
}

function wireCard(
  card: SessionCard,
  standing: CardStanding,
  account: Account,
  parts: MonitorParts,
): WireSessionCard {
  const { number, token } = card;
  const { enabled } = promptFor(account.name, token.id, parts);
  const identity = standing.kind === 'unpaired' ? standing.identity : null;
  return {
    number,
    token: token.id,
    label: printable(token.label),
    reader: printable(token.slot.reader),
    standing: standing.kind,
    why: standing.kind === 'unfit' ? printable(standing.why, 300) : null,
    hash: identity?.publicKey.pkhh ?? null,
    identity: identity === null ? null : printable(identity.label, 300),
    holder: identity?.certificate == null ? null : printable(identity.certificate.holder),
    issuer: identity?.certificate == null ? null : printable(identity.certificate.issuer),
    prompt: enabled,
    claimed: parts.sessionCards.isClaimed(account.uid, number),
  };
}

function wireRemoval(removal: SessionRemoval, parts: MonitorParts): WireRemoval {
  const { number, uid, session, label, action, done, command } = removal;
  const claimed = parts.sessionCards.isClaimed(uid, number);
  return { number, session, label: printable(label), action, done, command: [...command], claimed };
}

/** @throws AgentError `store-unreadable` */
export function stateFor(account: Account, parts: MonitorParts): Methods['Monitor']['reply'] {
  const { sessionCards } = parts;
  return {
    user: account.name,
    prompt: promptFor(account.name, null, parts).enabled,
    loggingIn: sessionCards.isLoggingIn(account.name),
    policy: sessionCards.policyNumber,
    cards: sessionCards.cards
      .slice(0, MAX_CARDS)
      .map((card) =>
        wireCard(card, cardStanding(card.token, account, parts.policy(), parts.pairings), account, parts),
      ),
    removals: sessionCards.removalsOf(account).map((removal) => wireRemoval(removal, parts)),
  };
}

/** Rung by changes, waited for by one; what rings while nobody waits is heard at once by the next. */
class Bell {
  #heard: () => void = () => undefined;
  #rung = false;

  ring(): void {
    this.#rung = true;
    this.#heard();
  }

  async next(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
    this.#rung = false;
  }
}

/**
 * Sends the state now and whenever it has changed, until the connection ends.
 * @throws AgentError `not-allowed` when too many listen, `store-unreadable`
 */
export async function monitor(
  connection: Connection,
  account: Account,
  parts: MonitorParts,
  listener: Listener,
): Promise<void> {
  if (!monitors.hasRoomFor(connection.owner))
    throw new AgentError('not-allowed', { detail: 'too many programs listen' });
  const first = stateFor(account, parts);
  monitors.enter(connection);
  listener.begun();
  const bell = new Bell();
  const end = parts.sessionCards.onChange(() => {
    bell.ring();
  });
  void connection.closed.then(() => {
    bell.ring();
  });
  try {
    let sent = '';
    for (let state = first; connection.isOpen; state = stateFor(account, parts)) {
      const text = JSON.stringify(state);
      if (text !== sent) await listener.send(state);
      sent = text;
      await bell.next();
      await listener.turn();
    }
  } finally {
    end();
    monitors.leave(connection);
  }
}

/** One program of this user's takes an insertion or a removal upon itself. */
export async function claim(
  account: Account,
  number: number,
  { sessionCards, removalTaken }: MonitorParts,
): Promise<Methods['Claim']['reply']> {
  const found = sessionCards.claim(account.uid, number);
  if (found !== null && 'action' in found) await removalTaken(found);
  return { claimed: found !== null };
}
