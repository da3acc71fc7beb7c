// One request, as the relay named it and the kernel vouches for its sender.

import { AgentError } from '../base/errors.ts';

declare const usernameBrand: unique symbol;
/** A login name that has passed parseUsername; says nothing about whether the account exists. */
export type Username = string & { readonly [usernameBrand]: true };

/**
 * Accepts what a passwd field can hold: 1–256 characters, no control character, no space, `:` or `/`, and no
 * leading `-`.
 * @throws AgentError `unknown-user`
 */
export function parseUsername(text: string): Username {
  if (text.length === 0 || text.length > 256 || !/^[^\s:/\p{Cc}\p{Cf}-][^\s:/\p{Cc}\p{Cf}]*$/u.test(text)) {
    throw new AgentError('unknown-user', { detail: 'not a login name' });
  }
  return text as Username;
}

/** The very process at the other end of a socket; its number alone may be given to another. */
export interface PeerProcess {
  /** false: it has ended, or is not held any more. */
  runs(): boolean;
}

/** The owner of what the system itself runs, the greeter and the login prompt. */
export const SYSTEM = 'system';

/** Who holds the other end of the socket (SO_PEERCRED, unix(7)): kernel facts, not claims. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Held while the connection lasts. */
  readonly process?: PeerProcess;
  /** Who stands behind it, where places and turns are shared out; absent: that is not known. */
  readonly owner?: string;
}

export type Phase = 'authenticate' | 'account' | 'setcred' | 'open-session' | 'close-session' | 'chauthtok';

/**
 * What the authenticate phase came to in the PAM handle of an account phase, by the relay's own note: it never ran, or
 * it ran and our verdict reached it, or it ran and none did.
 */
export type Happened = 'nothing' | 'verdict' | 'no-verdict';

export interface AuthRequest {
  /** For the log: names one conversation. */
  readonly id: string;
  readonly phase: Phase;
  /** The PAM service, e.g. `sudo`. */
  readonly service: string;
  /** null: the application did not name one (a login prompt may take it from the card). */
  readonly user: Username | null;
  readonly tty: string | null;
  readonly rhost: string | null;
  readonly ruser: string | null;
  readonly flags: number;
  readonly peer: PeerCredentials;
}

/** Names by which a login on this very machine may appear as its own remote host. */
const LOCAL_HOSTS: ReadonlySet<string> = new Set(['', 'localhost', '127.0.0.1', '::1']);

/** Whether PAM_RHOST says that the user comes from another machine. */
export function isRemoteHost(rhost: string | null): boolean {
  return rhost !== null && !LOCAL_HOSTS.has(rhost);
}

/** PAM_SILENT (_pam_types.h): the application wants no messages. A relay then leaves information out. */
const PAM_SILENT = 0x8000;

export function wantsSilence({ flags }: Pick<AuthRequest, 'flags'>): boolean {
  return (flags & PAM_SILENT) !== 0;
}

/**
 * Who stands behind a peer, where records and lines of a log are shared out; for what the system itself asks (a login
 * prompt, a greeter) whom it is about.
 */
export function askerOf(peer: PeerCredentials | null, user: string | null): string {
  const owner = peer?.owner ?? (peer === null || peer.uid === 0 ? SYSTEM : `uid ${peer.uid}`);
  return owner === SYSTEM ? `for ${user ?? 'nobody'}` : owner;
}
