// Waiting for a card (login.wait): the card that comes, the one that is somebody else's, Enter, the time, and who is
// not kept waiting at all.

import test from 'ava';
import { alice, ChangingTokens, FakePairings, FakeToken, PIN } from '../../../kit/story/fakes.ts';
import { attacker, runLogin, victim } from '../../../kit/story/run-login.ts';

const TEXT = 'Insert your card, or press Enter for your password. / Insert your card.';
const LONG = { login: { wait: 600 } };

for (const user of [alice.name, null]) {
  const name = user === null ? 'no user named' : 'a user named';
  test.serial(`${name}: a card of theirs goes in while it is waited for: the PIN is asked for`, async (t) => {
    const tokens = new ChangingTokens();
    const seen = await runLogin(t, {
      tokens,
      policy: LONG,
      request: { user, service: 'login' },
      answers: [PIN],
      onHold: () => {
        // Somebody else's first: it is no help.
        tokens.set(new FakeToken(attacker));
        setImmediate(() => {
          tokens.set(new FakeToken(victim));
        });
      },
    });
    t.is(seen.outcome, 'granted');
    t.deepEqual(seen.held, [TEXT]);
    t.is(tokens.listeners.size, 0);
  });

  test.serial(`${name}: Enter goes on to the password`, async (t) => {
    const tokens = new ChangingTokens(new FakeToken(attacker));
    const seen = await runLogin(t, {
      tokens,
      policy: LONG,
      request: { user, service: 'login' },
      onHold: (person) => {
        person.skip.abort();
      },
    });
    t.is(seen.outcome, user === null ? 'unavailable no-user' : 'unavailable other-card');
    t.deepEqual([seen.held, seen.asked, seen.told], [[TEXT], [], []]);
    t.is(tokens.listeners.size, 0);
  });

  test.serial(`${name}: when the time is over the password has its turn`, async (t) => {
    const request = { user, service: 'login' };
    const seen = await runLogin(t, {
      tokens: new ChangingTokens(),
      policy: { login: { wait: 0.02 } },
      request,
    });
    t.is(seen.outcome, user === null ? 'unavailable no-user' : 'unavailable no-card');
    t.deepEqual(seen.held, [TEXT]);
  });
}

test.serial(
  'nobody is kept waiting: card in, no pairing, a locker of prompts alone, no wait set',
  async (t) => {
    const nobody = new FakePairings();
    for (const [outcome, scene] of [
      ['granted', { tokens: new ChangingTokens(new FakeToken(victim)), answers: [PIN], policy: LONG }],
      ['unavailable no-pairing', { tokens: new ChangingTokens(), pairings: nobody, policy: LONG }],
      [
        'unavailable no-user',
        { tokens: new ChangingTokens(), pairings: nobody, policy: LONG, request: { user: null } },
      ],
      ['unavailable no-card', { tokens: new ChangingTokens(), policy: LONG, request: { service: 'i3lock' } }],
      ['unavailable no-card', { tokens: new ChangingTokens() }],
      [
        'denied remote-not-allowed',
        { tokens: new ChangingTokens(), policy: LONG, request: { rhost: 'far' } },
      ],
    ] as const) {
      const seen = await runLogin(t, scene);
      t.is(seen.outcome, outcome);
      t.deepEqual(seen.held, [], outcome);
    }
  },
);

test.serial('the reader service ends while a card is waited for: the password has its turn', async (t) => {
  const tokens = new ChangingTokens();
  const seen = await runLogin(t, {
    tokens,
    policy: LONG,
    onHold: () => {
      tokens.present = () => Promise.reject(new Error('gone'));
      tokens.set();
    },
  });
  t.is(seen.outcome, 'unavailable internal');
  t.is(tokens.listeners.size, 0);
});
