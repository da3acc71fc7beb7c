// Makes a listening socket at a path: removes what an agent that died left there, never what one that lives uses.
// Why: DECISIONS.md D141.

import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { AgentError } from '../../base/errors.ts';
import { rootSocketPath } from '../../base/socket-paths.ts';
import type { Listeners } from './listeners.ts';

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => {
      resolve(false);
    });
  });
}

/**
 * Everybody may connect: who they are is read from the socket.
 * @throws AgentError `internal` when another agent answers there, or something that is no socket is in the way
 */
export async function listenAt(server: Server, path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there !== undefined) {
    if (!there.isSocket())
      throw new AgentError('internal', { detail: `${path} is in the way and is no socket` });
    if (await answers(path))
      throw new AgentError('internal', { detail: `another scauthd answers at ${path}` });
    unlinkSync(path);
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, readableAll: true, writableAll: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/**
 * Everybody's socket at a path, and root's own beside it, in a folder that nobody else may enter.
 * @throws AgentError `internal` as listenAt, and when something else is where the folder should be
 */
export async function listenAtBoth(listeners: Listeners, path: string): Promise<void> {
  const rootPath = rootSocketPath(path);
  const folder = dirname(rootPath);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid } = lstatSync(folder);
  if (!lstatSync(folder).isDirectory() || uid !== process.geteuid?.())
    throw new AgentError('internal', { detail: `${folder} is no folder of scauthd's own` });
  chmodSync(folder, 0o700);
  await listenAt(listeners.root, rootPath);
  await listenAt(listeners.everybody, path);
}
