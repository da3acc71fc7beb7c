// The login story: the granted path and each refusal, with what is asked, said, recorded and sent to the card.

import { readFileSync } from 'node:fs';
import test from 'ava';
import { AgentError, type AgentErrorCode } from '../../../../agent/base/errors.ts';
import { parseCertificateFile } from '../../../../agent/model/key/key.ts';
import type { Proof } from '../../../../agent/model/proof.ts';
import type { KeyUse } from '../../../../agent/model/card/token.ts';
import {
  alice,
  bob,
  FakeAudit,
  FakePairings,
  FakeToken,
  pairing,
  PIN,
  tokensOf,
} from '../../../kit/story/fakes.ts';
import { attacker, pairedTable, runLogin, victim } from '../../../kit/story/run-login.ts';

const WRONG = '000000';
const PEM = new URL('../../../vectors/keys/p256.pem', import.meta.url);
const certificate = parseCertificateFile(readFileSync(PEM));

test.serial('card and PIN: granted, recorded with key, card and rule', async (t) => {
  const token = new FakeToken(victim, { certificate });
  const seen = await runLogin(t, { tokens: [token], answers: [PIN] });
  t.is(seen.outcome, 'granted');
  t.like(seen.decision, { kind: 'granted', user: 'alice' });
  t.deepEqual(seen.asked, ["Enter PIN for 'Vector p256': "]);
  t.deepEqual(seen.told, []);
  t.deepEqual(token.sent, [PIN]);
  t.is(seen.password, null);
  t.is(seen.events.length, 1);
  t.like(seen.events[0], {
    kind: 'login',
    outcome: { kind: 'granted' },
    user: 'alice',
    service: 'sudo',
    rule: 'login.services',
    key: {
      pkhh: victim.publicKey.pkhh,
      tokenId: 'org.scauth.fake:01',
      certificateSerial: certificate.serialNumber,
    },
  });
});

test.serial('no user named, and no paired card: the next module asks for the name', async (t) => {
  for (const tokens of [[], [new FakeToken(attacker)]]) {
    const seen = await runLogin(t, { tokens, request: { user: null } });
    t.is(seen.outcome, 'unavailable no-user');
    t.deepEqual([...seen.asked, ...seen.told, ...seen.events], []);
  }
});

test.serial('no user named: the pairing of the card gives it', async (t) => {
  const seen = await runLogin(t, {
    tokens: [new FakeToken(victim)],
    request: { user: null },
    answers: [PIN],
  });
  t.is(seen.outcome, 'granted');
  t.like(seen.decision, { user: 'alice' });
  t.like(seen.events[0], { user: 'alice', outcome: { kind: 'granted' } });
});

test.serial('no user named, two accounts on the card: the person chooses', async (t) => {
  for (const [answer, outcome] of [
    ['2', 'granted'],
    ['3', 'unavailable no-user'],
    ['', 'unavailable no-user'],
  ] as const) {
    const pairings = pairedTable();
    pairings.rows.push(pairing(bob.name, victim.publicKey));
    const answers = answer === '2' ? [answer, PIN] : [answer];
    const seen = await runLogin(t, {
      tokens: [new FakeToken(victim)],
      pairings,
      request: { user: null },
      answers,
    });
    t.is(seen.outcome, outcome);
    t.is(
      seen.asked[0],
      'This card is paired with 1 alice, 2 bob. Type a number, or press Enter for a user name: ',
    );
    if (outcome === 'granted') t.like(seen.decision, { user: 'bob' });
  }
});

test.serial('no pairing: nothing asked, nothing said, nothing recorded, no card touched', async (t) => {
  const tokens = { present: () => Promise.reject(new Error('must not look for cards')) };
  const seen = await runLogin(t, { tokens, request: { user: bob.name } });
  t.is(seen.outcome, 'unavailable no-pairing');
  t.deepEqual([seen.asked, seen.told, seen.events, seen.log], [[], [], [], []]);
});

test.serial('no card, or a card of somebody else: straight to the password', async (t) => {
  for (const [tokens, outcome] of [
    [[], 'unavailable no-card'],
    [[new FakeToken(attacker)], 'unavailable other-card'],
  ] as const) {
    const seen = await runLogin(t, { tokens });
    t.is(seen.outcome, outcome);
    t.deepEqual([...seen.asked, ...seen.told], []);
  }
});

test.serial('the paired card is found behind another', async (t) => {
  const seen = await runLogin(t, {
    tokens: [new FakeToken(attacker, { id: 'x:2' }), new FakeToken(victim)],
    answers: [PIN],
  });
  t.is(seen.outcome, 'granted');
});

