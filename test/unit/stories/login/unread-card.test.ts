// K9: the card that a login misses is in, and cannot be read: said to its user, and to nobody who is elsewhere.
import test from 'ava';
import { NO_FLEET } from '../../../../agent/model/book/book-state.ts';
import { AgentError } from '../../../../agent/base/errors.ts';
import { explainLogin } from '../../../../agent/stories/explain/explain.ts';
import type { Token, TokenSource } from '../../../../agent/token/interface.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import { accounts, alice, FakeToken, noLogind, noTrust, PIN } from '../../../kit/story/fakes.ts';
import { attacker, pairedTable, runLogin, victim } from '../../../kit/story/run-login.ts';

const held = new AgentError('card-busy', { detail: 'another program has it' });
const sourceOf = (error: AgentError | null, ...tokens: Token[]): TokenSource => ({
  present: () => Promise.resolve(tokens),
  unread: () => error,
});

test.serial('K9: a held or mute card is why there is none, and the password follows', async (t) => {
  for (const [code, says] of [
    ['card-busy', /Another program is using the card/],
    ['card-timeout', /The card does not answer/],
  ] as const)
    for (const others of [[], [new FakeToken(attacker)]]) {
      const seen = await runLogin(t, { tokens: sourceOf(new AgentError(code), ...others) });
      t.is(seen.outcome, `unavailable ${code}`);
      t.regex(seen.told.join('\n'), says);
      t.deepEqual(seen.asked, []);
    }
});

test.serial('K9: the own card that is in logs in, whatever another reader holds', async (t) => {
  const seen = await runLogin(t, { tokens: sourceOf(held, new FakeToken(victim)), answers: [PIN] });
  t.is(seen.outcome, 'granted');
  t.deepEqual(seen.told, []);
});

test.serial('K9: who may be elsewhere is told of no card', async (t) => {
  for (const place of ['remote', 'unclear'] as const) {
    const sessions = { sessionOf: () => Promise.resolve({ place, session: null, detail: 'from afar' }) };
    const seen = await runLogin(t, { tokens: sourceOf(held), parts: { sessions } });
    t.is(seen.outcome, 'denied remote-not-allowed');
    t.deepEqual(seen.told, []);
  }
});

test.serial('K9: explain says the same, with what to do', async (t) => {
  const explained = async (...tokens: Token[]) =>
    (
      await explainLogin(
        { account: alice, service: 'sudo', rhost: null, inFull: true, peer: { pid: 7, uid: 0, gid: 0 } },
        {
          policy: () => defaultPolicy,
          pairings: pairedTable(),
          tokens: sourceOf(held, ...tokens),
          readers: {
            readers: () => [
              { name: 'Other', state: 'ready', atr: null, tokenId: null, error: null },
              { name: 'Reader', state: 'broken', atr: null, tokenId: null, error: held },
            ],
          },
          enforcement: () => Promise.resolve(null),
          fleet: () => NO_FLEET,
          sessions: noLogind,
          mayDriverServe: () => true,
          accounts,
          trust: noTrust,
        },
      )
    ).at(-1);
  for (const others of [[], [new FakeToken(attacker)]]) {
    const last = await explained(...others);
    t.like(last, { name: 'card', ok: false });
    t.regex(last?.detail ?? '', /^Another program is using the card \(card-busy: another program has it/);
    t.regex(last?.remedy ?? '', /^End the program that holds the card/);
  }
  t.is((await explained(new FakeToken(victim)))?.name, 'proof');
});
