// What depends on the reader: a PIN typed on its pad, a card without contacts; and the cue for a touch.

import test, { type ExecutionContext } from 'ava';
import { AgentError } from '../../../../agent/base/errors.ts';
import { pairForUser, pairOwnCard } from '../../../../agent/stories/pair/pair.ts';
import { verifyCardPin } from '../../../../agent/stories/pin/verify-pin.ts';
import { defaultPolicy, type Policy } from '../../../../policy/policy.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noHelpDesk,
  noTrust,
  PIN,
  tokensOf,
  type CardOptions,
} from '../../../kit/story/fakes.ts';
import { runLogin, victim, type Scene, type Seen } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';

const SILENT = { flags: 0x8000 };
const READER = { reader: 'Acme Pad 00 00' };
const ON_READER = "Enter PIN on the reader 'Acme Pad 00 00' for 'Fake:Key (alice)'";
const peer = { pid: 7, uid: 1000, gid: 1000 };

async function withPad(
  t: ExecutionContext,
  pad: () => string,
  scene: Scene = {},
  card: CardOptions = {},
): Promise<Seen & { token: FakeToken }> {
  const token = new FakeToken(victim, { ...READER, pad, ...card });
  return { ...(await runLogin(t, { tokens: [token], ...scene })), token };
}

const padSays = (code: 'pin-timeout' | 'cancelled') => (): never => {
  throw new AgentError(code);
};

test.serial('a PIN pad: nothing is asked at the computer, the message says where to type', async (t) => {
  const seen = await withPad(t, () => PIN);
  t.is(seen.outcome, 'granted');
  t.deepEqual(seen.asked, []);
  t.deepEqual(seen.told, [ON_READER]);
});

test.serial('a wrong PIN on the pad says how many tries are left', async (t) => {
  const seen = await withPad(t, () => '000000');
  t.is(seen.outcome, 'denied wrong-pin');
  t.deepEqual(seen.told, [ON_READER, 'Wrong PIN. 2 tries left.']);
  t.is(seen.token.triesLeft, 2);
});

for (const [code, outcome, text] of [
  [
    'pin-timeout',
    'unavailable pin-timeout',
    'No PIN was typed on the reader in time. Try again, or use your password.',
  ],
  ['cancelled', 'cancelled', null],
] as const) {
  test.serial(`the pad says ${code}: no wrong PIN, no second question`, async (t) => {
    const seen = await withPad(t, padSays(code), { policy: { login: { pinAttempts: 3 } } });
    t.is(seen.outcome, outcome);
    t.deepEqual(seen.told, text === null ? [ON_READER] : [ON_READER, text]);
    t.is(seen.token.triesLeft, 3);
  });
}

test.serial('the reserve holds on a pad: asked at the keyboard, before the pad is used', async (t) => {
  const refused = await withPad(t, () => PIN, { answers: ['no'] }, { triesLeft: 1 });
  t.is(refused.outcome, 'denied pin-reserve');
  t.deepEqual(refused.token.sent, []);
  t.false(refused.told.includes(ON_READER));
  const consented = await withPad(t, () => PIN, { answers: ['yes'] }, { triesLeft: 1 });
  t.is(consented.outcome, 'granted');
  const moved = await withPad(t, () => PIN, { answers: ['no'] }, { triesLeft: 1, triesAtInsertion: 3 });
  t.is(moved.outcome, 'denied pin-reserve');
  t.is((await withPad(t, () => PIN, {}, { triesLeft: 0 })).outcome, 'denied pin-blocked');
});

test.serial(
  'a locker that shows prompts alone: the word is in a prompt, Enter switches the pad on',
  async (t) => {
    const locker = { request: { service: 'swaylock' } };
    const seen = await withPad(t, () => PIN, { ...locker, answers: [''] });
    t.is(seen.outcome, 'granted');
    t.deepEqual(seen.asked, [`Press Enter. ${ON_READER}: `]);
    t.deepEqual(seen.told, []);
    for (const [typed, password] of [
      ['correct horse', 'correct horse'],
      [PIN, null],
    ] as const) {
      const other = await withPad(t, () => PIN, { ...locker, answers: [typed] });
      t.is(other.outcome, 'unavailable password-instead');
      t.is(other.password, password);
      t.deepEqual(other.token.sent, []);
    }
    t.is((await withPad(t, () => PIN, { ...locker, answers: [null] })).outcome, 'cancelled');
  },
);

test.serial('verifypin and pair on a pad', async (t) => {
  const token = new FakeToken(victim, { ...READER, pad: () => PIN });
  const audit = new FakeAudit();
  const person = new FakePerson([]);
  const policy = (): Policy => defaultPolicy;
  const pairings = new FakePairings();
  const parts = { policy, pairings, tokens: tokensOf(token), audit, accounts, trust: noTrust };
  await verifyCardPin(null, { peer, person, parts });
  t.deepEqual(person.told, [ON_READER]);
  const pairing = new FakePerson(['correct horse']);
  await pairOwnCard(alice, victim.publicKey.pkhh, {
    peer,
    person: pairing,
    parts: {
      ...{ policy, tokens: tokensOf(token), trust: noTrust, audit, pairings },
      clock: { nowMs: () => 42, monotonicMs: () => 0 },
      accounts,
      offerRider: () => null,
      helpDesk: noHelpDesk,
      checkPassword: (_user, password) => {
        password.wipe();
        return Promise.resolve();
      },
    },
  });
  t.is(pairing.told.at(-1), ON_READER);
  t.is(pairings.rows.length, 1);
});

