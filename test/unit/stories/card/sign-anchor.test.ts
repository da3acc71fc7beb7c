// signAnchor: only the paired card of the account signs, only scauthd's own last record, and what went wrong is recorded.

import test from 'ava';
import { freeSecretSlots } from '../../../../agent/base/secret.ts';
import { signAnchor, type SignAnchorParts } from '../../../../agent/stories/card/sign-anchor.ts';
import type { AuditEvent } from '../../../../agent/model/sealed-log/audit-event.ts';
import { signedAnchorsIn, signerOf } from '../../../../agent/model/sealed-log/signed-anchor.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import {
  accounts,
  noTrust,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  PIN,
  tokensOf,
} from '../../../kit/story/fakes.ts';
import { attacker, pairedTable, victim } from '../../../kit/story/run-login.ts';

const peer = { pid: 7, uid: 0, gid: 0 };
const last = { sequence: 41, seal: 'x'.repeat(43), timeMs: 1000 };

interface Scene {
  readonly token: FakeToken;
  readonly answers?: readonly string[];
  readonly more?: Partial<SignAnchorParts>;
}

async function sign({
  token,
  answers = [PIN],
  more = {},
}: Scene): Promise<{ text: string; events: readonly AuditEvent[] }> {
  const audit = new FakeAudit();
  const parts = {
    policy: () => defaultPolicy,
    pairings: pairedTable(),
    tokens: tokensOf(token),
    audit,
    accounts,
    trust: noTrust,
    anchors: { lastRecord: () => last },
    ...more,
  };
  const free = freeSecretSlots();
  const { text } = await signAnchor(alice.name, { peer, person: new FakePerson(answers), parts })
    .then(({ text }) => ({ text }))
    .catch((error: unknown) => ({ text: (error as { code: string }).code }));
  if (freeSecretSlots() !== free) throw new Error('a secret is left');
  return { text, events: audit.events };
}

test.serial(
  'the paired card signs the last record, for the account, and the log says that its PIN was right',
  async (t) => {
    const { text, events } = await sign({ token: new FakeToken(victim) });
    const [signed] = signedAnchorsIn(text);
    if (signed === undefined) return t.fail(text);
    t.deepEqual(signed.anchor, last);
    t.is(signerOf(signed)?.user, alice.name);
    t.true(signerOf(signed)?.key.spki.equals(victim.publicKey.spki));
    t.deepEqual(
      events.map((event) => [event.kind, 'good' in event ? event.good : null]),
      [['pin-checked', true]],
    );
  },
);

test.serial('another card, a forged key, a wrong PIN, no pairing, no record: no anchor', async (t) => {
  t.is((await sign({ token: new FakeToken(attacker) })).text, 'no-identity');
  const forged = await sign({ token: new FakeToken(attacker, { claims: victim.publicKey }) });
  t.is(forged.text, 'bad-proof');
  t.deepEqual(
    forged.events.map(({ kind }) => kind),
    ['card-suspect'],
  );
  const wrong = await sign({ token: new FakeToken(victim), answers: ['000000'] });
  t.is(wrong.text, 'wrong-pin');
  t.like(wrong.events[0], { kind: 'pin-checked', good: false });
  const none = { pairings: new FakePairings() };
  t.is((await sign({ token: new FakeToken(victim), more: none })).text, 'not-paired');
  const empty = { anchors: { lastRecord: () => null } };
  const card = new FakeToken(victim);
  t.is((await sign({ token: card, more: empty })).text, 'internal');
});
