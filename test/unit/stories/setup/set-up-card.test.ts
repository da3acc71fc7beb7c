// The story of setup on the software card: what is asked and shown, what is refused before the card is touched, that it ends in a
// pairing, and that no secret stays behind on any path.

import test, { type ExecutionContext } from 'ava';
import { AgentError, asAgentError } from '../../../../agent/base/errors.ts';
import { Pin } from '../../../../agent/base/pin.ts';
import { freeSecretSlots, secretBlock } from '../../../../agent/base/secret.ts';
import { importCertificate } from '../../../../agent/stories/setup/import-certificate.ts';
import {
  setUpCard,
  type SetUp,
  type SetupParts,
  type SetupWish,
} from '../../../../agent/stories/setup/set-up-card.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import { pinBlock } from '../../../kit/card/pin.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  noHelpDesk,
  noTrust,
  type Answer,
} from '../../../kit/story/fakes.ts';
import { SoftwareSlot } from '../../token/piv/card-slot.ts';
import { Readers } from '../../token/piv/readers.ts';

const PASSWORD = 'correct horse';
const PIN = '271828';
const self = { pid: 7, uid: 1000, gid: 1000 };
const root = { pid: 1, uid: 0, gid: 0 };
const WISH: SetupWish = {
  ...{ token: null, reader: null, holder: null, wantsRequest: false, keyring: 'no' },
  officer: null,
  key: { algorithm: 'p256', pinPolicy: 'once', touchPolicy: 'never' },
};

/** Keeps the PUK that it is shown; `takes` false: the terminal is gone. */
class Person extends FakePerson {
  puk = '';
  takes = true;

  show(text: string, secret: Pin): Promise<boolean> {
    this.told.push(text);
    this.puk = secret.peek((bytes) => bytes.toString());
    return Promise.resolve(this.takes);
  }
}

interface Scene {
  readonly tokens: Readers;
  readonly answers?: readonly Answer[];
  readonly wish?: Partial<SetupWish>;
  readonly person?: Person;
  readonly table?: FakePairings;
  readonly policy?: typeof defaultPolicy;
  readonly trust?: typeof noTrust;
  readonly peer?: typeof self;
}

function partsOf({
  tokens,
  table,
  policy,
  trust = noTrust,
}: Scene): SetupParts & { audit: FakeAudit; pairings: FakePairings; work: string[] } {
  const work: string[] = [];
  return {
    work,
    atWork: (reader) => {
      work.push(`at work in ${reader}`);
      return () => work.push('over');
    },
    policy: () => policy ?? defaultPolicy,
    pairings: table ?? new FakePairings(),
    tokens,
    trust,
    audit: new FakeAudit(),
    clock: { nowMs: () => 42, monotonicMs: () => 0 },
    accounts,
    offerRider: () => null,
    helpDesk: noHelpDesk,
    checkPassword: (_user, password) =>
      password.use(async (bytes) => {
        await Promise.resolve();
        if (bytes.toString() !== PASSWORD) throw new AgentError('wrong-password');
      }),
  };
}

interface Seen {
  readonly made: SetUp | null;
  readonly error: AgentError | null;
  readonly person: Person;
  readonly parts: ReturnType<typeof partsOf>;
}

async function setUp(t: ExecutionContext, scene: Scene): Promise<Seen> {
  const free = freeSecretSlots();
  const person = scene.person ?? new Person(scene.answers ?? []);
  const parts = partsOf(scene);
  let made: SetUp | null = null;
  let error: AgentError | null = null;
  try {
    made = await setUpCard(alice, { ...WISH, ...scene.wish }, { peer: scene.peer ?? self, person, parts });
  } catch (thrown) {
    error = asAgentError(thrown);
  }
  t.is(freeSecretSlots(), free);
  if (made !== null || parts.work.length > 0)
    t.deepEqual(parts.work, ['at work in test reader', 'over'], 'meanwhile nobody is asked to pair it');
  for (const secret of [PIN, PASSWORD, person.puk || PIN]) t.false(secretBlock().includes(secret));
  return { made, error, person, parts };
}

const factory = (firmware = '5.7.1'): Promise<Readers> => Readers.with({ factory: true, firmware });

