// SCAUTH_DEBUG=all through a whole login: each category tells its part, and the PIN is nowhere in it.

import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';

test('a login with SCAUTH_DEBUG=all tells APDU headers, drivers, decisions, and no PIN', async (t) => {
  const sandbox = await Sandbox.start({ agentEnv: { SCAUTH_DEBUG: 'all' } });
  try {
    await person.pairCard(sandbox);
    await person.expectCardLogin(sandbox);
    const log = sandbox.agentLog();
    t.regex(log, /^debug pcsc: .*: 00200080 \(13 bytes\) -> 9000 \(2 bytes\)$/m);
    t.regex(log, /^debug token: .*: [a-z.]*piv: \S+$/m);
    t.regex(log, /^debug login: [0-9a-f]{16}: ada: granted, rule /m);
    t.regex(log, /^debug socket: io\.scauth\.Pair \(upgraded\), pid \d+, uid \d+$/m);
    t.regex(log, /^debug socket: [0-9a-f]{16}: authenticate of sudo for ada, pid \d+, uid 0$/m);
    t.regex(log, /^debug policy: [0-9a-f]{16}: sudo for ada, .*: may go on by login\.services$/m);
    for (const secret of [sandbox.pin, Buffer.from(sandbox.pin).toString('hex'), sandbox.password])
      t.false(log.includes(secret));
    const { stderr } = await sandbox.exec(['sc_auth', 'list'], { env: { SCAUTH_DEBUG: 'socket' } });
    t.regex(stderr, /^debug socket: io\.scauth\.ListPairings to .*io\.scauth$/m);
  } finally {
    await sandbox.stop();
  }
});
