// A connection to scauthd that comes to nothing says why: at whose end, and after how long.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { AgentLink } from '../../../agent/protocol/client/link.ts';
import { temporaryFolder } from '../base/folders.ts';

const fault = (kind: string, more: object = {}) => ({ message: `scauthd: ${kind}`, ...more });

test('silence, a person who cancels, an end: each is what it is', async (t) => {
  const path = join(temporaryFolder(t), 'socket');
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const link = await AgentLink.connect([join(path, 'nowhere'), path]);
  const [peer] = await accepted;
  t.teardown(() => {
    link.close();
    server.close();
  });
  await t.throwsAsync(link.read(10), fault('silent'));
  await t.throwsAsync(link.read(null, AbortSignal.abort()), fault('cancelled'));
  const later = new AbortController();
  const waiting = link.read(20_000, later.signal);
  later.abort();
  await t.throwsAsync(waiting, fault('cancelled'));
  peer.write('x');
  t.is((await link.read(20_000)).toString(), 'x');
  peer.destroy();
  await t.throwsAsync(link.read(20_000), fault('closed'));
  t.true(link.ended);
  await t.throwsAsync(AgentLink.connect([`${path}-none`]), fault('unreachable'));
});
