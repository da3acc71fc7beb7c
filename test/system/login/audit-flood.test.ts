// S7: a user of the machine switches their own prompt on and off as fast as scauthd takes it.

import { readFileSync } from 'node:fs';
import test from 'ava';
import { APP } from '../../kit/sandbox/namespace.ts';
import { readOcsf } from '../../kit/audit/ocsf-rules.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { SHARE } from '../../kit/sandbox/etc.ts';

const TIMES = 200;
const SHARE_OF_ONE = 60;
/** Waits for each answer, as sc_auth would. */
const PROGRAM = `
const socket = require('node:net').connect('/run/scauth/io.scauth');
const mode = process.argv[1];
let sent = 0;
const next = () => {
  if (sent === ${TIMES}) return socket.end();
  const enabled = mode === 'toggle' ? sent % 2 === 0 : true;
  sent += 1;
  socket.write(JSON.stringify({ method: 'io.scauth.SetPairingPrompt', parameters: { enabled, token: null } }) + '\\0');
};
socket.on('data', next).on('connect', next);
`;

test('S7: what changes nothing is not recorded, and of a flood a share and one record that counts', async (t) => {
  const sandbox = await Sandbox.start({ card: 'none' });
  const { user } = sandbox;
  const kinds = (): string[] =>
    readFileSync(sandbox.path(`${SHARE}/log/audit.jsonl`), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (readOcsf(line) as { metadata: { event_code: string } }).metadata.event_code);
  const count = (kind: string): number => kinds().filter((one) => one === kind).length;
  const run = (mode: string) =>
    sandbox.exec([`${APP}/node_modules/node/bin/node`, '-e', PROGRAM, mode], { user });
  try {
    t.is((await run('same')).code, 0);
    t.is(count('prompt-state'), 1);
    t.is((await run('toggle')).code, 0);
    t.is(count('prompt-state'), SHARE_OF_ONE);
    await sandbox.exec(['sc_auth', 'pairing_ui', '-s', 'disable']);
    t.is(count('prompt-state'), SHARE_OF_ONE + 1, 'root is not held back');
    await sandbox.stopAgent();
    t.is(count('records-left-out'), 1);
    const [left] = sandbox
      .auditLog()
      .split('\n')
      .filter((line) => line.includes('records-left-out'));
    // The first of the second run changed nothing either.
    t.regex(
      left ?? '',
      new RegExp(
        `"of":"prompt-state","owner":"(uid|login of) ${sandbox.uid}","count":${TIMES - SHARE_OF_ONE}`,
      ),
    );
  } finally {
    await sandbox.stop();
  }
});
