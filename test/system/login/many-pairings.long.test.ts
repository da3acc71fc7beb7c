// S15: a machine with 10,000 pairings, 10,000 exemptions and as many accounts. Every list is whole, the doctor and the plan
// come to an end, and a password login is answered while root lists. 100,000 are in test/soak.

import { createHash } from 'node:crypto';
import test from 'ava';
import { setTimeout as pause } from 'node:timers/promises';
import { sandboxWithMany } from '../../bench/many.ts';
import { nameOf } from '../../unit/store/fill.ts';
import { readExactReplies } from '../../unit/socket/raw-varlink.ts';
import { IO_SOCKET } from '../../kit/sandbox/token-count.ts';

const USERS = 5000;
const filling = { users: USERS, each: 2, exemptions: 10_000 };
const sandbox = await sandboxWithMany(filling, USERS, { card: 'none' });
const LIST_MS = 120_000;

test.after.always(() => sandbox.stop());

test.serial('S15: sc_auth list names each pairing once, oldest first in each account', async (t) => {
  const { code, stdout, stderr } = await sandbox.exec(['sc_auth', 'list', '--json'], { timeoutMs: LIST_MS });
  t.is(code, 0, stderr);
  const { pairings } = JSON.parse(stdout) as { pairings: { user: string; hash: string; pairedAt: string }[] };
  t.is(pairings.length, USERS * 2);
  t.is(new Set(pairings.map(({ hash }) => hash)).size, USERS * 2);
  t.true(pairings.every(({ pairedAt }, at) => at === 0 || (pairings[at - 1]?.pairedAt ?? '') <= pairedAt));
  const lines = (await sandbox.exec(['sc_auth', 'list'], { timeoutMs: LIST_MS })).stdout.split('\n');
  t.is(lines.filter((line) => line.startsWith('Hash: ')).length, USERS * 2);
  t.is(lines.filter((line) => line.startsWith('User: ')).length, USERS);
});

test.serial('S15: without more a list comes page by page; with more scauthd goes on by itself', async (t) => {
  const method = 'io.scauth.ListPairings';
  const path = sandbox.path(IO_SOCKET);
  const streamed = await readExactReplies(path, { method, parameters: {}, more: true });
  t.true(streamed.length > 10);
  t.deepEqual(
    streamed.map(({ continues }) => continues === true),
    streamed.map((_, at) => at < streamed.length - 1),
  );
  const [one] = await readExactReplies(path, { method, parameters: {} });
  t.is(one?.continues, undefined);
  const next = one?.parameters['next'] ?? null;
  t.is(typeof next, 'string');
  const [two] = await readExactReplies(path, { method, parameters: { after: next } });
  t.deepEqual([one?.parameters, two?.parameters], [streamed[0]?.parameters, streamed[1]?.parameters]);
});

test.serial('S15: a password login is answered while root lists', async (t) => {
  const walk = { goesOn: true };
  const list = sandbox
    .exec(['sc_auth', 'enforce', 'plan', '--json'], { timeoutMs: LIST_MS })
    .finally(() => (walk.goesOn = false));
  let answered = 0;
  while (walk.goesOn) {
    const asked = await sandbox.exec(['pamtester', 'scauth-test', sandbox.user, 'authenticate']);
    t.not(asked.code, 0, 'no card is in');
    answered += 1;
    await pause(100);
  }
  const { stdout } = await list;
  const { accounts, shutOut } = JSON.parse(stdout) as { accounts: { user: string }[]; shutOut: string[] };
  t.true(answered > 0);
  // The exempt are kept in by their exemption; who has none and no card login is shut out.
  t.is(accounts.filter(({ user }) => user.startsWith('p0')).length, USERS);
  t.false(shutOut.includes(nameOf(0)));
});

test.serial(
  'S15: a list of 1,000 is paired while password logins are answered; a second run changes nothing',
  async (t) => {
    const rows = Array.from({ length: 1000 }, (_, at) => {
      const hash = createHash('sha1').update(`row ${at}`).digest('hex');
      return `${nameOf(at)},${hash}`;
    });
    const pairList = (...args: string[]) =>
      sandbox.exec(['sc_auth', 'pair', '--from', '-', '--json', ...args], {
        input: rows.join('\r\n'),
        timeoutMs: LIST_MS,
      });
    const dry = await pairList('--dry-run');
    t.like(JSON.parse(dry.stdout), { paired: 0, wouldPair: rows.length, refused: 0 });
    const walk = { goesOn: true };
    const run = pairList().finally(() => (walk.goesOn = false));
    let answered = 0;
    while (walk.goesOn) {
      const asked = await sandbox.exec(['pamtester', 'scauth-test', sandbox.user, 'authenticate']);
      t.not(asked.code, 0, 'no card is in');
      answered += 1;
      await pause(100);
    }
    const { code, stdout } = await run;
    t.is(code, 0);
    t.like(JSON.parse(stdout), { paired: rows.length, already: 0, refused: 0 });
    t.true(answered > 0);
    const again = await pairList();
    t.is(again.code, 6);
    t.like(JSON.parse(again.stdout), { paired: 0, already: rows.length, refused: 0 });
  },
);

test.serial('S15: enforce status has all exemptions, and doctor comes to an end', async (t) => {
  const status = await sandbox.exec(['sc_auth', 'enforce', 'status', '--json'], { timeoutMs: LIST_MS });
  const { exemptions, state } = JSON.parse(status.stdout) as { exemptions: unknown[]; state: string };
  t.is(exemptions.length, 10_000);
  t.is(state, 'off');
  const doctor = await sandbox.exec(['sc_auth', 'doctor', '--json'], { timeoutMs: LIST_MS });
  const { checks } = JSON.parse(doctor.stdout) as { checks: { name: string }[] };
  t.true(checks.some(({ name }) => name === 'scauthd'));
});
