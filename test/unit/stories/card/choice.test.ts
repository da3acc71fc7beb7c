// Several of a user's cards at once: which one is asked by number, the last used first; nobody's text at that question
// is ever sent to a card.

import test from 'ava';
import { pairOwnCard } from '../../../../agent/stories/pair/pair.ts';
import { parseUsername } from '../../../../agent/model/request.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import { makeSigner } from '../../model/signer.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noHelpDesk,
  noTrust,
  pairing,
  PIN,
  tokensOf,
} from '../../../kit/story/fakes.ts';
import { runLogin, victim } from '../../../kit/story/run-login.ts';

const second = makeSigner('p256');
const third = makeSigner('p256');
const signers = [victim, second, third];

/** Three cards, each with a pairing of alice's. */
function scene(count = 3): { tokens: FakeToken[]; pairings: FakePairings } {
  const pairings = new FakePairings();
  const tokens = signers.slice(0, count).map((signer, index) => {
    pairings.rows.push(pairing(alice.name, signer.publicKey));
    return new FakeToken(signer, {
      id: `org.scauth.fake:0${index + 1}`,
      label: `Card ${'ABC'[index] ?? ''}`,
    });
  });
  return { tokens, pairings };
}

const sentTo = (tokens: readonly FakeToken[]): string[] => tokens.map(({ sent }) => sent.join());

test.serial('one card of the user among those of others: no question', async (t) => {
  const { tokens, pairings } = scene(1);
  const strangers = [new FakeToken(second, { id: 'org.scauth.fake:08' }), ...tokens];
  const seen = await runLogin(t, { tokens: strangers, pairings, answers: [PIN] });
  t.is(seen.outcome, 'granted');
  t.deepEqual(seen.asked, ["Enter PIN for 'Card A': "]);
});

test.serial('several: numbered, one line each; the number chooses, the PIN goes there alone', async (t) => {
  const { tokens, pairings } = scene();
  const seen = await runLogin(t, { tokens, pairings, answers: ['2', PIN] });
  t.is(seen.outcome, 'granted');
  t.deepEqual(seen.asked, [
    'Which card?\n  1 Card A\n  2 Card B\n  3 Card C\nType a number, or press Enter for 1: ',
    "Enter PIN for 'Card B': ",
  ]);
  t.deepEqual(sentTo(tokens), ['', PIN, '']);
});

test.serial(
  'a lost card is not offered beside a good one, and is what is said where there is no other',
  async (t) => {
    const { tokens, pairings } = scene(2);
    const { pkhh } = victim.publicKey;
    pairings.lost.sayLost([{ kind: 'key', name: pkhh, serial: null, user: alice.name, by: 'root', atMs: 0 }]);
    const seen = await runLogin(t, { tokens, pairings, answers: [PIN] });
    t.is(seen.outcome, 'granted');
    t.deepEqual(seen.asked, ["Enter PIN for 'Card B': "]);
    t.deepEqual(sentTo(tokens), ['', PIN]);
    const alone = await runLogin(t, { tokens: tokens.slice(0, 1), pairings });
    t.is(alone.outcome, 'denied card-lost');
  },
);

test.serial('the last used is the first of the list, and Enter takes it', async (t) => {
  const { tokens, pairings } = scene();
  await runLogin(t, { tokens, pairings, answers: ['3', PIN] });
  await new Promise(setImmediate);
  t.deepEqual([...pairings.uses.values()], [42]);
  const seen = await runLogin(t, { tokens, pairings, answers: ['', PIN] });
  t.is(seen.outcome, 'granted');
  t.regex(seen.asked[0] ?? '', /1 Card C\n {2}2 Card A\n {2}3 Card B\n/);
  t.deepEqual(sentTo(tokens), ['', '', `${PIN},${PIN}`]);
});

test.serial('a refused login is no use', async (t) => {
  const { tokens, pairings } = scene();
  await runLogin(t, { tokens, pairings, answers: ['3', '000000'] });
  await new Promise(setImmediate);
  t.is(pairings.uses.size, 0);
});

test.serial('who has one pairing can never be asked: nothing is written', async (t) => {
  const { tokens, pairings } = scene(1);
  t.is((await runLogin(t, { tokens, pairings, answers: [PIN] })).outcome, 'granted');
  await new Promise(setImmediate);
  t.is(pairings.uses.size, 0);
});

test.serial('a use that cannot be written costs nobody the login', async (t) => {
  const { tokens, pairings } = scene();
  pairings.noteUse = () => {
    throw new Error('disk full');
  };
  const seen = await runLogin(t, { tokens, pairings, answers: ['', PIN] });
  await new Promise(setImmediate);
  t.is(seen.outcome, 'granted');
  t.regex(seen.log.join('\n'), /disk full/);
});

