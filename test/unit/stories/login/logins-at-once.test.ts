// Places for logins count by who asks: nobody takes those of the account that they ask for.

import test from 'ava';
import { LoginLimit } from '../../../../agent/stories/login/logins-at-once.ts';
import { parseUsername, SYSTEM } from '../../../../agent/model/request.ts';

const ada = parseUsername('ada');
const bob = parseUsername('bob');
const peer = (uid: number, owner: string) => ({ pid: 1, uid, gid: uid, owner });
const takeAll = (limit: LoginLimit, ...asked: Parameters<LoginLimit['take']>): (() => void)[] =>
  Array.from({ length: 100 }, () => limit.take(...asked)).filter((one) => one !== null);

test('S1: who starts su for somebody else takes no place of theirs', (t) => {
  const limit = new LoginLimit();
  t.is(takeAll(limit, ada, peer(0, 'login of 1001')).length, 8);
  t.is(limit.take(bob, peer(0, 'login of 1001')), null);
  t.not(limit.take(ada, peer(0, SYSTEM)), null);
  t.not(limit.take(ada, peer(0, 'login of 1000')), null);
});

test('S1: those who ask for themselves take no place of what root’s programs ask for', (t) => {
  const limit = new LoginLimit();
  const taken = Array.from(
    { length: 17 },
    (_, n) => takeAll(limit, ada, peer(1000 + n, `uid ${1000 + n}`)).length,
  );
  t.is(Math.max(...taken), 8);
  t.is(
    taken.reduce((a, b) => a + b),
    48,
  );
  t.not(limit.take(bob, peer(0, SYSTEM)), null);
});

test('the system’s own programs have eight an account, and a place that is given back is free', (t) => {
  const limit = new LoginLimit();
  const [first] = takeAll(limit, ada, peer(0, SYSTEM));
  t.is(limit.take(ada, peer(0, SYSTEM)), null);
  t.not(limit.take(bob, peer(0, SYSTEM)), null);
  first?.();
  t.not(limit.take(ada, peer(0, SYSTEM)), null);
});
