// The gates before a PIN stand in one order, and the first refusal counts: who is elsewhere is told of no card, and a card
// that cannot be used is not judged further.
import test from 'ava';
import type { RequestPermit } from '../../../../agent/stories/login/permit-request.ts';
import { refusedAtGate } from '../../../../agent/stories/login/gates.ts';
import { defaultPolicy, type Policy } from '../../../../policy/policy.ts';
import { serialOf } from '../../../../agent/model/lost.ts';
import { alice, FakePairings, FakeToken, pairing } from '../../../kit/story/fakes.ts';
import { victim } from '../../../kit/story/run-login.ts';

/** The ATR that a reader makes up for a contactless card. */
const CONTACTLESS_ATR = '3b80800101';

const elsewhere = {
  withSession: () =>
    Promise.resolve({ permitted: false, reason: 'remote-not-allowed', rule: 'login.remote', where: 'ssh' }),
} as unknown as RequestPermit;
const here = {
  withSession: () => Promise.resolve({ permitted: true, where: null }),
} as unknown as RequestPermit;

/** Everything is wrong with it: contactless, without a certificate, without a key of its own, with the factory's secrets. */
const token = new FakeToken(victim, {
  atr: CONTACTLESS_ATR,
  factorySecrets: { pin: true, puk: true, managementKey: true },
});
const card = { token, identity: token.identity, pairing: pairing(alice.name, victim.publicKey) };
const trust = {
  findings: () => Promise.reject(new Error('no authority')),
  path: () => Promise.reject(new Error('no authority')),
  fields: () => Promise.reject(new Error('not asked')),
  attestation: () => Promise.reject(new Error('not asked')),
};

const strict: Policy = {
  ...defaultPolicy,
  login: { ...defaultPolicy.login, cardCheck: 'always' },
  trust: { ...defaultPolicy.trust, level: 1 },
};

const pairings = new FakePairings();

test('each gate refuses before those behind it', async (t) => {
  const contacts = { ...strict, reader: { ...strict.reader, contactless: true } };
  const untrusting = { ...contacts, trust: defaultPolicy.trust };
  const reasonOf = async (policy: Policy, permit: RequestPermit): Promise<string | null> =>
    (await refusedAtGate(card, policy, { permit, trust, pairings }))?.reason ?? null;
  const [lost] = pairings.lost.sayLost([
    { kind: 'card', name: serialOf(card.token.id), serial: null, user: null, by: 'root', atMs: 0 },
  ]);
  t.is(lost?.kind, 'card');
  t.is(await reasonOf(strict, elsewhere), 'remote-not-allowed');
  t.is(await reasonOf(strict, here), 'card-lost');
  pairings.lost.rows = [];
  t.is(await reasonOf(strict, here), 'contactless-not-allowed');
  t.is(await reasonOf(contacts, here), 'certificate-not-trusted');
  t.is(await reasonOf(untrusting, here), 'card-suspect');
  const lenient = { ...untrusting, login: defaultPolicy.login };
  t.is(await reasonOf(lenient, here), 'factory-secrets');
  t.is(await reasonOf({ ...lenient, card: { factorySecrets: 'warn' } }, here), null);
});
