// Lock on removal by the story: only the card that opened this session, only for services that open one, the grace time
// and who else may end it, and what is recorded. Timers are mocked; logind is a fake that says what it was told.

import { mock } from 'node:test';
import test, { type ExecutionContext } from 'ava';
import { CardRemoval, type RemovalParts } from '../../../../agent/stories/removal/lock-on-removal.ts';
import { BACK_MS, SessionCards } from '../../../../agent/stories/removal/session-cards.ts';
import { Challenge } from '../../../../agent/model/challenge.ts';
import { grant, type AuthDecision } from '../../../../agent/model/decision.ts';
import { verifyProof } from '../../../../agent/model/proof.ts';
import type { AuthRequest } from '../../../../agent/model/request.ts';
import type { Policy } from '../../../../policy/policy.ts';
import { accounts, alice, FakeAudit, FakeToken, pairing, tokensOf } from '../../../kit/story/fakes.ts';
import { attacker, victim } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';

function granted(): AuthDecision {
  const challenge = Challenge.create({
    purpose: 'login',
    hostId: Buffer.alloc(16),
    user: alice.name,
    service: 'login',
  });
  const proof = verifyProof(challenge, victim.sign(challenge.message()), victim.publicKey);
  return grant(proof, pairing(alice.name, victim.publicKey));
}

const request = (service = 'i3lock'): AuthRequest => ({
  id: '1',
  phase: 'authenticate',
  service,
  user: alice.name,
  tty: null,
  rhost: null,
  ruser: null,
  flags: 0,
  peer: { pid: 1, uid: 1000, gid: 1000 },
});

function scene(t: ExecutionContext, removal: Partial<Policy['session']>, more: Partial<RemovalParts> = {}) {
  mock.timers.enable({ apis: ['setTimeout'] });
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  const sessionCards = new SessionCards(clock);
  const audit = new FakeAudit();
  const told: string[] = [];
  const log: string[] = [];
  const token = new FakeToken(victim);
  const answer = (what: string) => (session: string) => {
    told.push(`${what} ${session}`);
    return Promise.resolve(true);
  };
  const policy = policyWith({ session: removal });
  const story = new CardRemoval({
    policy: () => policy,
    accounts,
    tokens: tokensOf(token, new FakeToken(attacker, { id: 'org.scauth.fake:02' })),
    audit,
    clock,
    sessionCards,
    control: { lock: answer('lock'), terminate: answer('terminate') },
    sessionOf: () => () => Promise.resolve('7'),
    wakeSessions: () => told.push('wake'),
    log: (line) => log.push(line),
    ...more,
  });
  t.teardown(() => {
    story.close();
    mock.timers.reset();
  });
  return { story, token, told, audit, sessionCards, log };
}

/** A login from its beginning to its end. */
function note(story: CardRemoval, asked: AuthRequest, decision: AuthDecision): Promise<void> {
  return story.noteGrant(asked, decision, story.watchLogin(asked));
}

/** What was begun has come to its end: all of it is promises. */
const settled = (): Promise<void> => new Promise(setImmediate);

test.serial('the card that unlocked the session goes: logind locks it, and the log says so', async (t) => {
  const { story, token, told, audit, sessionCards } = scene(t, { removal: 'lock' });
  await note(story, request(), granted());
  story.cardOut(token, true);
  await settled();
  t.deepEqual(told, ['lock 7', 'wake']);
  t.like(audit.events, [
    { kind: 'session-locked', user: 'alice', session: '7', tokenId: token.id, cause: 'card-removed' },
  ]);
  t.like(sessionCards.removalsOf(alice), [{ action: 'lock', done: true, command: [] }]);
  // Whoever comes back by password is not locked out again by the same card.
  story.cardOut(token, true);
  await settled();
  t.is(told.length, 2);
});

test.serial('logout ends the session, and runs no lock command', async (t) => {
  const { story, token, told, sessionCards } = scene(t, { removal: 'logout', lockCommand: ['i3lock'] });
  await note(story, request('login'), granted());
  story.cardOut(token, true);
  await settled();
  t.deepEqual(told, ['terminate 7', 'wake']);
  t.like(sessionCards.removalsOf(alice), [{ action: 'logout', command: [] }]);
});

