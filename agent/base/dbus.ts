// A client of a D-Bus daemon. A module of ours: of a CommonJS package that is imported at run time the package's bundle
// has no names, only the default. Loaded when it is needed first: `await import('./dbus.ts')`.

import { connect } from 'node:net';
import { createClient, type MessageBus } from 'dbus-native';

/** No answer that we ask for is near that; D-Bus itself allows 128 MiB. */
const MAX_MESSAGE_BYTES = 2 ** 20;

/** @param socketPath the daemon's; a first byte of 0 for an abstract one. The calls that wait fail when it closes. */
export function dbusClient(socketPath: string): MessageBus {
  const bus = createClient({
    stream: connect(socketPath),
    authMethods: ['EXTERNAL'],
    maxMessageSize: MAX_MESSAGE_BYTES,
  });
  bus.connection.on('error', () => undefined);
  return bus;
}
