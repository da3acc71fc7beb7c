// L18 on the fakes: who may be elsewhere gets no prompt for the card in this machine, and is told nothing of it; the
// session is looked up only when it matters, and counts again after the PIN.

import test from 'ava';
import { NO_FLEET } from '../../../../agent/model/book/book-state.ts';
import { explainLogin } from '../../../../agent/stories/explain/explain.ts';
import type { SessionSource } from '../../../../agent/logind/interface.ts';
import type { SessionPlace, UserSession } from '../../../../agent/model/peer-session.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import {
  ChangingTokens,
  accounts,
  alice,
  FakeToken,
  noTrust,
  PIN,
  tokensOf,
} from '../../../kit/story/fakes.ts';
import { attacker, pairedTable, runLogin, victim } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';

const detail = 'Session 5 of alice, from 192.0.2.7';

function sessions(
  place: SessionPlace,
  session: UserSession | null = null,
): SessionSource & { asked: number } {
  return {
    asked: 0,
    sessionOf() {
      this.asked += 1;
      return Promise.resolve({ place, session, detail });
    },
  };
}

for (const place of ['remote', 'unclear'] as const) {
  test.serial(`L18: ${place}: no prompt, no word, no PIN to the card; the log says why`, async (t) => {
    const card = new FakeToken(victim);
    const seen = await runLogin(t, { tokens: [card], parts: { sessions: sessions(place) } });
    t.is(seen.outcome, 'denied remote-not-allowed');
    t.deepEqual([seen.asked, seen.told, card.sent], [[], [], []]);
    t.like(seen.events[0], { kind: 'login', rule: 'login.remote', detail });
  });

  test.serial(`L18: ${place}, and no user name yet: nobody is asked whose card it is`, async (t) => {
    const seen = await runLogin(t, {
      tokens: [new FakeToken(victim)],
      request: { user: null },
      parts: { sessions: sessions(place) },
    });
    t.is(seen.outcome, 'denied remote-not-allowed');
    t.deepEqual(seen.asked, []);
  });

  test.serial(`L18: ${place}: what the machine thinks of the card is not told either`, async (t) => {
    const seen = await runLogin(t, {
      tokens: [new FakeToken(victim, { reader: 'ACS ACR122U PICC Interface' })],
      parts: { sessions: sessions(place) },
    });
    t.is(seen.outcome, 'denied remote-not-allowed');
    t.deepEqual(seen.told, []);
  });
}

test.serial('local, none and unknown are asked for the PIN', async (t) => {
  for (const place of ['local', 'none', 'unknown'] as const) {
    const seen = await runLogin(t, {
      tokens: [new FakeToken(victim)],
      answers: [PIN],
      parts: { sessions: sessions(place) },
    });
    t.is(seen.outcome, 'granted', place);
  }
});

test.serial('a service that names a host serves the network, also where the host is this one', async (t) => {
  const tokens = [new FakeToken(victim)];
  const from = (place: SessionPlace) => ({
    tokens,
    request: { rhost: '127.0.0.1', service: 'sshd' },
    parts: { sessions: sessions(place) },
  });
  t.is((await runLogin(t, from('none'))).outcome, 'denied remote-not-allowed');
  t.is((await runLogin(t, { ...from('local'), answers: [PIN] })).outcome, 'granted');
});

test.serial('L18: who may be elsewhere is not kept waiting for a card, and is not told of one', async (t) => {
  for (const place of ['remote', 'unclear'] as const) {
    const seen = await runLogin(t, {
      tokens: new ChangingTokens(),
      policy: { login: { wait: 600 } },
      parts: { sessions: sessions(place) },
    });
    t.deepEqual([seen.held, seen.asked, seen.told], [[], [], []], place);
    t.true(seen.outcome.startsWith('unavailable'), seen.outcome);
  }
});

test.serial('login.remote = true: nobody asks for the session', async (t) => {
  const source = sessions('remote');
  const seen = await runLogin(t, {
    tokens: [new FakeToken(victim)],
    answers: [PIN],
    policy: { login: { remote: true } },
    parts: { sessions: source },
  });
  t.is(seen.outcome, 'granted');
  t.is(source.asked, 0);
});

test.serial(
  'nobody asks for the session of a user without a pairing, or for an empty reader’s card twice',
  async (t) => {
    const source = sessions('local');
    const pairings = pairedTable();
    pairings.rows = [];
    const none = await runLogin(t, {
      tokens: [new FakeToken(victim)],
      pairings,
      parts: { sessions: source },
    });
    t.is(none.outcome, 'unavailable no-pairing');
    t.is(source.asked, 0);
    await runLogin(t, { tokens: [new FakeToken(attacker)], parts: { sessions: source } });
    t.is(source.asked, 1);
  },
);

test.serial('L12: login.remote goes to false while the PIN is typed: the session counts then', async (t) => {
  let policy = policyWith({ login: { remote: true } });
  const seen = await runLogin(t, {
    tokens: [new FakeToken(victim)],
    answers: [
      () => {
        policy = defaultPolicy;
        return PIN;
      },
    ],
    policy: () => policy,
    parts: { sessions: sessions('remote') },
  });
  t.is(seen.outcome, 'denied changed-meanwhile');
});

test('explain stops at the session link where the login would', async (t) => {
  const card = new FakeToken(victim);
  const bobs = { uid: 1001, user: 'bob' } as UserSession;
  const link = async (place: SessionPlace, session: UserSession | null = null, peerUid = 0) => {
    const links = await explainLogin(
      { account: alice, service: 'sudo', rhost: null, inFull: true, peer: { pid: 7, uid: peerUid, gid: 0 } },
      {
        policy: () => defaultPolicy,
        pairings: pairedTable(),
        tokens: tokensOf(card),
        readers: { readers: () => [{ name: 'R', state: 'ready', atr: null, tokenId: null, error: null }] },
        accounts,
        trust: noTrust,
        sessions: sessions(place, session),
        enforcement: () => Promise.resolve(null),
        fleet: () => NO_FLEET,
        mayDriverServe: () => true,
      },
    );
    return links.find(({ name }) => name === 'session');
  };
  t.like(await link('local'), { ok: true, detail });
  for (const place of ['remote', 'unclear'] as const) {
    const found = await link(place, { ...bobs, uid: alice.uid });
    t.false(found?.ok);
    t.is(found?.detail, `${detail}. Only a session at this machine may use the card (login.remote)`);
    t.regex(found?.remedy ?? '', /at the machine itself/u);
  }
  // The administrator's own session says nothing of another account's.
  t.like(await link('remote', bobs), {
    ok: true,
    detail: 'Not looked at: this was asked from a session of bob, not of alice',
  });
});
