// Where scauthd listens for root alone: beside each socket, in a folder that nobody else may enter, so that nobody else
// can fill its queue.

import { basename, dirname, join } from 'node:path';

/** @param path of the socket that everybody uses */
export function rootSocketPath(path: string): string {
  return join(dirname(path), 'root', basename(path));
}
