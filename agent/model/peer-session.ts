// Where a request comes from, as the kernel and logind say: the session of the process at the other end of the socket.
// What follows from it is policy's (permit-attempt.ts).

/**
 * `local`: a session at a seat of this machine. `remote`: one from another host. `none`: a service of the system that
 * belongs to nobody's login (login, sshd, a display manager: those name the remote host themselves). `unclear`: logind
 * runs, and does not vouch for the seat. `unknown`: there is no logind, nobody can say.
 */
export type SessionPlace = 'local' | 'remote' | 'none' | 'unclear' | 'unknown';

/** A session as logind describes it (org.freedesktop.login1(5)); every text is safe to print. */
export interface UserSession {
  readonly id: string;
  readonly uid: number;
  readonly user: string;
  readonly seat: string | null;
  /** `x11`, `wayland`, `tty`, … */
  readonly type: string;
  /** `user`, `greeter`, `background`, … */
  readonly class: string;
  /** The X display. */
  readonly display: string | null;
  readonly tty: string | null;
  readonly remote: boolean;
  readonly remoteHost: string | null;
  /** `active`, `online` or `closing`. */
  readonly state: string;
}

export interface PeerSession {
  readonly place: SessionPlace;
  /** null where the process is in none, or it cannot be said in which. */
  readonly session: UserSession | null;
  /** A sentence, safe to print. */
  readonly detail: string;
}

/**
 * Finds logind's name of an account's session that a process has opened, now and later: a display manager's process has
 * its session only after the login, a locker's process has ended by the time the card goes. null where there is none.
 */
export type FindSession = (uid: number) => Promise<string | null>;