for (const [name, typed, password] of [
  ['the PIN', PIN, null],
  ['the account password', 'correct horse', 'correct horse'],
  ['a number that is not there', '4', null],
  ['zero', '0', null],
  ['512 bytes', 'x'.repeat(511), 'x'.repeat(511)],
] as const) {
  test.serial(`a locker that answers each prompt with ${name} burns no try`, async (t) => {
    const { tokens, pairings } = scene();
    const seen = await runLogin(t, { tokens, pairings, answers: [typed, typed], lenient: true });
    t.is(seen.outcome, 'unavailable password-instead');
    t.is(seen.asked.length, 1);
    t.deepEqual(sentTo(tokens), ['', '', '']);
    t.is(seen.password, password);
  });
}

for (const typed of ['', '1']) {
  test.serial(`a locker that answers each prompt with '${typed}' burns no try`, async (t) => {
    const { tokens, pairings } = scene();
    const seen = await runLogin(t, { tokens, pairings, answers: [typed, typed] });
    t.is(seen.outcome, 'unavailable password-instead');
    t.deepEqual(sentTo(tokens), ['', '', '']);
  });
}

test.serial('Ctrl-C at the choice', async (t) => {
  const { tokens, pairings } = scene();
  t.is((await runLogin(t, { tokens, pairings, answers: [null] })).outcome, 'cancelled');
});

test.serial('a key for signing documents is not offered, although its hash is paired', async (t) => {
  const { tokens, pairings } = scene(1);
  pairings.rows.push(pairing(alice.name, second.publicKey, null));
  const signing = new FakeToken(second, { id: 'org.scauth.fake:07', use: 'signature' });
  const seen = await runLogin(t, { tokens: [signing, ...tokens], pairings, answers: [PIN] });
  t.is(seen.outcome, 'granted');
  t.deepEqual(seen.asked, ["Enter PIN for 'Card A': "]);
  const alone = await runLogin(t, { tokens: [signing], pairings });
  t.is(alone.outcome, 'unavailable other-card');
  t.deepEqual(signing.sent, []);
});

test.serial('the same label twice: the readers tell them apart', async (t) => {
  const { pairings } = scene(2);
  const tokens = [victim, second].map(
    (signer, index) => new FakeToken(signer, { reader: `Reader ${index}\x1b[2J` }),
  );
  const seen = await runLogin(t, { tokens, pairings, answers: [null] });
  t.regex(seen.asked[0] ?? '', /1 Reader 0\?\[2J: Fake:Key \(alice\)\n {2}2 Reader 1\?\[2J: Fake/);
});

test.serial('many cards with long labels: nine of them, in 512 bytes, cut at characters', async (t) => {
  const pairings = new FakePairings();
  const tokens = Array.from({ length: 12 }, (_, index) => {
    const signer = makeSigner('p256');
    pairings.rows.push(pairing(alice.name, signer.publicKey));
    return new FakeToken(signer, { label: `${index} ${'é𝔸'.repeat(100)}` });
  });
  const [text = ''] = (await runLogin(t, { tokens, pairings, answers: [null] })).asked;
  t.true(Buffer.byteLength(text) <= 512);
  t.is(text.split('\n').length, 11);
  t.false(text.includes('\ufffd'));
});

test.serial('L22: a copy with another key does not stand in the way of the paired card', async (t) => {
  const { tokens, pairings } = scene(1);
  const claims = { ...second.publicKey, pkhh: victim.publicKey.pkhh };
  const forged = new FakeToken(second, { id: 'org.scauth.fake:06', claims });
  const seen = await runLogin(t, { tokens: [forged, ...tokens], pairings, answers: [PIN] });
  t.is(seen.outcome, 'granted');
  t.deepEqual(forged.sent, []);
  t.is((await runLogin(t, { tokens: [forged], pairings })).outcome, 'denied key-conflict');
});

test.serial('a signing key is refused at pairing, on whichever card', async (t) => {
  const token = new FakeToken(victim, { use: 'signature' });
  const parts = {
    policy: () => defaultPolicy,
    pairings: new FakePairings(),
    tokens: tokensOf(new FakeToken(second), token),
    trust: noTrust,
    helpDesk: noHelpDesk,
    audit: new FakeAudit(),
    clock: { nowMs: () => 42, monotonicMs: () => 0 },
    accounts,
    offerRider: () => null,
    checkPassword: () => Promise.reject(new Error('asked too early')),
  };
  const account = { name: parseUsername('alice'), uid: 1000 };
  const peer = { pid: 1, uid: 1000, gid: 1000 };
  const pairs = pairOwnCard(account, victim.publicKey.pkhh, { peer, person: new FakePerson([]), parts });
  await t.throwsAsync(pairs, { code: 'weak-key' });
});