test.serial('a key that always wants a touch says so in the prompt, and before it signs', async (t) => {
  const order: string[] = [];
  const token = new FakeToken(victim, {
    touch: 'always',
    sign: (challenge) => {
      order.push('signs');
      return victim.sign(challenge.message());
    },
  });
  const seen = await runLogin(t, { tokens: [token], answers: [PIN] });
  t.is(seen.outcome, 'granted');
  t.deepEqual(seen.asked, ["Enter PIN for 'Fake:Key (alice)', then touch the card: "]);
  t.deepEqual([...seen.told, ...order], ['Touch the card when it blinks.', 'signs']);
});

test.serial(
  'a touch that is remembered for a while: said before it signs; never and unknown: nothing',
  async (t) => {
    for (const touch of ['cached', 'never', undefined] as const) {
      const token = new FakeToken(victim, touch === undefined ? {} : { touch });
      const seen = await runLogin(t, { tokens: [token], answers: [PIN] });
      t.deepEqual(seen.asked, ["Enter PIN for 'Fake:Key (alice)': "]);
      t.deepEqual(seen.told, touch === 'cached' ? ['Touch the card if it blinks.'] : []);
    }
  },
);

test.serial('nobody touched: a sentence of its own, and the password has its turn', async (t) => {
  const sign = (): never => {
    throw new AgentError('touch-timeout');
  };
  const token = new FakeToken(victim, { touch: 'always', sign });
  const seen = await runLogin(t, { tokens: [token], answers: [PIN] });
  t.is(seen.outcome, 'unavailable touch-timeout');
  t.regex(
    seen.told.join('\n'),
    /was not touched in time\. Try again and touch it when it blinks, or use your password\.$/,
  );
});

test.serial('an application that wants silence: what must be seen is said as an error', async (t) => {
  const kinds: string[] = [];
  for (const request of [{}, SILENT]) {
    const onPad = await withPad(t, () => PIN, { request }, { touch: 'cached' });
    const tokens = [new FakeToken(victim, { touch: 'always' })];
    kinds.push(...onPad.kinds, ...(await runLogin(t, { tokens, answers: [PIN], request })).kinds);
  }
  // The pad's word and the touch's; then the touch of a key whose prompt has said it.
  t.deepEqual(kinds, ['information', 'information', 'information', 'error', 'error', 'information']);
});

const CONTACTLESS = [
  { reader: 'ACS ACR122U PICC Interface 00 00' },
  { atr: '3B8F8001804F0CA000000306030001000000006A' },
];

for (const card of CONTACTLESS) {
  test.serial(`contactless is refused, and nothing asked: ${card.reader ?? 'by its ATR'}`, async (t) => {
    const token = new FakeToken(victim, card);
    const seen = await runLogin(t, { tokens: [token] });
    t.is(seen.outcome, 'denied contactless-not-allowed');
    t.deepEqual(seen.asked, []);
    t.regex(
      seen.told.join('\n'),
      /^Cards are not used through a contactless reader here\. Put the card into a reader/,
    );
    t.like(seen.events, [
      { outcome: { kind: 'denied', reason: 'contactless-not-allowed' }, rule: 'reader.contactless' },
    ]);
    const allowed = await runLogin(t, {
      tokens: [token],
      answers: [PIN],
      policy: { reader: { contactless: true } },
    });
    t.is(allowed.outcome, 'granted');
  });
}

test.serial('the same key with contacts is taken, whatever lies on the other reader', async (t) => {
  const over = new FakeToken(victim, CONTACTLESS[0]);
  const seen = await runLogin(t, { tokens: [over, new FakeToken(victim)], answers: [PIN] });
  t.is(seen.outcome, 'granted');
  t.deepEqual(over.sent, []);
});

test.serial('L12: contactless is forbidden while the person types', async (t) => {
  let policy: Policy = policyWith({ reader: { contactless: true } });
  const answers = [
    () => {
      policy = defaultPolicy;
      return PIN;
    },
  ];
  const seen = await runLogin(t, {
    ...{ tokens: [new FakeToken(victim, CONTACTLESS[0])], answers, policy: () => policy },
  });
  t.is(seen.outcome, 'denied changed-meanwhile');
});

test.serial(
  'contactless: no pairing by the user or the administrator, no PIN check; the log says why',
  async (t) => {
    const audit = new FakeAudit();
    const pairings = new FakePairings();
    const token = new FakeToken(victim, CONTACTLESS[0]);
    const person = new FakePerson([]);
    const parts = {
      ...{ policy: () => defaultPolicy, tokens: tokensOf(token), trust: noTrust, audit, pairings },
      clock: { nowMs: () => 42, monotonicMs: () => 0 },
      accounts,
      offerRider: () => null,
      helpDesk: noHelpDesk,
      checkPassword: () => Promise.reject(new Error('asked too early')),
    };
    const { pkhh } = victim.publicKey;
    await t.throwsAsync(pairOwnCard(alice, pkhh, { peer, person, parts }), { code: 'contactless' });
    await t.throwsAsync(pairForUser(alice.name, { kind: 'hash', pkhh }, peer, parts), {
      code: 'contactless',
    });
    await t.throwsAsync(verifyCardPin(null, { peer, person, parts }), { code: 'contactless' });
    t.like(audit.events, [{ kind: 'pairing-refused', detail: 'contactless' }]);
    t.deepEqual([pairings.rows, person.asked, token.sent], [[], [], []]);
  },
);
