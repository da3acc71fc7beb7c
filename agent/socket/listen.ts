// Makes a listening socket at a path: removes what an agent that died left there, never what one that lives uses.

import { lstatSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { AgentError } from '../base/errors.ts';

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
