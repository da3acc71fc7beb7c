// /run/scauth/pam.sock: one conversation a connection. Parses begin, lets the login story run, sends the verdict.

import { randomBytes } from 'node:crypto';
import { assertNever } from '../base/assert.ts';
import { debug } from '../base/debug.ts';
import { asAgentError, describeError } from '../base/errors.ts';
import { RatedLog } from '../base/rated-log.ts';
import {
  askerOf,
  type AuthRequest,
  parseUsername,
  type PeerCredentials,
  type Username,
} from '../model/request.ts';
import type { LoginResult } from '../stories/login/login-parts.ts';
import type { Entry } from '../stories/enforcement/account-phase.ts';
import { CARD_REQUIRED, NEEDS_UPDATE } from '../words/login.ts';
import type { Conversation } from '../stories/card/conversation.ts';
import type { Connection } from './peers/connection.ts';
import { openListeners, type ListenerLimits, type Listeners } from './peers/listeners.ts';
import { FrameConversation } from './frame-conversation.ts';
import { FrameStream } from '../protocol/frame-stream.ts';
import { FRAME_VERSION, HIGHEST_VERSION, type BeginFrame, type VerdictFrame } from '../protocol/frames.ts';
import type { OpenLogins } from './open-logins.ts';
import type { Turns } from './turns.ts';

type Log = (line: string) => void;

/** `log` of each story is for that request's lines: they are rated by who asks. */
export interface PamServerParts {
  /** Runs one login to its end; never throws. */
  readonly login: (request: AuthRequest, person: Conversation, log: Log) => Promise<LoginResult>;
  /** After a change of password; never rejects. */
  readonly passwordChanged: (request: AuthRequest, person: Conversation, log: Log) => Promise<void>;
  /** Runs one account phase to its end; never throws. */
  readonly enter: (request: AuthRequest, person: Conversation, log: Log) => Promise<Entry>;
  readonly log: Log;
  /** Counts the logins, and says when they must not wait for a person any more. */
  readonly open: OpenLogins;
  /** Shared with the other socket. */
  readonly turns: Turns;
}

/** The lines of one server, rated by who causes them. */
interface ServedParts extends PamServerParts {
  readonly logOf: (request: AuthRequest) => Log;
}

/** More than logins may be under way (logins-at-once.ts): the account phase of a flooder must not go unanswered. */
const LIMITS: ListenerLimits = { root: 64, others: 48, oneOwner: 8 };

/** A relay has this long to send the whole of its begin. */
const BEGIN_MS = 5000;

function verdict(code: VerdictFrame['code'], more: Partial<VerdictFrame> = {}): VerdictFrame {
  return { type: 'verdict', code, user: null, authtok: null, message: null, ...more };
}

/**
 * @returns with no user where the name cannot be one, but in the account phase alone: whoever that is, a card may be
 * required of them
 * @throws AgentError `unknown-user` for a name that cannot be one
 */
function requestOf(frame: BeginFrame, peer: PeerCredentials): AuthRequest {
  const { phase, service, tty, rhost, ruser, flags } = frame;
  let user: Username | null = null;
  try {
    if (frame.user !== null && frame.user !== '') user = parseUsername(frame.user);
  } catch (error) {
    if (phase !== 'account') throw error;
  }
  return { id: randomBytes(8).toString('hex'), phase, service, user, tty, rhost, ruser, flags, peer };
}

function verdictOf(
  request: AuthRequest,
  { decision, password, keyringSecret = null }: LoginResult,
): VerdictFrame {
  switch (decision.kind) {
    case 'granted': {
      const user = request.user === null ? decision.user : null;
      return verdict('granted', { user, authtok: keyringSecret?.peek((bytes) => bytes) ?? null });
    }
    case 'retry':
      return verdict('denied');
    case 'denied':
    case 'unavailable': {
      // What was typed at the PIN prompt and cannot be a PIN is the password: the next module need not ask again.
      const authtok = password?.peek((bytes) => bytes) ?? null;
      return verdict(decision.kind, { authtok });
    }
    case 'cancelled':
      return verdict('cancelled');
    default:
      return assertNever(decision);
  }
}

