// sc_auth verifypin: the right card, the tries, the log; no PIN is spent or kept without need.

import test, { type ExecutionContext } from 'ava';
import { AgentError, type AgentErrorCode } from '../../../../agent/base/errors.ts';
import { freeSecretSlots, secretBlock } from '../../../../agent/base/secret.ts';
import { verifyCardPin } from '../../../../agent/stories/pin/verify-pin.ts';
import { parseTokenId } from '../../../../agent/model/card/token.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import {
  accounts,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noTrust,
  PIN,
  tokensOf,
  type Answer,
} from '../../../kit/story/fakes.ts';
import { attacker, victim } from '../../../kit/story/run-login.ts';

const peer = { pid: 7, uid: 1000, gid: 1000 };

async function verify(
  t: ExecutionContext,
  tokens: FakeToken[],
  answers: readonly Answer[],
  id: string | null = null,
): Promise<{ result: string; audit: FakeAudit }> {
  const free = freeSecretSlots();
  const audit = new FakeAudit();
  const parts = {
    policy: () => defaultPolicy,
    pairings: new FakePairings(),
    tokens: tokensOf(...tokens),
    audit,
    accounts,
    trust: noTrust,
  };
  const person = new FakePerson(answers);
  const result = await verifyCardPin(id === null ? null : parseTokenId(id), { peer, person, parts }).then(
    (token): string => token.id,
    (error: unknown): AgentErrorCode => {
      if (error instanceof AgentError) return error.code;
      throw error;
    },
  );
  t.is(freeSecretSlots(), free);
  t.false(secretBlock().includes(PIN));
  t.is(person.unused, 0);
  return { result, audit };
}

test.serial('the right PIN, the wrong one and none', async (t) => {
  const good = await verify(t, [new FakeToken(victim)], [PIN]);
  t.is(good.result, 'org.scauth.fake:01');
  t.like(good.audit.events, [
    {
      kind: 'pin-checked',
      good: true,
      tokenId: 'org.scauth.fake:01',
      user: null,
      key: { pkhh: victim.publicKey.pkhh },
      actor: peer,
    },
  ]);
  const wrong = await verify(t, [new FakeToken(victim)], ['000000']);
  t.is(wrong.result, 'wrong-pin');
  t.like(wrong.audit.events, [{ kind: 'pin-checked', good: false }]);
  t.is((await verify(t, [new FakeToken(victim)], [null])).result, 'cancelled');
});

test.serial('L6, L24: empty, a password and too long are not sent', async (t) => {
  for (const [typed, code] of [
    ['', 'cancelled'],
    ['correct horse', 'pin-malformed'],
    ['123456789', 'pin-malformed'],
  ] as const) {
    const token = new FakeToken(victim);
    t.is((await verify(t, [token], [typed])).result, code);
    t.deepEqual(token.sent, []);
  }
});

test.serial('which card', async (t) => {
  const first = new FakeToken(victim);
  const second = new FakeToken(attacker, { id: 'x:2' });
  t.is((await verify(t, [], [])).result, 'no-card');
  t.is((await verify(t, [first, second], [])).result, 'invalid-argument');
  t.is((await verify(t, [first, second], [PIN], 'x:2')).result, 'x:2');
  t.deepEqual([first.sent, second.sent], [[], [PIN]]);
  t.is((await verify(t, [first], [], 'x:3')).result, 'no-card');
});

test.serial('the last try needs a yes; a blocked card is not asked', async (t) => {
  const last = new FakeToken(victim, { triesLeft: 1 });
  t.is((await verify(t, [last], ['no'])).result, 'pin-reserve');
  t.is((await verify(t, [last], ['yes', PIN])).result, 'org.scauth.fake:01');
  t.is((await verify(t, [new FakeToken(victim, { triesLeft: 0 })], [])).result, 'pin-blocked');
});
