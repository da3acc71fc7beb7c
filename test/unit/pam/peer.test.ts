// Who may be the agent, and what is left in the process afterwards: descriptors, and the PIN.
import { execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync } from 'node:fs';
import { promisify } from 'node:util';
import { createInterface } from 'node:readline';

import test, { type ExecutionContext } from 'ava';

import { ask, tell, verdict, VERDICT } from './agent.ts';
import { buildPam, MODULES, program } from './build.ts';
import { makePamFolder, PAM, runPam, type PamFolder } from './client.ts';

const NOBODY = 65534;

function folderFor(t: ExecutionContext): PamFolder {
  const place = makePamFolder();
  t.teardown(() => {
    place.remove();
  });
  place.writeService('alone', [`auth required ${MODULES.plain} socket=${place.socketPath}`]);
  return place;
}

/** An agent of that user grants everything; returns our code and what it received. */
async function authenticateAgainst(
  t: ExecutionContext,
  uid: number,
): Promise<{ code: string; lines: string[] }> {
  const place = folderFor(t);
  chmodSync(place.folder, 0o755);
  if (uid !== 0) chownSync(place.folder, uid, uid);
  const agent = spawn(program('spoofed_agent', 'plain'), [place.socketPath, String(uid)]);
  const lines: string[] = [];
  const reader = createInterface(agent.stdout);
  const listening = new Promise((resolve) => reader.once('line', resolve));
  const closed = new Promise((resolve) => reader.once('close', resolve));
  await listening;
  reader.on('line', (line) => lines.push(line));
  const client = program('pam_client', 'plain');
  const { stdout } = await promisify(execFile)(client, [
    place.confdir,
    'alone',
    'user=alice',
    'authenticate',
  ]);
  agent.stdin.end();
  await closed;
  return { code: /authenticate=(\d+)/.exec(stdout)?.[1] ?? stdout, lines };
}

test.before(buildPam);

test('an agent that is not root is refused, and hears nothing', async (t) => {
  const { code, lines } = await authenticateAgainst(t, NOBODY);
  t.is(code, String(PAM.AUTHINFO_UNAVAIL));
  t.notRegex(lines.join(), /received=[1-9]/);
});

test('the same agent as root is believed: the refusal above is for its user', async (t) => {
  const { code, lines } = await authenticateAgainst(t, 0);
  t.is(code, String(PAM.SUCCESS));
  t.deepEqual(lines, ['received=8']);
});

test('L14: no descriptor stays open, whatever the end', async (t) => {
  for (const agent of [
    undefined,
    ['read', ask('PIN: '), 'read', verdict(VERDICT.granted)],
    ['read', tell('Hello')],
    ['read', Buffer.from('garbage!')],
  ] as const) {
    const run = await runPam({ ...(agent && { agent }), module: 'plain' });
    t.is(run.leftOpen, '0', run.output);
  }
});

test('with standard input closed the socket does not take its place', async (t) => {
  const agent = ['read', ask('PIN: '), 'read', verdict(VERDICT.granted)] as const;
  const run = await runPam({
    agent,
    client: ['user=alice', 'close=0', 'conversation=show-0', 'authenticate'],
  });
  t.is(run.codes['authenticate'], PAM.SUCCESS, run.output);
  t.true(run.seen.includes('asked=1:PIN: '));
  t.regex(run.output, /standard-input=closed/);
  t.is(run.leftOpen, '0');
});

const memory = async (t: ExecutionContext, ...parameters: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(program('memory_scan', 'plain'), [
    folderFor(t).folder,
    ...parameters,
  ]);
  return stdout;
};

for (const [script, code, what] of [
  ['BWQAWG', PAM.SUCCESS, 'a grant'],
  ['BWQAWD', PAM.AUTH_ERR, 'a denial'],
  ['BQ', PAM.AUTHINFO_UNAVAIL, 'a send that failed'],
  ['BWK', PAM.AUTH_ERR, 'a denial that carried it as a keyring secret'],
  ['BQAQAQAG', PAM.SUCCESS, 'three questions'],
] as const) {
  test(`the secret is nowhere in the memory of the process after ${what}`, async (t) => {
    t.is(await memory(t, 'clean', script), `code=${code}\nhits=0\n`);
  });
}

test('the search finds a PIN that is left behind', async (t) => {
  t.is(await memory(t, 'plant', 'BWQAWG'), `code=0\nhits=1\n`);
});
