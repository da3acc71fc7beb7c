// `npm run console`: the page in the real Cockpit, and a sandbox with cards behind it, for a look. The address is printed; Enter
// or Ctrl-C ends it, and nothing is left. `-- --user` opens it as the sandbox's user, without root's rights.

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Sandbox } from '../sandbox/sandbox.ts';
import { Cockpit, buildConsole } from './cockpit.ts';

const HELP = `usage: npm run console -- [--user]

The administrator's page in Debian's own Cockpit, with a sandbox behind it: two cards, one of them paired with ada.
Prints the address, which only this machine answers at, and ends with Enter or Ctrl-C.

  --user   as ada, and not as root
`;

const args = process.argv.slice(2);
if (args.includes('--help')) {
  process.stdout.write(HELP);
  process.exit(0);
}
await buildConsole();
const sandbox = await Sandbox.start({ moreCards: ['rsa2048'], enforced: true });
try {
  const { stdout } = await sandbox.exec(['sc_auth', 'identities']);
  const hash = /^([0-9A-F]{40})\t/m.exec(stdout)?.[1];
  if (hash === undefined) throw new Error('There is no key to pair.');
  await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  const cockpit = await Cockpit.start(sandbox, args.includes('--user') ? sandbox.user : 'root');
  process.stdout.write(`${cockpit.url}\n`);
  const input = createInterface({ input: process.stdin });
  const ended = new AbortController();
  const end = (): void => {
    ended.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  await once(input, process.stdin.isTTY ? 'line' : 'close', { signal: ended.signal }).catch(() => undefined);
  input.close();
  await cockpit.stop();
} finally {
  await sandbox.stop();
}
