// The two listening sockets of one protocol, everybody's and root's own (PROTOCOL.md, 2.2), and who gets in at them. Node
// accepts one connection a turn of its event loop, so that those that are turned away at once cannot hold it.

import { createServer, type Server, type Socket } from 'node:net';
import { Connection } from './connection.ts';
import { ownerOf } from './owner.ts';
import { peerOf } from './peer.ts';
import { Places } from './connections-at-once.ts';

export interface Listeners {
  readonly everybody: Server;
  /** In a folder that only root may enter: nobody else can fill its queue. */
  readonly root: Server;
  close(): void;
}

/** How many may be connected at a time. */
export interface ListenerLimits {
  /** Places that only root's peers have, at either socket. */
  readonly root: number;
  readonly others: number;
  /** Of the others' places, for one owner. */
  readonly oneOwner: number;
}

export interface ListenerPlaces {
  /** The place is free for another, though the connection stays: it is counted elsewhere. */
  leave(connection: Connection): void;
}

/** Who is turned away is closed so much later: who comes again at once would cost a look in each turn. */
const TURNED_AWAY_MS = 1000;
/** More are closed at once. */
const MAX_TURNED_AWAY = 128;

/** Makes both servers, not yet listening, and hands each connection that gets a place to `serve`. */
export function openListeners(
  limits: ListenerLimits,
  serve: (connection: Connection, places: ListenerPlaces) => void,
): Listeners {
  const root = new Places<Connection>(limits.root);
  const others = new Places<Connection>(limits.others, limits.oneOwner);
  const turnedAway = new Set<Socket>();
  const turnAway = (accepted: Socket): void => {
    if (turnedAway.size >= MAX_TURNED_AWAY) {
      accepted.destroy();
      return;
    }
    turnedAway.add(accepted);
    setTimeout(() => {
      turnedAway.delete(accepted);
      accepted.destroy();
    }, TURNED_AWAY_MS);
  };
  const take = (accepted: Socket, onlyRoot: boolean): void => {
    // Whoever is turned away costs a look at who it is, and nothing else.
    let connection: Connection | null = null;
    try {
      const peer = peerOf(accepted);
      const places = peer.uid === 0 ? root : others;
      const owner = ownerOf(peer);
      if ((onlyRoot && peer.uid !== 0) || !places.hasRoomFor(owner)) {
        turnAway(accepted);
        return;
      }
      const mine = new Connection(accepted, peer, owner);
      connection = mine;
      places.enter(mine);
      void mine.closed.then(() => {
        places.leave(mine);
      });
      serve(mine, places);
    } catch {
      // Out of descriptors or locked memory: this caller is turned away, and nothing of it stays.
      connection?.destroy();
      accepted.destroy();
    }
  };
  const listener = (onlyRoot: boolean): Server =>
    createServer({ pauseOnConnect: true, allowHalfOpen: false }, (accepted) => {
      take(accepted, onlyRoot);
    });
  const listeners = { everybody: listener(false), root: listener(true) };
  return {
    ...listeners,
    close: () => {
      listeners.everybody.close();
      listeners.root.close();
    },
  };
}
