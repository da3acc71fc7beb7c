// The list of accounts is told as it is read: who asks for the first does not wait for the last, and a list that cannot be read
// to its end never looks like one that can.

import test from 'ava';
import { AgentError } from '../../../../agent/base/errors.ts';
import type { Account } from '../../../../agent/model/account.ts';
import { parseUsername } from '../../../../agent/model/request.ts';
import {
  plannedAccounts,
  type AccountParts,
} from '../../../../agent/stories/enforcement/planned-accounts.ts';

function account(name: string): Account {
  return { name: parseUsername(name), uid: 1000 };
}

/** Nobody is paired or exempt. */
function partsWith(people: AccountParts['directory']['people']): AccountParts {
  return {
    directory: { people, isMember: () => Promise.resolve(null), isRoot: () => Promise.resolve(null) },
    pairings: { userPage: () => [] } as unknown as AccountParts['pairings'],
    enforced: { exemptionPage: () => [] } as unknown as AccountParts['enforced'],
    accounts: { byName: () => Promise.resolve(null), byUid: () => Promise.resolve(null) },
  };
}

async function rest(accounts: AsyncGenerator<{ readonly one: Account | null }>): Promise<string[]> {
  const names: string[] = [];
  for await (const { one } of accounts) names.push(one?.name ?? 'nobody');
  return names;
}

test('the first account comes while the others are read; each comes once, and a later page goes on in the list', async (t) => {
  const read = Promise.withResolvers<Account[]>();
  let tell: (one: Account) => void = () => undefined;
  const parts = partsWith((each = () => undefined) => {
    tell = each;
    each(account('ada'));
    return read.promise;
  });
  const accounts = plannedAccounts(parts);
  t.like(await accounts.next(), { value: { one: account('ada'), place: 'people 1' } });
  const [second, page] = [accounts.next(), plannedAccounts(parts, 'people 1').next()];
  tell(account('bob'));
  t.like(await second, { value: { one: account('bob'), place: 'people 2' } });
  t.like(await page, { value: { one: account('bob'), place: 'people 2' } });
  const others = rest(accounts);
  read.resolve([account('ada'), account('bob'), account('carol')]);
  t.deepEqual(await others, ['carol']);
});

test('a list that breaks off is a failure for whoever goes through it', async (t) => {
  const broken = new AgentError('internal', { detail: 'the directory is gone' });
  const parts = partsWith((each = () => undefined) => {
    each(account('ada'));
    return Promise.reject(broken);
  });
  const accounts = plannedAccounts(parts);
  await accounts.next();
  t.is(await t.throwsAsync(rest(accounts)), broken);
});

test('whoever comes while a list is read joins it; whole or broken off, the next one reads anew', async (t) => {
  const readings: PromiseWithResolvers<Account[]>[] = [];
  const parts = partsWith((each = () => undefined) => {
    each(account('ada'));
    const reading = Promise.withResolvers<Account[]>();
    readings.push(reading);
    return reading.promise;
  });
  // Somebody who has seen the first and goes, again and again.
  for (let time = 0; time < 3; time += 1) await plannedAccounts(parts).next();
  t.is(readings.length, 1);
  readings[0]?.resolve([account('ada')]);
  t.deepEqual(await rest(plannedAccounts(parts)), ['ada']);
  const again = plannedAccounts(parts);
  await again.next();
  t.is(readings.length, 2);
  readings[1]?.reject(new AgentError('internal', { detail: 'the directory is gone' }));
  await t.throwsAsync(rest(again));
  await plannedAccounts(parts).next();
  t.is(readings.length, 3);
});
