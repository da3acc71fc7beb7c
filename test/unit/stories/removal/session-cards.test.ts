// What a session's program is told of a card: what it is to this user, one number an insertion, one claim a user.

import test from 'ava';
import { cardStanding } from '../../../../agent/stories/card/card-standing.ts';
import { BACK_MS, SessionCards } from '../../../../agent/stories/removal/session-cards.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import { alice, bob, FakePairings, FakeToken, pairing } from '../../../kit/story/fakes.ts';
import { attacker, victim } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';

function clockAt(start = 1000) {
  let now = start;
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test('a card is nobody’s, one’s own or somebody else’s; whose is not said', (t) => {
  const token = new FakeToken(victim);
  const table = new FakePairings();
  const standing = (account = alice) => cardStanding(token, account, defaultPolicy, table);
  t.like(standing(), { kind: 'unpaired', identity: { publicKey: { pkhh: victim.publicKey.pkhh } } });
  table.add(pairing(bob.name, victim.publicKey));
  t.deepEqual(standing(), { kind: 'others' });
  t.deepEqual(standing(bob), { kind: 'own' });
  table.add(pairing(alice.name, victim.publicKey));
  t.deepEqual(standing(), { kind: 'own' });
});

test('another key with the hash of a pairing is not that pairing’s card', (t) => {
  const table = new FakePairings();
  table.rows.push({ ...pairing(bob.name, attacker.publicKey), pkhh: victim.publicKey.pkhh });
  t.is(cardStanding(new FakeToken(victim), alice, defaultPolicy, table).kind, 'unpaired');
});

test('a card that cannot be paired says why', (t) => {
  const table = new FakePairings();
  const why = (token: FakeToken, policy = defaultPolicy): string => {
    const standing = cardStanding(token, alice, policy, table);
    return standing.kind === 'unfit' ? standing.why : standing.kind;
  };
  t.regex(why(new FakeToken(victim, { use: 'signature' })), /signing documents/);
  t.regex(why(new FakeToken(victim), policyWith({ login: { minEcBits: 384 } })), /weaker/);
  t.regex(
    why(
      new FakeToken(victim, { reader: 'ACS ACR122U 00 00', atr: '3B8F8001804F0CA000000306030001000000006A' }),
    ),
    /contactless/,
  );
  table.add(pairing(alice.name, attacker.publicKey));
  t.regex(
    why(new FakeToken(victim), policyWith({ pairing: { oneCardPerUser: true } })),
    /Unpair that one first/,
  );
});

test('an insertion is claimed once by each user, and the next insertion is another one', (t) => {
  const cards = new SessionCards(clockAt());
  const token = new FakeToken(victim);
  cards.cardIn(token);
  const number = cards.cards[0]?.number ?? 0;
  t.like(cards.claim(1000, number), { token });
  t.is(cards.claim(1000, number), null);
  t.like(cards.claim(1001, number), { token });
  t.is(cards.claim(1000, number + 1), null);
  cards.cardOut(token, true);
  t.is(cards.claim(1002, number), null);
  cards.cardIn(token);
  t.not(cards.cards[0]?.number, number);
});

test('a card that is being set up is offered to nobody, whatever it is called by then; the next insertion is', (t) => {
  const cards = new SessionCards(clockAt());
  const bare = new FakeToken(victim, { id: 'x:serial' });
  cards.cardIn(bare);
  const claimed = (): (boolean | undefined)[] =>
    cards.cards.map(({ number }) => cards.isClaimed(1000, number));
  t.deepEqual(claimed(), [false]);
  const over = cards.atWork(bare.slot.reader);
  const twice = cards.atWork(bare.slot.reader);
  t.deepEqual(claimed(), [true], 'from the start');
  over();
  cards.cardOut(bare, false);
  const named = new FakeToken(victim, { id: 'x:guid' });
  cards.cardIn(named);
  t.deepEqual(claimed(), [true], 'read again');
  const other = new FakeToken(victim, { id: 'x:other', reader: 'Other Reader 00 00' });
  cards.cardIn(other);
  t.deepEqual(claimed(), [true, false], 'a card in another reader');
  twice();
  t.deepEqual(claimed(), [true, false], 'and when it is done');
  cards.cardOut(named, true);
  cards.cardIn(named);
  t.deepEqual(claimed(), [false, false]);
});

test('a card that its driver lost and found again was in all the time', (t) => {
  const clock = clockAt();
  const cards = new SessionCards(clock);
  const token = new FakeToken(victim);
  cards.cardIn(token);
  const number = cards.cards[0]?.number ?? 0;
  cards.claim(1000, number);
  cards.cardOut(token, false);
  t.is(cards.cards.length, 0);
  const again = new FakeToken(victim);
  cards.cardIn(again);
  t.true(cards.isClaimed(1000, number));
  t.is(cards.cards[0]?.number, number);
  cards.cardOut(again, false);
  clock.pass(BACK_MS);
  cards.cardIn(token);
  t.not(cards.cards[0]?.number, number);
});

test('K1: of two cards of one id that are back, each has the number that it had', (t) => {
  const cards = new SessionCards(clockAt());
  const readers = ['A', 'B'] as const;
  const inReader = (reader: string): FakeToken =>
    new FakeToken(reader === 'A' ? victim : attacker, { reader });
  const numbers = (): Record<string, number> =>
    Object.fromEntries(cards.cards.map(({ token, number }) => [token.slot.reader, number]));
  const tokens = readers.map(inReader);
  for (const token of tokens) cards.cardIn(token);
  const before = numbers();
  for (const token of tokens) cards.cardOut(token, false);
  for (const reader of readers) cards.cardIn(inReader(reader));
  t.deepEqual(numbers(), before);
});

test('a login counts while it is in course, and for a moment after', (t) => {
  const clock = clockAt();
  const cards = new SessionCards(clock);
  let told = 0;
  cards.onChange(() => (told += 1));
  const ends = [cards.loginBegins(alice.name), cards.loginBegins(alice.name)];
  ends[0]?.();
  clock.pass(60_000);
  t.true(cards.isLoggingIn(alice.name));
  t.false(cards.isLoggingIn(bob.name));
  ends[1]?.();
  t.true(cards.isLoggingIn(alice.name));
  clock.pass(60_000);
  t.false(cards.isLoggingIn(alice.name));
  t.is(told, 4);
});

test('a removal is one user’s, is kept for a while and is claimed once', (t) => {
  const clock = clockAt();
  const cards = new SessionCards(clock);
  const removal = {
    user: alice.name,
    tokenId: 'a:1',
    uid: 1000,
    session: '3',
    label: 'PIV',
    action: 'lock',
    done: true,
    command: [],
    cause: 'card-removed',
  } as const;
  const number = cards.removal(removal);
  t.like(cards.removalsOf(alice), [{ number, session: '3' }]);
  t.deepEqual(cards.removalsOf(bob), []);
  t.is(cards.claim(1001, number), null);
  t.like(cards.claim(1000, number), { action: 'lock' });
  t.is(cards.claim(1000, number), null);
  clock.pass(60_000);
  t.deepEqual(cards.removalsOf(alice), []);
});