for (const firmware of ['5.7.1', '5.4.3', '4.3.7'])
  test.serial(`${firmware}: a PIN twice and the password, and the card is paired`, async (t) => {
    const tokens = await factory(firmware);
    const { made, error, person, parts } = await setUp(t, { tokens, answers: [PIN, PIN, PASSWORD] });
    t.is(error, null);
    t.deepEqual(
      person.asked.map(({ text, echo }) => [text.replace(/'[^']*'/, "'…'"), echo]),
      [
        ["Enter new PIN for '…': ", false],
        ['Enter new PIN again: ', false],
        ['Account password of alice: ', false],
      ],
    );
    t.like(made?.pairing, { user: 'alice', pkhh: made?.issued.publicKey.pkhh });
    t.is(parts.pairings.rows.length, 1);
    t.like(parts.audit.events, [
      { kind: 'pin-changed', how: 'set-up', good: true },
      { kind: 'pairing-added' },
    ]);
    const { pins } = tokens.slot.card.applet;
    t.false(pins.application.isDefault || pins.puk.isDefault);
    pins.puk.check(pinBlock(person.puk));
    t.regex(person.puk, /^\d{8}$/);
    const [token] = await tokens.present();
    t.is(token?.identities[0]?.certificate?.holder, alice.fullName ?? 'alice');
  });

test.serial('root sets one up for somebody, without a password', async (t) => {
  const tokens = await factory();
  const { made, person } = await setUp(t, { tokens, answers: [PIN, PIN], peer: root });
  t.like(made?.pairing, { user: 'alice', pairedBy: 'root' });
  t.is(person.asked.length, 2);
});

test.serial('weak PINs are refused, each with its reason', async (t) => {
  for (const [weak, says] of [
    ['12345', /6 to 8/],
    ['123456', /factory/],
    ['12345678', /factory/],
    ['777777', /too few/],
    ['121212', /too few/],
    ['234567', /in a row/],
    ['987654', /in a row/],
    ['78901234', /in a row/],
  ] as const) {
    const tokens = await factory();
    const { person, error } = await setUp(t, { tokens, answers: [weak, weak, weak] });
    t.is(error?.code, 'pin-malformed', weak);
    t.regex(person.told.at(-1) ?? '', says, weak);
    t.true(tokens.slot.card.applet.pins.application.isDefault);
    t.deepEqual(tokens.slot.card.applet.keys.slots(), [0xf9]);
  }
});

test.serial('what cannot be set up is refused before anybody is asked', async (t) => {
  const tried = await factory();
  tried.slot.card.applet.pins.application.tries = 2;
  const puk = await factory();
  puk.slot.card.applet.pins.puk.tries = 1;
  for (const [tokens, says] of [
    [await Readers.with({ key: 'p256' }), /9A, 9C, 9D, 9E are in use/],
    [await Readers.with({ key: 'p256', slots: ['83'] }), /83 is in use/],
    [await Readers.with({ firmware: 'none', factory: true }), /Yubico's instructions/],
    [tried, /2 of 3 tries of its PIN/],
    [puk, /1 of 3 tries of its PUK/],
  ] as const) {
    const { person, error } = await setUp(t, { tokens });
    t.is(error?.code, 'cannot-set-up');
    t.regex(error?.say ?? '', says);
    t.deepEqual(person.asked, []);
  }
});

test.serial('who may not pair may not set up', async (t) => {
  const tokens = await factory();
  const policy = { ...defaultPolicy, pairing: { ...defaultPolicy.pairing, usersMayPair: false } };
  const { error } = await setUp(t, { tokens, policy });
  t.is(error?.code, 'not-allowed');
  t.is((await setUp(t, { tokens, peer: { ...self, uid: 1001 } })).error?.code, 'not-allowed');
  const other = await setUp(t, { tokens, policy, peer: root, answers: [PIN, PIN] });
  t.is(other.error, null);
});

test.serial('of two cards the one that is named, and never a guess', async (t) => {
  const tokens = await Readers.with({ factory: true, serial: 1 }, { factory: true, serial: 2 });
  t.is((await setUp(t, { tokens })).error?.code, 'invalid-argument');
  const [, second] = await tokens.present();
  if (second === undefined) throw new Error('no second');
  const { error } = await setUp(t, { tokens, wish: { token: second.id }, answers: [PIN, PIN, PASSWORD] });
  t.is(error, null);
  const [first, chosen] = tokens.slots;
  t.true(first?.card.applet.pins.application.isDefault);
  t.false(chosen?.card.applet.pins.application.isDefault);
  t.is((await setUp(t, { tokens, wish: { reader: 'elsewhere' } })).error?.code, 'invalid-argument');
});

test.serial('a PUK that nobody has seen is not set', async (t) => {
  const tokens = await factory();
  const person = new Person([PIN, PIN]);
  person.takes = false;
  const { error } = await setUp(t, { tokens, person });
  t.is(error?.code, 'cancelled');
  t.true(tokens.slot.card.applet.pins.puk.isDefault);
  t.deepEqual(tokens.slot.card.applet.keys.slots(), [0xf9]);
});

test.serial('another card while the PIN was typed', async (t) => {
  const tokens = await Readers.with({ factory: true, serial: 1 });
  const other = new SoftwareSlot({ factory: true, serial: 2 });
  const swap = (): string => {
    other.card.power();
    Object.assign(tokens.slot, { card: other.card });
    return PIN;
  };
  const { error } = await setUp(t, { tokens, answers: [PIN, swap] });
  t.is(error?.code, 'card-changed');
  t.true(other.card.applet.pins.application.isDefault);
  t.deepEqual(other.card.applet.keys.slots(), [0xf9]);
});

test.serial('a PIN that the card finds too simple is asked for once more', async (t) => {
  const tokens = await Readers.with({ factory: true, pinComplexity: true });
  const { error, person } = await setUp(t, { tokens, answers: ['112233', '112233', PIN, PIN, PASSWORD] });
  t.is(error, null);
  t.true(person.told.some((text) => /too simple/.test(text)));
  tokens.slot.card.applet.pins.application.check(pinBlock(PIN));
  // The first PUK is the card's: it was not shown another.
  tokens.slot.card.applet.pins.puk.check(pinBlock(person.puk));
});

test.serial(
  'a card without metadata whose PIN somebody has set: one try, then it is asked for',
  async (t) => {
    const tokens = await factory('4.3.7');
    const { pins } = tokens.slot.card.applet;
    pins.application.set(pinBlock('161803'));
    const { error, person } = await setUp(t, { tokens, answers: [PIN, PIN, '161803', PASSWORD] });
    t.is(error, null);
    t.true(person.told.some((text) => /not the factory's/.test(text)));
    tokens.slot.card.applet.pins.application.check(pinBlock('161803'));
    tokens.slot.card.applet.pins.puk.check(pinBlock(person.puk));
    t.is(tokens.slot.card.applet.pins.application.tries, 3);
  },
);

test.serial('a card that lies about its PIN: one try, and nothing else happens to it', async (t) => {
  const tokens = await factory();
  const { card } = tokens.slot;
  card.applet.pins.application.set(pinBlock('161803'));
  card.faults.arm({ kind: 'reply', hex: '0101ff050101060203039000', ins: 'F7', p2: '80', times: 'always' });
  const { error } = await setUp(t, { tokens, answers: [PIN, PIN, null] });
  t.is(error?.code, 'cancelled');
  t.is(card.applet.pins.application.tries, 2);
  t.deepEqual(card.applet.keys.slots(), [0xf9]);
});

test.serial('cut off in the middle: run again it is finished, with the same two questions', async (t) => {
  for (const ins of ['DB', '47', 'FF', '24']) {
    const tokens = await factory();
    const { card } = tokens.slot;
    card.faults.arm({ kind: 'eject-after', ins });
    t.is((await setUp(t, { tokens, answers: [PIN, PIN] })).error?.code, 'no-card', ins);
    card.power();
    await tokens.readAgain();
    const again = await setUp(t, { tokens, answers: [PIN, PIN, PASSWORD] });
    t.is(again.error, null, ins);
    t.regex(again.person.told[0] ?? '', /^Finishing/);
    t.is(again.parts.pairings.rows.length, 1);
  }
});

test.serial('cut off behind the new PIN: that one is asked for', async (t) => {
  const tokens = await factory();
  const { card } = tokens.slot;
  card.faults.arm({ kind: 'eject-after', ins: '24', p2: '80' });
  const first = await setUp(t, { tokens, answers: [PIN, PIN] });
  t.is(first.error?.code, 'no-card');
  card.power();
  await tokens.readAgain();
  const { error, person } = await setUp(t, { tokens, answers: [PIN, PASSWORD] });
  t.is(error, null);
  t.is(person.puk, '');
  card.applet.pins.puk.check(pinBlock(first.person.puk));
});

test.serial("a paired key that has no certificate is nobody's to make anew", async (t) => {
  const tokens = await factory();
  const { card } = tokens.slot;
  // Cut between the key and its certificate.
  card.faults.arm({ kind: 'eject-after', ins: '47' });
  t.is((await setUp(t, { tokens, answers: [PIN, PIN] })).error?.code, 'no-card');
  card.power();
  await tokens.readAgain();
  const key = (await tokens.present())[0]?.identities[0]?.publicKey;
  if (key === undefined) throw new Error('no key');
  const table = new FakePairings();
  const { pairing } = await import('../../../kit/story/fakes.ts');
  table.add(pairing(alice.name, key));
  const { error } = await setUp(t, { tokens, table });
  t.is(error?.code, 'cannot-set-up');
  t.regex(error?.say ?? '', /paired/);
});

test.serial('a wrong password leaves a card that is set up, and says how to pair it', async (t) => {
  const tokens = await factory();
  const { error, person, parts } = await setUp(t, { tokens, answers: [PIN, PIN, 'wrong'] });
  t.is(error?.code, 'wrong-password');
  t.true(person.told.some((text) => /sc_auth pair/.test(text)));
  t.deepEqual(parts.pairings.rows, []);
  t.false(tokens.slot.card.applet.pins.application.isDefault);
});

test.serial(
  'with a request nothing is paired; its certificate goes on the card, another one does not',
  async (t) => {
    const tokens = await factory();
    const { made, parts } = await setUp(t, { tokens, answers: [PIN, PIN], wish: { wantsRequest: true } });
    t.is(made?.pairing, null);
    t.true((made?.issued.request?.length ?? 0) > 100);
    t.deepEqual(parts.pairings.rows, []);
    const [token] = await tokens.present();
    const own = token?.identities[0]?.certificate;
    if (own == null) throw new Error('no certificate');
    const person = new Person([PIN]);
    t.is((await importCertificate(own, null, { peer: self, person, parts })).identity.slot, '9A');
    const [other] = (await (await Readers.with({ key: 'p256' })).present())[0]?.identities ?? [];
    if (other?.certificate == null) throw new Error('no certificate');
    const nobody = new Person([]);
    await t.throwsAsync(importCertificate(other.certificate, null, { peer: self, person: nobody, parts }), {
      code: 'no-identity',
    });
    t.deepEqual(nobody.asked, []);
  },
);

test.serial(
  'what the maker has to say of the key: asked for at once, and checked at the pairing',
  async (t) => {
    const attestation = { ...defaultPolicy.attestation, required: true, touchPolicy: 'cached' } as const;
    const policy = { ...defaultPolicy, attestation };
    const early = await factory();
    const refused = await setUp(t, { tokens: early, policy });
    t.is(refused.error?.code, 'cannot-set-up');
    t.regex(refused.error?.say ?? '', /touch policy is never \(attestation\.touch_policy\)/);
    t.deepEqual(early.slot.card.applet.keys.slots(), [0xf9]);

    const key = { ...WISH.key, touchPolicy: 'cached' } as const;
    const facts = { pinPolicy: 'once', touchPolicy: 'cached', firmware: '5.7.1', serial: null } as const;
    for (const [fault, code] of [
      [null, undefined],
      ['its attestation ends at the card itself', 'not-attested'],
    ] as const) {
      const tokens = await factory();
      const trust = { ...noTrust, attestation: () => Promise.resolve({ ...facts, fault }) };
      const { error, parts } = await setUp(t, {
        ...{ tokens, policy, trust, wish: { key } },
        answers: [PIN, PIN, ...(fault === null ? [PASSWORD] : [])],
      });
      t.is(error?.code, code);
      t.is(parts.pairings.rows.length, fault === null ? 1 : 0);
    }
  },
);