test.serial('a paired key in a slot that is not for authentication is never offered', async (t) => {
  for (const use of ['signature', 'card-authentication', 'key-management', 'retired'] satisfies KeyUse[]) {
    const token = new FakeToken(victim, { use });
    t.is((await runLogin(t, { tokens: [token] })).outcome, 'unavailable other-card');
    t.deepEqual(token.sent, []);
  }
});

test.serial('L22: another key with the paired hash is refused before a PIN is asked for', async (t) => {
  const token = new FakeToken(attacker, { claims: { ...attacker.publicKey, pkhh: victim.publicKey.pkhh } });
  const seen = await runLogin(t, { tokens: [token] });
  t.is(seen.outcome, 'denied key-conflict');
  t.deepEqual(seen.asked, []);
  t.regex(seen.told.join(), /another key than the one that is paired.*administrator/);
  t.like(seen.events[0], { outcome: { reason: 'key-conflict' }, key: { pkhh: victim.publicKey.pkhh } });
});

test.serial("L3: the victim's certificate and an own PIN on a card with another key", async (t) => {
  const token = new FakeToken(attacker, { claims: victim.publicKey, certificate });
  const seen = await runLogin(t, { tokens: [token], answers: [PIN] });
  t.is(seen.outcome, 'denied bad-proof');
  t.regex(seen.told.join(), /could not prove/);
  t.like(seen.events[0], { outcome: { kind: 'denied', reason: 'bad-proof' } });
  t.like(seen.events[1], { kind: 'card-suspect', check: 'login-proof', tokenId: token.id, user: 'alice' });
});

test.serial("L4: a certificate with the victim's name over another key is another card", async (t) => {
  const token = new FakeToken(attacker, { certificate: { ...certificate, publicKey: attacker.publicKey } });
  t.is((await runLogin(t, { tokens: [token] })).outcome, 'unavailable other-card');
  t.deepEqual(token.sent, []);
});

test.serial('L8: a replayed signature is refused', async (t) => {
  const kept: Proof[] = [];
  const first = new FakeToken(victim, {
    sign: (challenge) => {
      const proof = victim.sign(challenge.message());
      kept.push(proof);
      return proof;
    },
  });
  t.is((await runLogin(t, { tokens: [first], answers: [PIN] })).outcome, 'granted');
  const replay = new FakeToken(victim, {
    sign: () => kept[0] ?? { scheme: 'ed25519', signature: Buffer.alloc(0) },
  });
  t.is((await runLogin(t, { tokens: [replay], answers: [PIN] })).outcome, 'denied bad-proof');
});

test.serial('L9: garbage for a signature is refused', async (t) => {
  for (const length of [0, 1, 72, 512, 513, 65_536]) {
    const token = new FakeToken(victim, {
      sign: () => ({ scheme: 'ecdsa-sha256', signature: Buffer.alloc(length, 0x30) }),
    });
    t.is((await runLogin(t, { tokens: [token], answers: [PIN] })).outcome, 'denied bad-proof');
  }
});

test.serial('a wrong PIN: the tries that are left, then the password', async (t) => {
  const token = new FakeToken(victim);
  const seen = await runLogin(t, { tokens: [token], answers: [WRONG] });
  t.is(seen.outcome, 'denied wrong-pin');
  t.deepEqual(seen.told, ['Wrong PIN. 2 tries left.']);
  t.is(seen.password, null);
  t.like(seen.events[0], { outcome: { kind: 'denied', reason: 'wrong-pin' } });
});

test.serial('pin_attempts: as often as policy says, then a right one is granted', async (t) => {
  const policy = { login: { pinAttempts: 2 } };
  const token = new FakeToken(victim);
  t.is((await runLogin(t, { policy, tokens: [token], answers: [WRONG, PIN] })).outcome, 'granted');
  const seen = await runLogin(t, { policy, tokens: [new FakeToken(victim)], answers: [WRONG, '111111'] });
  t.is(seen.outcome, 'denied wrong-pin');
  t.is(seen.asked.length, 2);
  t.deepEqual(seen.told, ['Wrong PIN. 2 tries left.', 'Wrong PIN. 1 try left.']);
});

test.serial('the same wrong PIN is never sent twice', async (t) => {
  const token = new FakeToken(victim, { triesLeft: 5 });
  const policy = { login: { pinAttempts: 3 } };
  const seen = await runLogin(t, { policy, tokens: [token], answers: [WRONG, WRONG] });
  t.is(seen.outcome, 'unavailable password-instead');
  t.deepEqual([token.sent, token.triesLeft], [[WRONG], 4]);
});

test.serial('a blocked card says so and asks nothing', async (t) => {
  const token = new FakeToken(victim, { triesLeft: 0 });
  const seen = await runLogin(t, { tokens: [token] });
  t.is(seen.outcome, 'denied pin-blocked');
  t.deepEqual(seen.asked, []);
  t.regex(seen.told.join(), /blocked.*password.*PUK \(sc_auth unblock\)/);
  t.like(seen.events[1], { kind: 'pin-blocked', tokenId: token.id, user: 'alice' });
  t.deepEqual(token.sent, []);
});

