// What logins and account phases write into scauthd's own log is rated by who asks for them.

import { asNobody, rootTest } from '../base/folders.ts';
import { begin, FrameClient, pamServer, serveAt } from './clients.ts';

/** Of one asker in a minute (rated-log.ts). */
const SHARE = 10;

rootTest(
  'S7: a flood of logins leaves its owner’s share of lines, and takes none of another’s',
  async (t) => {
    const lines: string[] = [];
    const listeners = pamServer({
      log: (line) => lines.push(line),
      login: (_request, _person, log) => {
        log('a login');
        return Promise.resolve({ decision: { kind: 'unavailable', reason: 'no-card' }, password: null });
      },
      enter: (_request, _person, log) => {
        log('an account phase');
        return Promise.resolve('card-required');
      },
    });
    const path = await serveAt(t, listeners);
    const ask = async (connect: () => FrameClient, phase: 'authenticate' | 'account'): Promise<void> => {
      const client = connect();
      client.send(begin({ phase }));
      t.is((await client.nextWord())?.type, 'verdict');
      await client.closed;
    };
    for (const phase of ['authenticate', 'account'] as const)
      for (let n = 0; n < SHARE; n += 1) await ask(() => asNobody(() => new FrameClient(t, path)), phase);
    t.deepEqual([...new Set(lines)], ['a login']);
    t.is(lines.length, SHARE);
    await ask(() => new FrameClient(t, path), 'account');
    t.deepEqual(lines.slice(SHARE), ['an account phase']);
  },
);
