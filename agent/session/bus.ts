// The session's and the system's D-Bus, loaded when something is asked: who owns a name, a property, a method call. Each
// call has a deadline; a bus that is not there is no failure.

import { existsSync } from 'node:fs';
import type { MessageBus } from 'dbus-native';
import type { Environment } from './pinentry.ts';

const CALL_MS = 1500;
const SYSTEM_BUS = '/run/dbus/system_bus_socket';

export interface BusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

export class Bus {
  readonly #bus: MessageBus;

  private constructor(bus: MessageBus) {
    this.#bus = bus;
  }

  /** null where there is none */
  static async system(): Promise<Bus | null> {
    return existsSync(SYSTEM_BUS) ? Bus.#at(SYSTEM_BUS) : null;
  }

  /** null where there is none */
  static async session(env: Environment): Promise<Bus | null> {
    const address = env['DBUS_SESSION_BUS_ADDRESS'] ?? '';
    const named = /^unix:path=([^,;]+)/.exec(address)?.[1];
    const usual = env['XDG_RUNTIME_DIR'] === undefined ? null : `${env['XDG_RUNTIME_DIR']}/bus`;
    const path = named === undefined ? usual : decodeURIComponent(named);
    if (path !== null && existsSync(path)) return Bus.#at(path);
    const abstract = /^unix:abstract=([^,;]+)/.exec(address)?.[1];
    return abstract === undefined ? null : Bus.#at(`\0${decodeURIComponent(abstract)}`);
  }

  static async #at(path: string): Promise<Bus | null> {
    const { dbusClient } = await import('../base/dbus.ts');
    const bus = dbusClient(path);
    const { stream } = bus.connection;
    const connected = await new Promise<boolean>((resolve) => {
      stream.once('connect', () => {
        resolve(true);
      });
      stream.once('error', () => {
        resolve(false);
      });
    });
    return connected ? new Bus(bus) : null;
  }

  /** @throws Error of the bus, of the service, or after the deadline */
  async call(call: BusCall): Promise<unknown> {
    const { body = [], ...rest } = call;
    return this.#bus.invoke<unknown>({ ...rest, body: [...body] }, { signal: AbortSignal.timeout(CALL_MS) });
  }

  /** Whether somebody has the name now; false also where that cannot be asked. */
  async hasOwner(name: string): Promise<boolean> {
    try {
      return (
        (await this.call({
          destination: 'org.freedesktop.DBus',
          path: '/org/freedesktop/DBus',
          interface: 'org.freedesktop.DBus',
          member: 'NameHasOwner',
          signature: 's',
          body: [name],
        })) === true
      );
    } catch {
      return false;
    }
  }

  /** @throws Error as call() */
  property(destination: string, path: string, of: string, name: string): Promise<unknown> {
    return this.call({
      destination,
      path,
      interface: 'org.freedesktop.DBus.Properties',
      member: 'Get',
      signature: 'ss',
      body: [of, name],
    });
  }

  close(): void {
    this.#bus.connection.stream.destroy();
  }
}
