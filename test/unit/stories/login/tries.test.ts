// S4, S9: whose yes counts, and for how many tries. A card whose counter moves while somebody is asked.
import test from 'ava';
import { AgentError, asAgentError } from '../../../../agent/base/errors.ts';
import { Pin } from '../../../../agent/base/pin.ts';
import { changeCardPin } from '../../../../agent/stories/pin/change-pin.ts';
import { askNewPin } from '../../../../agent/stories/card/ask-pin/ask-new-pin.ts';
import { TryConsent } from '../../../../agent/stories/card/ask-pin/last-try.ts';
import { verifyCardPin } from '../../../../agent/stories/pin/verify-pin.ts';
import { maySpendLast } from '../../../../agent/stories/card/ask-pin/whose-tries.ts';
import { NEW_PIN_NO_DIGITS } from '../../../../agent/words/login.ts';
import { consentPrompt } from '../../../../agent/words/pin-tries.ts';
import type { PinState } from '../../../../agent/model/card/token.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import {
  accounts,
  alice,
  bob,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noTrust,
  pairing,
  PIN,
  tokensOf,
  type Answer,
} from '../../../kit/story/fakes.ts';
import { attacker, pairedTable, runLogin, victim } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';

const left = (triesLeft: number | null, wrong?: number): PinState => ({
  triesLeft,
  triesTotal: null,
  ...(wrong !== undefined && { wrong }),
});

/** A consent in which the card's state at each sending is `states`, one after the other. */
async function send(
  states: readonly PinState[],
  answers: readonly Answer[],
  policy = defaultPolicy,
): Promise<{ result: string; sent: number; asked: readonly string[] }> {
  const person = new FakePerson(answers);
  const consent = new TryConsent({
    ...{ person, policy: () => policy, secret: 'PIN', mine: () => Promise.resolve(true) },
    question: (now) => consentPrompt(now, 'stop'),
  });
  let sent = 0;
  let at = 0;
  const result = await consent
    .send(new Pin(Buffer.from(PIN)), async ({ pin, permit }) => {
      await Promise.resolve();
      permit(states[at++] ?? left(3));
      if (pin?.peek((bytes) => bytes.toString()) === PIN) sent += 1;
    })
    .then(
      () => 'sent',
      (error: unknown) => asAgentError(error).code,
    );
  if (person.unused > 0) throw new Error('answers are left');
  return { result, sent, asked: person.asked.map(({ text }) => text) };
}

test.serial(
  'S4: a yes is for a count: fewer tries by the time of sending, and it is asked anew',
  async (t) => {
    const two = policyWith({ login: { tryReserve: 2 } });
    t.deepEqual((await send([left(2), left(1), left(1)], ['yes', 'yes'], two)).asked, [
      "Only 2 tries left before the card's PIN is blocked. Type yes to use it, or press Enter to stop: ",
      "Only 1 try left before the card's PIN is blocked. Type yes to use it, or press Enter to stop: ",
    ]);
    t.like(await send([left(2), left(1)], ['yes', 'no'], two), { result: 'pin-reserve', sent: 0 });
    t.like(await send([left(1), left(1)], ['yes']), { result: 'sent', sent: 1 });
    t.like(await send([left(1), left(3)], ['yes']), { result: 'sent', sent: 1 });
    t.like(await send([left(1), left(0)], ['yes']), { result: 'pin-blocked', sent: 0 });
    t.like(await send([left(1)], [null]), { result: 'cancelled', sent: 0 });
  },
);

test.serial("S4: somebody else's wrong PIN between the yes and the sending takes the yes away", async (t) => {
  t.like(await send([left(null, 2), left(null, 3), left(null, 3)], ['yes', 'yes']), {
    result: 'sent',
    sent: 1,
  });
  t.like(await send([left(1, 2), left(1, 3)], ['yes', '']), { result: 'pin-reserve', sent: 0 });
});

test.serial('S4: a driver that for ever finds fewer tries is not followed for ever', async (t) => {
  const states = Array.from({ length: 9 }, (_, n) => left(null, n + 2));
  t.like(await send(states, ['yes', 'yes', 'yes', 'yes']), { result: 'pin-reserve', sent: 0 });
});

test.serial('K8: a card that does not count: the third after two wrong ones needs a yes', async (t) => {
  t.like(await send([left(null, 1)], []), { result: 'sent' });
  const { asked } = await send([left(null, 2), left(null, 2)], ['yes']);
  t.regex(asked[0] ?? '', /^After 2 failed entries the next try may be the last/);
  t.like(await send([left(null, 5)], [], policyWith({ login: { tryReserve: 0 } })), { result: 'sent' });
});

test.serial('S4: tries that went while the person typed: the login asks with the PIN in hand', async (t) => {
  for (const [answer, outcome, sent] of [
    ['yes', 'granted', [PIN]],
    ['', 'denied pin-reserve', []],
  ] as const) {
    const token: FakeToken = new FakeToken(victim, { pinState: () => Promise.resolve(left(3)) });
    const typed = (): string => {
      token.triesLeft = 1;
      return PIN;
    };
    const seen = await runLogin(t, { tokens: [token], answers: [typed, answer] });
    t.is(seen.outcome, outcome);
    t.deepEqual(token.sent, sent);
    t.like(seen.asked, { 1: consentPrompt(left(1), 'password') });
  }
});

