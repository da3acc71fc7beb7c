// Connects what users' sessions need: the cards and removals that their programs are told, lock on removal, and the file
// that is written anew when one of them has something to do. No decision is made here.

import { fchmodSync, openSync } from 'node:fs';
import { describeError } from '../base/errors.ts';
import { closing } from '../base/open-file.ts';
import { CardRemoval, type RemovalParts } from '../stories/removal/lock-on-removal.ts';
import { SessionCards } from '../stories/removal/session-cards.ts';
import type { LoginCourse } from '../stories/serve-login.ts';
import type { SessionSource } from '../logind/interface.ts';
import { Login1 } from '../logind/login1.ts';
import { openedSession } from '../logind/opened-session.ts';
import { SessionControl } from '../logind/session-control.ts';
import type { AuthRequest } from '../model/request.ts';
import type { TokenEvent } from '../token/registry.ts';

export interface SessionWiring extends Omit<
  RemovalParts,
  'sessionCards' | 'control' | 'sessionOf' | 'wakeSessions'
> {
  /** systemd's user managers watch it (install/systemd/scauth-session.path). */
  readonly changedFile: string;
  readonly source: SessionSource;
}

/** How long the first look at the readers may take; a card that it finds was in before. */
const FIRST_LOOK_MS = 10_000;

export interface Sessions {
  readonly cards: SessionCards;
  readonly removal: CardRemoval;
  /** The readers are watched from now on: what the first look finds was in before. */
  watching(): void;
  close(): void;
  hear(event: TokenEvent): void;
  /** A login begins: sessions know that it is in course, and which card it was that opened one. */
  loginBegins(request: AuthRequest): LoginCourse;
}

export function wireSessions(wiring: SessionWiring): Sessions {
  const { clock, tokens, changedFile, source, log } = wiring;
  const login1 = new Login1();
  const cards = new SessionCards(clock);
  const control = new SessionControl();
  const wakeSessions = (): void => {
    try {
      closing(openSync(changedFile, 'w', 0o644), (fd) => {
        // Whatever the umask is: nobody can watch a file that they may not read.
        fchmodSync(fd, 0o644);
      });
    } catch (error) {
      log(`${changedFile} cannot be written: ${describeError(error)}`);
    }
  };
  const removal = new CardRemoval({
    ...wiring,
    sessionCards: cards,
    control,
    wakeSessions,
    sessionOf: (peer) => openedSession(peer, source, login1),
  });
  let isNew = false;
  return {
    cards,
    removal,
    watching: () => {
      const looked = (): void => {
        isNew = true;
      };
      tokens.present(FIRST_LOOK_MS).then(looked, looked);
    },
    close: () => {
      removal.close();
      login1.close();
    },
    hear: (event) => {
      if (event.kind === 'token-in') {
        cards.cardIn(event.token, isNew);
        removal.cardIn(event.token);
        wakeSessions();
      }
      if (event.kind === 'token-out') {
        cards.cardOut(event.token, event.removed);
        removal.cardOut(event.token, event.removed);
      }
    },
    loginBegins: (request) => {
      if (!removal.opensSession(request)) return { granted: () => undefined, ended: () => undefined };
      const find = removal.watchLogin(request);
      const end = request.user === null ? null : cards.loginBegins(request.user);
      return {
        granted: (decision) => {
          void removal.noteGrant(request, decision, find);
          void control.prepare();
          // Only now it is known whose login it was.
          if (end === null) cards.loginBegins(decision.user)();
        },
        ended: () => end?.(),
      };
    },
  };
}
