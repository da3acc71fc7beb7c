// Accounts from the machine's own name service: found, not found, and names that could be an attack.

import test from 'ava';
import { parseUsername } from '../../../../agent/model/request.ts';
import { systemDirectory } from '../../../../agent/accounts/account-list.ts';
import { systemAccounts } from '../../../../agent/accounts/accounts.ts';

test('root by name and by uid', async (t) => {
  const root = { name: parseUsername('root'), uid: 0, fullName: 'root' };
  t.deepEqual(await systemAccounts.byName(root.name), root);
  t.deepEqual(await systemAccounts.byUid(0), root);
});

test('an account that is not there is null, not an error', async (t) => {
  t.is(await systemAccounts.byName(parseUsername('no-such-account-here')), null);
  t.is(await systemAccounts.byUid(3_999_999_999), null);
});

test('many lookups at once keep their answers apart', async (t) => {
  const names = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? 'root' : 'nobody'));
  const found = await Promise.all(names.map((name) => systemAccounts.byName(parseUsername(name))));
  t.deepEqual(
    found.map((account) => account?.name),
    names.map(parseUsername),
  );
});

test('M38: a group or an account that is not there is neither yes nor no', async (t) => {
  const [root, nobody] = [parseUsername('root'), parseUsername('nobody')];
  t.is(await systemDirectory.isMember(root, 'root'), true);
  t.is(await systemDirectory.isMember(nobody, 'root'), false);
  t.deepEqual(
    await Promise.all(
      [root, nobody, parseUsername('no-such-account-here')].map((one) => systemDirectory.isRoot(one)),
    ),
    [true, false, null],
  );
  t.is(await systemDirectory.isMember(root, 'no-such-group-here'), null);
  t.is(await systemDirectory.isMember(parseUsername('no-such-account-here'), 'root'), null);
});
