// Sessions as logind describes them, over the system's D-Bus: org.freedesktop.login1(5). One connection, kept for the
// next question. It only reads; what a session means is said elsewhere.

import type { MessageBus } from 'dbus-native';
import { AgentError, printable } from '../base/errors.ts';
import type { UserSession } from '../model/peer-session.ts';

const NAME = 'org.freedesktop.login1';
const ROOT = '/org/freedesktop/login1';
const SYSTEM_BUS = '/run/dbus/system_bus_socket';
/** More sessions of one user than that are not looked at. */
const MAX_SESSIONS = 64;
/** So many sessions' paths are kept. */
const MAX_PATHS = 64;

/** A failure that logind itself reports, e.g. `org.freedesktop.login1.NoSuchSession`. */
function logindErrorName(error: unknown): string | null {
  const name = error instanceof Error && 'dbusName' in error ? error.dbusName : null;
  return typeof name === 'string' && name.startsWith(`${NAME}.`) ? name : null;
}

type Properties = Readonly<Record<string, unknown>>;

function malformed(what: string): AgentError {
  return new AgentError('internal', { detail: `logind's answer makes no sense: ${what}` });
}

function text(properties: Properties, name: string): string {
  const value = properties[name];
  if (typeof value !== 'string') throw malformed(name);
  return printable(value);
}

function textOrNull(properties: Properties, name: string): string | null {
  const value = text(properties, name);
  return value === '' ? null : value;
}

/** The members of a D-Bus struct. */
function struct(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(name);
  return value as unknown[];
}

function sessionFrom(properties: Properties): UserSession {
  const [uid] = struct(properties['User'], 'User');
  const [seat] = struct(properties['Seat'], 'Seat');
  const { Remote: remote } = properties;
  if (typeof uid !== 'number' || typeof seat !== 'string' || typeof remote !== 'boolean')
    throw malformed('User, Seat or Remote');
  return {
    id: text(properties, 'Id'),
    uid,
    user: text(properties, 'Name'),
    seat: seat === '' ? null : printable(seat),
    type: text(properties, 'Type'),
    class: text(properties, 'Class'),
    display: textOrNull(properties, 'Display'),
    tty: textOrNull(properties, 'TTY'),
    remote,
    remoteHost: textOrNull(properties, 'RemoteHost'),
    state: text(properties, 'State'),
  };
}

export class Login1 {
  readonly #socketPath: string;
  /** A session's object, by its id: what it says is asked for each time, where it is once. */
  readonly #paths = new Map<string, string>();
  #bus: Promise<MessageBus> | null = null;

  constructor(socketPath = SYSTEM_BUS) {
    this.#socketPath = socketPath;
  }

  /** @throws Error of the bus or of logind, also when `signal` aborts */
  async session(id: string, signal: AbortSignal): Promise<UserSession> {
    const known = this.#paths.get(id);
    if (known !== undefined) {
      try {
        const session = await this.#sessionAt(known, signal);
        if (session.id === id) return session;
      } catch {
        signal.throwIfAborted();
      }
      this.#paths.delete(id);
    }
    const path = await this.#manager('GetSession', 's', id, signal);
    const session = await this.#sessionAt(path, signal);
    if (session.id !== id) throw malformed('Id');
    if (this.#paths.size >= MAX_PATHS) this.#paths.clear();
    this.#paths.set(id, String(path));
    return session;
  }

  /** @throws Error as session(); `NoSessionForPID` where there is none */
  async sessionOfProcess(pid: number, signal: AbortSignal): Promise<UserSession> {
    const path = await this.#manager('GetSessionByPID', 'u', pid, signal);
    return this.#sessionAt(path, signal);
  }

  /** @returns all sessions of the user, and the id of the one that logind takes for theirs. @throws Error as session() */
  async sessionsOfUser(
    uid: number,
    signal: AbortSignal,
  ): Promise<{ readonly sessions: readonly UserSession[]; readonly display: string | null }> {
    const path = await this.#manager('GetUser', 'u', uid, signal);
    const properties = await this.#properties(path, `${NAME}.User`, signal);
    const [display] = struct(properties['Display'], 'Display');
    const paths = struct(properties['Sessions'], 'Sessions').map((entry) => struct(entry, 'Sessions')[1]);
    if (paths.length > MAX_SESSIONS) throw malformed('too many sessions');
    const sessions = await Promise.all(paths.map((one) => this.#sessionAt(one, signal)));
    return { sessions, display: typeof display === 'string' && display !== '' ? display : null };
  }

  close(): void {
    const bus = this.#bus;
    this.#bus = null;
    bus?.then(
      ({ connection }) => connection.stream.destroy(),
      () => undefined,
    );
  }

  async #sessionAt(path: unknown, signal: AbortSignal): Promise<UserSession> {
    return sessionFrom(await this.#properties(path, `${NAME}.Session`, signal));
  }

  #manager(member: string, signature: string, argument: string | number, signal: AbortSignal) {
    return this.#call(ROOT, `${NAME}.Manager`, member, signature, argument, signal);
  }

  async #properties(path: unknown, of: string, signal: AbortSignal): Promise<Properties> {
    if (typeof path !== 'string' || !path.startsWith(`${ROOT}/`)) throw malformed('object path');
    const found = await this.#call(path, 'org.freedesktop.DBus.Properties', 'GetAll', 's', of, signal);
    if (typeof found !== 'object' || found === null) throw malformed(of);
    return found as Properties;
  }

  async #call(
    path: string,
    face: string,
    member: string,
    signature: string,
    argument: string | number,
    signal: AbortSignal,
  ): Promise<unknown> {
    const bus = await (this.#bus ??= this.#connect());
    try {
      return await bus.invoke<unknown>(
        { destination: NAME, path, interface: face, member, signature, body: [argument] },
        { signal },
      );
    } catch (error) {
      // What hangs or is gone is not asked again: the next question has a new connection.
      if (logindErrorName(error) === null) this.close();
      throw error;
    }
  }

  async #connect(): Promise<MessageBus> {
    // Loaded when it is needed first: a machine without logind never does.
    const { dbusClient } = await import('../base/dbus.ts');
    const bus = dbusClient(this.#socketPath);
    bus.connection.stream.once('close', () => {
      this.#bus = null;
    });
    return bus;
  }
}