test.serial('the last tries: only a yes sends the PIN', async (t) => {
  const yes = new FakeToken(victim, { triesLeft: 1 });
  const seen = await runLogin(t, { tokens: [yes], answers: ['YES', PIN] });
  t.is(seen.outcome, 'granted');
  t.regex(seen.asked[0] ?? '', /^Only 1 try left before the card's PIN is blocked\. Type yes/);
  for (const answer of ['no', 'y', 'yes please', 'yess', PIN, '']) {
    const token = new FakeToken(victim, { triesLeft: 1 });
    const refused = await runLogin(t, { tokens: [token], answers: [answer] });
    t.is(refused.outcome, 'denied pin-reserve', answer);
    t.is(refused.password, null, 'what was said instead of yes is no password, and may be the PIN');
    t.deepEqual(token.sent, []);
    t.is(refused.asked.length, 1);
    t.is((refused.events[0] as { rule?: string }).rule, 'login.try_reserve');
  }
  const gone = await runLogin(t, { tokens: [new FakeToken(victim, { triesLeft: 1 })], answers: [null] });
  t.is(gone.outcome, 'cancelled');
});

test.serial('tries that were lost since insertion are seen before the PIN is sent', async (t) => {
  for (const [answers, outcome, sent] of [
    [[PIN, 'yes'], 'granted', [PIN]],
    [[PIN, 'no'], 'denied pin-reserve', []],
    [[PIN, null], 'cancelled', []],
  ] as const) {
    const token = new FakeToken(victim, { triesLeft: 1, triesAtInsertion: 3 });
    const seen = await runLogin(t, { tokens: [token], answers });
    t.is(seen.outcome, outcome);
    t.deepEqual(token.sent, [...sent]);
  }
  const blocked = new FakeToken(victim, { triesLeft: 0, triesAtInsertion: 3 });
  t.is((await runLogin(t, { tokens: [blocked], answers: [PIN] })).outcome, 'denied pin-blocked');
  t.deepEqual(blocked.sent, []);
});

test.serial('a card that does not count is asked', async (t) => {
  const token = new FakeToken(victim, { triesLeft: null });
  t.is((await runLogin(t, { tokens: [token], answers: [PIN] })).outcome, 'granted');
  const wrong = await runLogin(t, { tokens: [new FakeToken(victim, { triesLeft: null })], answers: [WRONG] });
  t.deepEqual(wrong.told, ['Wrong PIN.']);
});

test.serial('L6: an empty PIN never reaches the card', async (t) => {
  const token = new FakeToken(victim);
  const seen = await runLogin(t, { tokens: [token], answers: [''] });
  t.is(seen.outcome, 'unavailable password-instead');
  t.is(seen.password, null);
  t.deepEqual(token.sent, []);
  t.deepEqual(seen.told, []);
});

test.serial('L24: a password at the PIN prompt is the password, and no VERIFY is sent', async (t) => {
  for (const typed of ['correct horse', '12345', '123456789', 'x'.repeat(512)]) {
    const token = new FakeToken(victim);
    const seen = await runLogin(t, { tokens: [token], answers: [typed] });
    t.is(seen.outcome, 'unavailable password-instead');
    t.is(seen.password, typed);
    t.deepEqual(token.sent, []);
    t.is(token.triesLeft, 3);
  }
});

test.serial('L24: a PIN that was sent is never handed on as the password', async (t) => {
  for (const answers of [[PIN], [WRONG]]) {
    t.is((await runLogin(t, { tokens: [new FakeToken(victim)], answers })).password, null);
  }
});

test.serial('Ctrl-C at the PIN: cancelled, nothing sent', async (t) => {
  const token = new FakeToken(victim);
  const seen = await runLogin(t, { tokens: [token], answers: [null] });
  t.is(seen.outcome, 'cancelled');
  t.deepEqual(token.sent, []);
  t.like(seen.events[0], { outcome: { kind: 'cancelled' } });
});

const failures: readonly (readonly [AgentErrorCode, string, RegExp])[] = [
  ['no-card', 'unavailable card-removed', /taken out/],
  ['card-reset', 'unavailable card-removed', /taken out/],
  ['card-timeout', 'unavailable card-timeout', /does not answer/],
  ['card-busy', 'unavailable card-busy', /Another program/],
  ['card-fault', 'unavailable card-fault', /The card failed.* put it back/],
  ['module-fault', 'unavailable module-fault', /module failed.* put it back/],
  ['pin-expired', 'unavailable pin-expired', /sc_auth changepin/],
  ['pin-not-set', 'unavailable pin-not-set', /no PIN yet/],
  ['no-service', 'unavailable no-service', /pcscd/],
  ['not-authorised', 'unavailable not-authorised', /pcscd/],
  ['pin-blocked', 'denied pin-blocked', /PUK/],
  ['no-identity', 'unavailable other-card', /^$/],
  ['pin-malformed', 'unavailable pin-unfit', /how many characters/],
  ['not-allowed', 'unavailable internal', /failed/],
  ['internal', 'unavailable internal', /failed/],
];

for (const [code, outcome, says] of failures) {
  test.serial(
    `the card fails with ${code}: before, while the counter is read, and while it signs`,
    async (t) => {
      const failure = new AgentError(code, { detail: 'hidden detail' });
      const present = await runLogin(t, { tokens: { present: () => Promise.reject(failure) } });
      t.is(present.outcome, outcome);
      const counting = new FakeToken(victim, { pinState: () => Promise.reject(failure) });
      t.is((await runLogin(t, { tokens: [counting], answers: [PIN] })).outcome, outcome);
      t.deepEqual(counting.sent, []);
      const signing = new FakeToken(victim, {
        sign: () => {
          throw failure;
        },
      });
      const seen = await runLogin(t, { tokens: [signing], answers: [PIN] });
      t.is(seen.outcome, outcome);
      t.regex(seen.told.join(), says);
      t.notRegex(seen.told.join(), /hidden detail/);
      t.regex(seen.log.join(), /hidden detail/);
    },
  );
}

test.serial('a driver that throws what it should not', async (t) => {
  const broken = new FakeToken(victim, {
    acceptsPin: () => {
      throw new TypeError('bug');
    },
  });
  t.is((await runLogin(t, { tokens: [broken], answers: [PIN] })).outcome, 'unavailable internal');
  const counting = new FakeToken(victim, {
    triesLeft: 1,
    pinState: () => Promise.reject(new TypeError('bug')),
  });
  t.is((await runLogin(t, { tokens: [counting] })).outcome, 'unavailable internal');
});

test.serial('L16: a table that cannot be read is not "not paired"', async (t) => {
  const pairings = pairedTable();
  pairings.broken = true;
  const seen = await runLogin(t, { pairings, tokens: [new FakeToken(victim)] });
  t.is(seen.outcome, 'unavailable store-unreadable');
  t.regex(seen.told.join(), /cannot be read.*administrator/);
  t.like(seen.events[0], { outcome: { reason: 'store-unreadable' } });
  const later = pairedTable();
  const token = new FakeToken(victim);
  const answer = (): string => {
    later.broken = true;
    return PIN;
  };
  t.is(
    (await runLogin(t, { pairings: later, tokens: [token], answers: [answer] })).outcome,
    'unavailable store-unreadable',
  );
  t.deepEqual(token.sent, []);
});

test.serial('no record, no grant', async (t) => {
  const audit = new FakeAudit();
  audit.broken = true;
  const seen = await runLogin(t, { audit, tokens: [new FakeToken(victim)], answers: [PIN] });
  t.is(seen.outcome, 'unavailable not-recorded');
  t.regex(seen.told.join(), /audit log cannot be written.*password.*administrator/);
  t.regex(seen.log.join(), /disk full/);
  // A refusal stays what it is.
  const policy = { audit: { noRecordNoGrant: false } };
  const granted = await runLogin(t, { audit, policy, tokens: [new FakeToken(victim)], answers: [PIN] });
  t.is(granted.outcome, 'granted');
  t.is((await runLogin(t, { audit, tokens: [] })).outcome, 'unavailable no-card');
});

test.serial('a pairing made from a hash gets its key with the first proof, and only then', async (t) => {
  const table = (): FakePairings => {
    const pairings = new FakePairings();
    pairings.rows.push(pairing(alice.name, victim.publicKey, null));
    return pairings;
  };
  const pairings = table();
  const forged = new FakeToken(attacker, { claims: victim.publicKey });
  t.is((await runLogin(t, { pairings, tokens: [forged], answers: [PIN] })).outcome, 'denied bad-proof');
  t.is(pairings.rows[0]?.publicKey, null);
  t.is((await runLogin(t, { pairings, tokens: [new FakeToken(victim)], answers: [PIN] })).outcome, 'granted');
  t.true(pairings.rows[0]?.publicKey?.spki.equals(victim.publicKey.spki));
});

test.serial('the tokens may come late', async (t) => {
  const tokens = {
    present: async (waitMs: number) => {
      t.true(waitMs > 0);
      return tokensOf(new FakeToken(victim)).present(0);
    },
  };
  t.is((await runLogin(t, { tokens, answers: [PIN] })).outcome, 'granted');
});
