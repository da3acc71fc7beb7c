// A socket path: what a dead agent left is replaced, a living one and other files are not.

import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { AgentError } from '../../../../agent/base/errors.ts';
import { listenAt } from '../../../../agent/socket/peers/listen.ts';
import { temporaryFolder } from '../../base/folders.ts';

const inTheWay = { instanceOf: AgentError, code: 'internal' } as const;

test('everybody may connect; a second agent is refused and the first goes on', async (t) => {
  const path = join(temporaryFolder(t), 'socket');
  const server = createServer();
  await listenAt(server, path);
  t.is(statSync(path).mode & 0o666, 0o666);
  await t.throwsAsync(listenAt(createServer(), path), inTheWay);
  const client = connect(path);
  await once(client, 'connect');
  client.destroy();
  server.close();
});

test('what is no socket is left alone; what a dead agent left is replaced', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'file'), 'x');
  await t.throwsAsync(listenAt(createServer(), join(folder, 'file')), inTheWay);
  t.true(existsSync(join(folder, 'file')));
  const path = join(folder, 'socket');
  const died =
    "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";
  t.throws(() => execFileSync(process.execPath, ['-e', died, path]));
  t.true(existsSync(path));
  const server = createServer();
  await listenAt(server, path);
  server.close();
});
