// Locks and ends sessions through logind: LockSession and TerminateSession of org.freedesktop.login1(5), over the
// system's D-Bus. A connection of its own for each: removals are rare, and a kept one might be dead by then.

import { existsSync } from 'node:fs';
import { AgentError } from '../base/errors.ts';

const SYSTEM_BUS = '/run/dbus/system_bus_socket';
const NAME = 'org.freedesktop.login1';
const CALL_MS = 2000;
/** D-Bus' and logind's words for: nobody there, no such session. */
const NOT_THERE = /\.(ServiceUnknown|NameHasNoOwner|NoSuchSession|UnknownObject)$/;

export class SessionControl {
  readonly #socketPath: string;

  constructor(socketPath = SYSTEM_BUS) {
    this.#socketPath = socketPath;
  }

  /** Loads what a call needs, so that a removal does not wait for it. */
  async prepare(): Promise<void> {
    if (existsSync(this.#socketPath)) await import('../base/dbus.ts');
  }

  /** @returns false where logind does not run or does not know the session. @throws AgentError `internal` */
  lock(session: string): Promise<boolean> {
    return this.#call('LockSession', session);
  }

  /** @returns as lock(). @throws AgentError `internal` */
  terminate(session: string): Promise<boolean> {
    return this.#call('TerminateSession', session);
  }

  async #call(member: string, session: string): Promise<boolean> {
    if (!existsSync(this.#socketPath)) return false;
    const { dbusClient } = await import('../base/dbus.ts');
    const bus = dbusClient(this.#socketPath);
    const call = {
      destination: NAME,
      path: '/org/freedesktop/login1',
      interface: `${NAME}.Manager`,
      member,
      signature: 's',
      body: [session],
    };
    try {
      await bus.invoke<unknown>(call, { signal: AbortSignal.timeout(CALL_MS) });
      return true;
    } catch (cause) {
      const name = cause instanceof Error && 'dbusName' in cause ? cause.dbusName : null;
      if (typeof name === 'string' && NOT_THERE.test(name)) return false;
      throw new AgentError('internal', { detail: `logind: ${member} failed`, cause });
    } finally {
      bus.connection.stream.destroy();
    }
  }
}
