// signBook: the caller's paired card signs each item by one PIN; what is no item, another card or a wrong PIN signs nothing.

import test from 'ava';
import { freeSecretSlots } from '../../../../agent/base/secret.ts';
import { bookItem, isSignedItem, type BookSignature } from '../../../../agent/model/book/book.ts';
import { MAX_ITEMS, signBook } from '../../../../agent/stories/card/sign-book.ts';
import { SignedBooks } from '../../../../agent/socket/methods/signed-books.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePerson,
  FakeToken,
  noTrust,
  PIN,
  tokensOf,
} from '../../../kit/story/fakes.ts';
import { attacker, pairedTable, victim } from '../../../kit/story/run-login.ts';

const lines = ['a', 'b', 'c'].map((body) => ({ kind: 'record' as const, name: 'x', body, signatures: [] }));

async function sign(
  token: FakeToken,
  items: readonly string[],
  answers: readonly string[] = [PIN],
): Promise<{ signed: BookSignature[] | string; asked: number }> {
  const person = new FakePerson(answers);
  const free = freeSecretSlots();
  const parts = {
    ...{
      policy: () => defaultPolicy,
      pairings: pairedTable(),
      tokens: tokensOf(token),
      accounts,
      trust: noTrust,
    },
    audit: new FakeAudit(),
  };
  const signed = await signBook(alice.name, items, {
    peer: { pid: 1, uid: alice.uid, gid: 0 },
    person,
    parts,
  }).catch((error: unknown) => (error as { code: string }).code);
  if (freeSecretSlots() !== free) throw new Error('a secret is left');
  return { signed, asked: person.asked.length };
}

test.serial('each item has a signature of its own, by one PIN', async (t) => {
  const card = new FakeToken(victim);
  const { signed, asked } = await sign(card, lines.map(bookItem));
  if (typeof signed === 'string') return t.fail(signed);
  t.is(asked, 1);
  t.is(card.sent.length, 3);
  for (const [index, line] of lines.entries())
    for (const [other, signature] of signed.entries())
      t.is(isSignedItem(line, signature, victim.publicKey), index === other);
});

test.serial('no item, another card, a forged key, a wrong PIN: nothing', async (t) => {
  const items = lines.map(bookItem);
  for (const bad of [
    [],
    ['login x'],
    ['record short'],
    [`${items[0] ?? ''} `],
    Array<string>(MAX_ITEMS + 1).fill(items[0] ?? ''),
  ])
    t.is((await sign(new FakeToken(victim), bad)).signed, 'invalid-argument');
  t.is((await sign(new FakeToken(attacker), items)).signed, 'no-identity');
  t.is((await sign(new FakeToken(attacker, { claims: victim.publicKey }), items)).signed, 'bad-proof');
  const card = new FakeToken(victim);
  t.is((await sign(card, items, ['000000'])).signed, 'wrong-pin');
  t.is(card.sent.length, 1);
});

test('a ticket is for its account, for a minute, and few are kept', (t) => {
  let now = 0;
  const books = new SignedBooks({ nowMs: () => 0, monotonicMs: () => now });
  const ticket = books.keep(1000, []);
  t.deepEqual(books.of(ticket, 1000), []);
  t.is(books.of(ticket, 1001), null);
  t.is(books.of(ticket, 0), null);
  t.is(books.of('x', 1000), null);
  now = 61_000;
  t.is(books.of(ticket, 1000), null);
  const many = Array.from({ length: 12 }, () => books.keep(1000, []));
  t.true(many.filter((one) => books.of(one, 1000) !== null).length <= 8);
  books.forget(many.at(-1) ?? '');
  t.is(books.of(many.at(-1) ?? '', 1000), null);
});
