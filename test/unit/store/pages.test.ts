// Lists of the tables by key: each page begins where the one before ended, whatever is added or removed in between.

import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { rowsBehind } from '../../../agent/base/slices.ts';
import { algorithmOfSpki } from '../../../agent/model/key/key.ts';
import { parseUsername } from '../../../agent/model/request.ts';
import { SqliteEnforcement } from '../../../agent/store/sqlite-enforcement.ts';
import { SqlitePairingTable } from '../../../agent/store/sqlite-pairings.ts';
import { StateDatabase } from '../../../agent/store/state-database.ts';
import { temporaryFolder } from '../base/folders.ts';
import { makeSigner } from '../model/signer.ts';
import { fillTable, nameOf } from './fill.ts';

function filled(t: ExecutionContext) {
  const path = join(temporaryFolder(t), 'scauth.db');
  fillTable(path, { users: 100, each: 3, exemptions: 150 });
  const state = new StateDatabase(path);
  return { table: new SqlitePairingTable(state), enforced: new SqliteEnforcement(state) };
}

test('S15: pages of any length are the whole table, each row once, with the key named', (t) => {
  const { table } = filled(t);
  const all = table.page(null, 1000);
  t.is(all.length, 300);
  t.true(all.every(({ key }) => key?.algorithm === 'p256' && key.sha256.length === 64));
  for (const count of [1, 7, 64, 299, 300]) {
    const walked: string[] = [];
    for (let page = table.page(null, count); page.length > 0; page = table.page(page.at(-1) ?? null, count))
      walked.push(...page.map(({ user, pkhh }) => `${user} ${pkhh}`));
    t.deepEqual(
      walked,
      all.map(({ user, pkhh }) => `${user} ${pkhh}`),
    );
  }
  const own = table.page(null, 2, parseUsername(nameOf(7)));
  t.deepEqual([...own, ...table.page(own.at(-1) ?? null, 2, parseUsername(nameOf(7)))], all.slice(21, 24));
});

test('S15: what is removed or added between two pages moves no other row', (t) => {
  const { table } = filled(t);
  const [first, second] = [table.page(null, 30), table.page(null, 60).slice(30)];
  for (const { user } of first) table.remove(user, null);
  t.deepEqual(table.page(first.at(-1) ?? null, 30), second);
});

test('S15: users and exemptions by name; the last card login; an empty table', (t) => {
  const { table, enforced } = filled(t);
  const users = [...rowsBehind(null, table.userPage.bind(table), (user) => user)].map(({ one }) => one);
  t.deepEqual(users, [...Array(100).keys()].map(nameOf).map(parseUsername));
  const exempt = [...rowsBehind(null, enforced.exemptionPage.bind(enforced), ({ user }) => user)];
  t.is(exempt.length, 150);
  t.is(enforced.exemptionOf(parseUsername(nameOf(149)))?.user, parseUsername(nameOf(149)));
  t.is(enforced.exemptionOf(parseUsername('nobody')), null);
  const { user, pkhh } = table.page(null, 1)[0] ?? t.fail();
  for (const atMs of [5, 9, 7])
    enforced.noteCardLogin({ user: parseUsername(nameOf(atMs)), pkhh, mapped: false, atMs });
  t.is(enforced.lastCardLogin(6)?.atMs, 9);
  t.is(enforced.lastCardLogin(10), null);
  t.false(table.isEmpty());
  for (const one of users) table.remove(one, null);
  t.true(table.isEmpty());
  t.is(user, parseUsername(nameOf(0)));
});

test('S15: what kind a key is, read off its bytes', (t) => {
  for (const kind of ['p256', 'p384', 'ed25519', 'rsa2048', 'rsa3072', 'rsa4096'] as const)
    t.is(algorithmOfSpki(makeSigner(kind).publicKey.spki), kind);
  t.is(algorithmOfSpki(Buffer.from('3000', 'hex')), null);
});
