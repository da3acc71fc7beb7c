// S13: a login by a card whose PIN or PUK is the factory's: refused where nobody had looked at the card when it was paired, and
// said and recorded where it was paired before.
import test from 'ava';
import type { Pairing } from '../../../../agent/model/pairing.ts';
import { alice, FakePairings, FakeToken, pairing, PIN } from '../../../kit/story/fakes.ts';
import { runLogin, victim } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';
import { wireToken } from '../../../../agent/socket/methods/wire.ts';
import { requireOwnSecrets } from '../../../../agent/stories/card/gates/factory-secrets.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import type { CardOptions } from '../../../kit/card/profile.ts';
import { Readers } from '../../token/piv/readers.ts';

const factorySecrets = { pin: false, puk: true, managementKey: true };
const token = (): FakeToken => new FakeToken(victim, { factorySecrets });

function paired(tokenId: Pairing['tokenId']): FakePairings {
  const table = new FakePairings();
  table.rows.push({ ...pairing(alice.name, victim.publicKey), tokenId });
  return table;
}

test.serial('paired from a hash or a certificate: no PIN is asked for', async (t) => {
  const seen = await runLogin(t, { tokens: [token()], pairings: paired(null) });
  t.is(seen.outcome, 'denied factory-secrets');
  t.deepEqual(seen.asked, []);
  t.regex(seen.told.join(' '), /PUK of this card is still the factory's.*changepin --factory/);
  t.like(seen.events[0], { kind: 'login', rule: 'card.factory_secrets' });
});

test.serial('paired with the card: let in, told, and recorded', async (t) => {
  const seen = await runLogin(t, { tokens: [token()], pairings: paired(token().id), answers: [PIN] });
  t.is(seen.outcome, 'granted');
  t.regex(seen.told.join(' '), /^The PUK of this card is still the factory's/);
  t.like(seen.events[0], { kind: 'login', outcome: { kind: 'granted' } });
  t.regex(JSON.stringify(seen.events[0]), /PUK of this card is still the factory's/);
});

test.serial('"warn" lets in each of them, with the same words', async (t) => {
  const policy = policyWith({ card: { factorySecrets: 'warn' } });
  const seen = await runLogin(t, {
    ...{ tokens: [token()], pairings: paired(null) },
    policy: () => policy,
    answers: [PIN],
  });
  t.is(seen.outcome, 'granted');
  t.regex(seen.told.join(' '), /factory's/);
});

test.serial(
  'a card that does not tell: said when it is paired and in lists; one that has no PUK says nothing',
  async (t) => {
    const silent = { key: 'p256', firmware: 'none', atr: '3B8D018073C021C057736F66747061', pin: PIN };
    const told = async (options: CardOptions): Promise<readonly [string | null, readonly string[]]> => {
      const [card] = await (await Readers.with(options)).present();
      if (card === undefined) throw new Error('no card');
      return [await requireOwnSecrets(defaultPolicy, card), wireToken(card).notes];
    };
    const [warning, notes] = await told(silent);
    t.regex(warning ?? '', /does not tell whether its PUK is still the factory's/);
    t.true(notes.some((note) => note.includes("does not tell whether its PUK is the factory's")));
    const [none, own] = await told({ key: 'p256', pin: PIN, puk: '40717253' });
    t.is(none, null);
    t.false(own.some((note) => note.includes('PUK')));
    t.is(await requireOwnSecrets(defaultPolicy, new FakeToken(victim)), null);
  },
);
