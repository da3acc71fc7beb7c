// Whose card the audit log names outside of a login.

import test from 'ava';
import { auditedCard } from '../../../../agent/stories/card/audited-card.ts';
import { alice, bob, FakePairings, FakeToken, pairing } from '../../../kit/story/fakes.ts';
import { attacker, victim } from '../../../kit/story/run-login.ts';

const tokenId = 'org.scauth.fake:01';
const { pkhh } = victim.publicKey;
const key = { pkhh, tokenId, certificateSerial: null, certificateIssuer: null };

test('the paired user and key; a card of nobody’s has its key alone', (t) => {
  const table = new FakePairings();
  t.deepEqual(auditedCard(new FakeToken(victim), table), { tokenId, user: null, key });
  table.rows.push(pairing(bob.name, attacker.publicKey), pairing(alice.name, victim.publicKey));
  t.deepEqual(auditedCard(new FakeToken(victim), table), { tokenId, user: alice.name, key });
});

test('a pairing of the hash with another key is nobody’s; neither is one in a table that cannot be read', (t) => {
  const table = new FakePairings();
  table.rows.push(pairing(alice.name, victim.publicKey, attacker.publicKey));
  t.is(auditedCard(new FakeToken(victim), table).user, null);
  table.rows = [pairing(alice.name, victim.publicKey)];
  table.broken = true;
  t.deepEqual(auditedCard(new FakeToken(victim), table), { tokenId, user: null, key });
});