test.serial('K1: another card of the same id is taken out: nothing is locked', async (t) => {
  const { story, told } = scene(t, { removal: 'lock' });
  await note(story, request(), granted());
  story.cardOut(new FakeToken(attacker, { reader: 'Reader B' }), true);
  await settled();
  t.deepEqual(told, []);
});

test.serial('sudo opens no session; another card, and no card at all, lock nothing', async (t) => {
  const { story, token, told } = scene(t, { removal: 'lock' });
  await note(story, request('sudo'), granted());
  story.cardOut(token, true);
  await note(story, request('i3lock'), { kind: 'unavailable', reason: 'password-instead' });
  story.cardOut(token, true);
  await note(story, request('i3lock'), granted());
  story.cardOut(new FakeToken(attacker, { id: 'org.scauth.fake:02' }), true);
  await settled();
  t.deepEqual(told, []);
});

test.serial('action none does nothing, also when it is set within the grace time', async (t) => {
  const off = scene(t, {});
  await note(off.story, request(), granted());
  off.story.cardOut(off.token, true);
  await settled();
  t.deepEqual(off.told, []);
});

test.serial(
  'the same card within the grace time: nothing happens; later, or another key, it locks',
  async (t) => {
    const { story, token, told } = scene(t, { removal: 'lock', removalGrace: 5 });
    await note(story, request(), granted());
    story.cardOut(token, true);
    mock.timers.tick(4999);
    story.cardIn(token);
    mock.timers.tick(60_000);
    await settled();
    t.deepEqual(told, []);
    story.cardOut(token, true);
    // A card that only has the name of the first one.
    story.cardIn(new FakeToken(attacker));
    mock.timers.tick(5000);
    await settled();
    t.deepEqual(told, ['lock 7', 'wake']);
  },
);

test.serial('a driver that failed, or pcscd that was started again, has time to find the card', async (t) => {
  const { story, token, told } = scene(t, { removal: 'lock' });
  await note(story, request(), granted());
  story.cardOut(token, false);
  mock.timers.tick(BACK_MS - 1);
  await settled();
  t.deepEqual(told, []);
  story.cardIn(token);
  story.cardOut(token, false);
  mock.timers.tick(BACK_MS);
  await settled();
  t.deepEqual(told, ['lock 7', 'wake']);
});

test.serial(
  'without logind the session’s program runs the command; its claim is what is recorded',
  async (t) => {
    const { story, token, audit, sessionCards } = scene(
      t,
      { removal: 'lock', lockCommand: ['i3lock', '-n'] },
      { control: { lock: () => Promise.resolve(false), terminate: () => Promise.resolve(false) } },
    );
    await note(story, request(), granted());
    story.cardOut(token, true);
    await settled();
    t.is(audit.events.length, 0);
    const [removal] = sessionCards.removalsOf(alice);
    t.like(removal, { done: false, command: ['i3lock', '-n'] });
    const claimed = sessionCards.claim(alice.uid, removal?.number ?? 0);
    if (claimed !== null && 'action' in claimed) await story.taken(claimed);
    t.like(audit.events, [{ kind: 'session-locked', user: 'alice' }]);
  },
);

test.serial('a session that has its name only after the login is looked up when the card goes', async (t) => {
  let name: string | null = null;
  const { story, token, told } = scene(
    t,
    { removal: 'lock' },
    { sessionOf: () => () => Promise.resolve(name) },
  );
  await note(story, request('login'), granted());
  name = 'c4';
  story.cardOut(token, true);
  await settled();
  t.is(told[0], 'lock c4');
});

test.serial('a second unlock of the session by another card takes the first one’s place', async (t) => {
  const { story, token, told } = scene(t, { removal: 'lock' });
  await note(story, request(), granted());
  await note(story, request(), granted());
  story.cardOut(token, true);
  await settled();
  t.deepEqual(told, ['lock 7', 'wake']);
});

test.serial('logind that fails is said, and nothing is recorded as locked', async (t) => {
  const { story, token, audit, log } = scene(
    t,
    { removal: 'lock' },
    {
      control: {
        lock: () => Promise.reject(new Error('no answer')),
        terminate: () => Promise.resolve(false),
      },
    },
  );
  await note(story, request(), granted());
  story.cardOut(token, true);
  await settled();
  t.is(audit.events.length, 0);
  t.regex(log.join('\n'), /was not locked: .*no answer/);
});