/** Whether `uid` gets as far as the question. */
async function verifyAs(uid: number, table: FakePairings, story = verifyCardPin): Promise<string> {
  const token = new FakeToken(victim, { triesLeft: 1 });
  const parts = {
    ...{ policy: () => defaultPolicy, pairings: table, tokens: tokensOf(token), audit: new FakeAudit() },
    ...{ accounts, trust: noTrust },
  };
  const person = new FakePerson(['yes', PIN]);
  return story(null, { peer: { pid: 7, uid, gid: uid }, person, parts }).then(
    () => 'sent',
    (error: unknown) => asAgentError(error).code,
  );
}

test.serial(
  "S9: the last try of a card is its owner's, root's, or anybody's where nobody has paired it",
  async (t) => {
    const none = new FakePairings();
    t.is(await verifyAs(bob.uid, pairedTable()), 'pin-not-yours');
    t.is(await verifyAs(4711, pairedTable()), 'pin-not-yours', 'no account');
    t.is(await verifyAs(alice.uid, pairedTable()), 'sent');
    t.is(await verifyAs(0, pairedTable()), 'sent');
    t.is(await verifyAs(bob.uid, none), 'sent');
    const both = pairedTable();
    both.rows.push(pairing(bob.name, victim.publicKey));
    t.is(await verifyAs(bob.uid, both), 'sent');
    const other = new FakePairings();
    other.rows.push(pairing(bob.name, attacker.publicKey));
    t.is(await verifyAs(alice.uid, other), 'sent', "a pairing of another card is none of this card's");
    const broken = pairedTable();
    broken.broken = true;
    t.not(await verifyAs(bob.uid, broken), 'sent', 'whose it is cannot be read');
  },
);

test.serial('S9: the same for a new PIN', async (t) => {
  class PinToken extends FakeToken {
    changePin(): Promise<void> {
      return Promise.reject(new AgentError('internal', { detail: 'reached' }));
    }
  }
  const token = new PinToken(victim, { triesLeft: 1 });
  const parts = {
    ...{
      policy: () => defaultPolicy,
      pairings: pairedTable(),
      tokens: tokensOf(token),
      audit: new FakeAudit(),
    },
    ...{ accounts, trust: noTrust },
  };
  const peer = { pid: 7, uid: bob.uid, gid: 1 };
  await t.throwsAsync(changeCardPin({ id: null, user: null }, { peer, person: new FakePerson([]), parts }), {
    code: 'pin-not-yours',
  });
});

test.serial('S9: a PIN with tries to spare is asked for as ever', async (t) => {
  const token = new FakeToken(victim);
  const parts = { policy: () => defaultPolicy, pairings: pairedTable(), accounts, trust: noTrust };
  t.false(await maySpendLast(token, bob.uid, parts));
  const { outcome } = await runLogin(t, {
    tokens: [token],
    answers: [PIN],
    parts: { loginUidOf: () => bob.uid },
  });
  t.is(outcome, 'granted');
});

test.serial("S9: `su alice` by bob does not spend the last try of alice's card", async (t) => {
  for (const [loginUid, answers, outcome] of [
    [bob.uid, [], 'denied pin-reserve'],
    [alice.uid, ['yes', PIN], 'granted'],
    [0, ['yes', PIN], 'granted'],
    [null, ['yes', PIN], 'granted'],
  ] as const) {
    const token = new FakeToken(victim, { triesLeft: 1 });
    const parts = { loginUidOf: () => loginUid };
    const seen = await runLogin(t, { tokens: [token], answers, parts });
    t.is(seen.outcome, outcome, String(loginUid));
  }
  // A relay that is not root's speaks for itself.
  const token = new FakeToken(victim, { triesLeft: 1 });
  const request = { peer: { pid: 7, uid: alice.uid, gid: 1 } };
  const parts = { loginUidOf: () => bob.uid };
  t.is((await runLogin(t, { tokens: [token], answers: ['yes', PIN], parts, request })).outcome, 'granted');
});

test.serial(
  'U38: with login.pin_digits a letter makes it the password, whatever the card takes',
  async (t) => {
    const anything = { acceptsPin: ({ length }: Pin) => length >= 6 && length <= 8 };
    for (const pinDigits of [false, true]) {
      const token = new FakeToken(victim, anything);
      const seen = await runLogin(t, {
        ...{ tokens: [token], answers: ['hunter22'] },
        policy: () => policyWith({ login: { pinDigits } }),
      });
      t.is(seen.outcome, pinDigits ? 'unavailable password-instead' : 'denied wrong-pin');
      t.is(seen.password, pinDigits ? 'hunter22' : null);
      t.is(token.sent.length, pinDigits ? 0 : 1);
    }
  },
);

test('U38: with login.pin_digits nobody sets a PIN that opens nothing here', async (t) => {
  const policy = policyWith({ login: { pinDigits: true } });
  const person = new FakePerson(['letters1', '48151623', '48151623']);
  const next = await askNewPin(person, { acceptsPin: () => true }, policy, 'Ada', null);
  t.true(next.isDigits);
  next.wipe();
  t.deepEqual(person.told, [NEW_PIN_NO_DIGITS]);
});
