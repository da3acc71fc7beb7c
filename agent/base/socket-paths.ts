// Where scauthd listens: for everybody, and for root alone beside each socket, in a folder that nobody else may enter, so
// that nobody else can fill its queue.

import { basename, dirname, join } from 'node:path';

/** For io.scauth, where SCAUTH_IO_SOCKET names no other. */
export const IO_SOCKET = '/run/scauth/io.scauth';

/** @param path of the socket that everybody uses */
export function rootSocketPath(path: string): string {
  return join(dirname(path), 'root', basename(path));
}