/** The highest version that both speak; null: there is none. begin itself is always written in the lowest. */
function agreedVersion({ minVersion, maxVersion }: BeginFrame, writtenIn: number): number | null {
  if (writtenIn !== FRAME_VERSION || minVersion > HIGHEST_VERSION) return null;
  return Math.min(maxVersion, HIGHEST_VERSION);
}

async function serve(
  frame: BeginFrame,
  version: number | null,
  person: FrameConversation,
  peer: PeerCredentials,
  parts: ServedParts,
): Promise<void> {
  if (version === null) {
    const ours = `${FRAME_VERSION}–${HIGHEST_VERSION}`;
    parts.log(`a relay speaks frames ${frame.minVersion}–${frame.maxVersion}, scauthd speaks ${ours}`);
    await person.finish(verdict('unavailable', { message: NEEDS_UPDATE }));
    return;
  }
  let request: AuthRequest;
  try {
    request = requestOf(frame, peer);
  } catch (error) {
    parts.log(describeError(error));
    await person.finish(
      verdict(asAgentError(error).code === 'unknown-user' ? 'unknown-user' : 'unavailable'),
    );
    return;
  }
  debug('socket', () => {
    const { id, phase, service, user } = request;
    return `${id}: ${phase} of ${service} for ${user ?? 'nobody named'}, pid ${peer.pid}, uid ${peer.uid}`;
  });
  const log = parts.logOf(request);
  if (request.phase === 'chauthtok') await parts.passwordChanged(request, person, log);
  if (request.phase === 'account') {
    const entry = await parts.enter(request, person, log);
    await person.finish(verdict(entry, { message: entry === 'card-required' ? CARD_REQUIRED : null }));
    return;
  }
  if (request.phase !== 'authenticate') {
    await person.finish(verdict('permitted'));
    return;
  }
  const result = await parts.login(request, person, log);
  try {
    if (result.tokenName != null) person.nameToken(result.tokenName);
    await person.finish(verdictOf(request, result));
  } finally {
    result.password?.wipe();
    result.keyringSecret?.wipe();
  }
}

function serveConnection(connection: Connection, parts: ServedParts): void {
  let person: FrameConversation | null = null;
  let agreed: number | null = null;
  const lateBegin = setTimeout(() => {
    connection.destroy();
  }, BEGIN_MS);
  // Root's programs log somebody in, and wait for nobody; whoever asks for themselves may be asking without end.
  const begun = async (): Promise<void> => {
    const { peer, owner } = connection;
    if (peer.uid !== 0) (await parts.turns.take(owner, false))();
  };
  const frames = new FrameStream((frame, version) => {
    // What came in one piece with the frame that ended the conversation is not looked at.
    if (!connection.isOpen) return;
    if (version !== agreed && person !== null) {
      connection.destroy();
      return;
    }
    if (person !== null) {
      person.take(frame);
      return;
    }
    clearTimeout(lateBegin);
    if (frame.type !== 'begin') {
      connection.dismiss();
      return;
    }
    const begin = frame;
    agreed = agreedVersion(begin, version);
    person = new FrameConversation(connection, agreed ?? FRAME_VERSION, null, parts.open.stopping);
    const story = person;
    const chosen = agreed;
    const served = begun()
      .then(() => (connection.isOpen ? serve(begin, chosen, story, connection.peer, parts) : undefined))
      .catch((error: unknown) => {
        parts.log(describeError(error));
        connection.destroy();
      });
    parts.open.add(served);
  });
  void connection.closed.then(() => {
    clearTimeout(lateBegin);
    frames.release();
  });
  connection.receive((bytes) => {
    try {
      frames.push(bytes);
    } catch (error) {
      parts.log(`pid ${connection.peer.pid}: ${describeError(error)}`);
      if (person === null) connection.dismiss();
      else connection.destroy();
    }
  });
}

/** Both servers, not yet listening. */
export function createPamServer(parts: PamServerParts): Listeners {
  const rated = new RatedLog(parts.log);
  return openListeners(LIMITS, (connection) => {
    const log = (line: string): void => {
      rated.say(connection.owner, line);
    };
    const logOf = ({ peer, user }: AuthRequest): Log => {
      const asker = askerOf(peer, user);
      return (line) => {
        rated.say(asker, line);
      };
    };
    serveConnection(connection, { ...parts, log, logOf });
  });
}
