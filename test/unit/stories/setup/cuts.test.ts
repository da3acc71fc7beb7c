// A card that is cut off at each APDU, before and after it is carried out, while scauth puts a certificate on it or gives it
// secrets of its own: it is as before or as after, and the same command ends it. And a card that was swapped meanwhile, one that
// has no room left, and one without Yubico's instructions.

import test from 'ava';
import { AgentError, asAgentError } from '../../../../agent/base/errors.ts';
import type { Pin } from '../../../../agent/base/pin.ts';
import { freeSecretSlots } from '../../../../agent/base/secret.ts';
import { parseCertificate } from '../../../../agent/model/key/key.ts';
import { importCertificate } from '../../../../agent/stories/setup/import-certificate.ts';
import { takeOwnSecrets } from '../../../../agent/stories/setup/own-secrets.ts';
import { unblockCardPin } from '../../../../agent/stories/pin/unblock-pin.ts';
import { setUpCard, type SetupParts } from '../../../../agent/stories/setup/set-up-card.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import { makeCertificate } from '../../../kit/card/certificate.ts';
import { pinBlock, type PinReference } from '../../../kit/card/pin.ts';
import { testAuthority, type CardOptions } from '../../../kit/card/profile.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  noHelpDesk,
  noTrust,
} from '../../../kit/story/fakes.ts';
import { SoftwareSlot } from '../../token/piv/card-slot.ts';
import { Readers } from '../../token/piv/readers.ts';

const PIN = '271828';
const self = { pid: 7, uid: 1000, gid: 1000 };
const KINDS = ['eject', 'eject-after'] as const;

/** Remembers the PUK that it was shown last. */
class Person extends FakePerson {
  puk: string | null = null;

  show(_text: string, secret: Pin): Promise<boolean> {
    this.puk = secret.peek((bytes) => bytes.toString());
    return Promise.resolve(true);
  }
}

function partsWith(tokens: Readers): SetupParts {
  return {
    atWork: () => () => undefined,
    ...{ policy: () => defaultPolicy, pairings: new FakePairings(), tokens, trust: noTrust },
    ...{ audit: new FakeAudit(), clock: { nowMs: () => 42, monotonicMs: () => 0 }, accounts },
    offerRider: () => null,
    helpDesk: noHelpDesk,
    checkPassword: () => Promise.reject(new AgentError('wrong-password')),
  };
}

/** Whether this is the secret. */
function takes(reference: PinReference, text: string): boolean {
  try {
    reference.check(pinBlock(text));
    return true;
  } catch {
    return false;
  }
}

/** Runs `act` with a cut at the APDU `at`; afterwards the card is in again. @returns whether it came to the cut */
async function cutAt(
  readers: Readers,
  kind: (typeof KINDS)[number],
  at: number,
  act: () => Promise<unknown>,
) {
  const { card } = readers.slot;
  card.faults.arm({ kind, skip: at });
  const cut = await act().then(
    () => false,
    (error: unknown) => asAgentError(error).code === 'no-card',
  );
  card.faults.clear();
  card.power();
  await readers.readAgain();
  return cut;
}

async function cardThatIsSetUp(): Promise<Readers> {
  const readers = await Readers.with({ factory: true });
  await setUpCard(alice, WISH, { peer: self, person: new Person([PIN, PIN]), parts: partsWith(readers) });
  return readers;
}

test.serial(
  'import-certificate: the old one or the new one, never none, and the same command ends it',
  async (t) => {
    const free = freeSecretSlots();
    for (const kind of KINDS) {
      let cuts = 0;
      for (let at = 0; ; at++) {
        const readers = await cardThatIsSetUp();
        const [login] = (await readers.present())[0]?.identities ?? [];
        if (login?.certificate == null) throw new Error('no login key');
        const issued = makeCertificate(login.publicKey.keyObject, { cn: 'ada' }, testAuthority('Test CA'));
        const next = parseCertificate(issued);
        const put = () =>
          importCertificate(next, null, { peer: self, person: new Person([PIN]), parts: partsWith(readers) });
        const cut = await cutAt(readers, kind, at, put);
        const certificateNow = async () => (await readers.present())[0]?.identities[0]?.certificate?.der;
        const now = await certificateNow();
        const note = `${kind} at ${at}`;
        t.true(
          [login.certificate.der, next.der].some((der) => now?.equals(der)),
          note,
        );
        t.false(readers.slot.card.applet.pins.verified, note);
        if (!cut) break;
        cuts += 1;
        await put();
        t.true((await certificateNow())?.equals(next.der), note);
        t.is(readers.slot.card.applet.pins.application.tries, 3, note);
      }
      t.true(cuts > 8, `${kind}: ${cuts}`);
    }
    t.is(freeSecretSlots(), free);
  },
);

test.serial(
  "secrets of one's own: each is the factory's or the person's, and the same command ends it",
  async (t) => {
    const free = freeSecretSlots();
    const options: CardOptions = { key: 'p256', pin: '123456', puk: '12345678' };
    for (const kind of KINDS) {
      let cuts = 0;
      for (let at = 0; ; at++) {
        const readers = await Readers.with(options);
        const { pins } = readers.slot.card.applet;
        const first = new Person([PIN, PIN]);
        const take = (person: Person) => () =>
          takeOwnSecrets(null, { peer: self, person, parts: partsWith(readers) });
        const cut = await cutAt(readers, kind, at, take(first));
        const note = `${kind} at ${at}`;
        const again = new Person(pins.application.isDefault ? [PIN, PIN] : []);
        if (cut) await take(again)();
        t.is(pins.application.tries + pins.puk.tries, 6, note);
        t.false(pins.application.isDefault || pins.puk.isDefault, note);
        t.true(takes(pins.application, PIN), note);
        // The PUK that counts is the one that was shown last: a card that tells is not changed again.
        const shown = again.puk ?? first.puk;
        t.true(shown !== null && takes(pins.puk, shown), note);
        if (!cut) break;
        cuts += 1;
      }
      t.true(cuts > 4, `${kind}: ${cuts}`);
    }
    t.is(freeSecretSlots(), free);
  },
);

test.serial('a card swapped before anybody has noticed: import-certificate puts nothing on it', async (t) => {
  const readers = await cardThatIsSetUp();
  const [login] = (await readers.present())[0]?.identities ?? [];
  if (login === undefined) throw new Error('no login key');
  const issued = makeCertificate(login.publicKey.keyObject, { cn: 'ada' }, testAuthority('Test CA'));
  const other = new SoftwareSlot({ key: 'p384', pin: '864213' }).card;
  const person = new Person([
    async () => {
      // The look at the tries is over.
      while (readers.slot.open_ > 0) await new Promise(setImmediate);
      readers.slot.card = other;
      return PIN;
    },
  ]);
  const put = importCertificate(parseCertificate(issued), null, {
    peer: self,
    person,
    parts: partsWith(readers),
  });
  await t.throwsAsync(put, { code: 'card-changed' });
  t.is(other.applet.pins.application.tries, 3, 'it got no PIN');
});

test.serial("own secrets on the spot: only what is the factory's, and no key is touched", async (t) => {
  for (const [pin, puk, answers] of [
    ['123456', '12345678', [PIN, PIN]],
    ['735912', '12345678', []],
    ['123456', '31415926', [PIN, PIN]],
  ] as const) {
    const free = freeSecretSlots();
    const tokens = await Readers.with({ key: 'p256', pin, puk });
    const person = new Person(answers);
    const parts = partsWith(tokens);
    const before = tokens.slot.card.applet.keys.get(0x9a);
    await takeOwnSecrets(null, { peer: self, person, parts });
    const { pins, keys } = tokens.slot.card.applet;
    t.false(pins.application.isDefault || pins.puk.isDefault);
    t.is(keys.get(0x9a), before);
    t.is(person.unused, 0);
    t.is(person.puk !== null, puk === '12345678');
    pins.puk.check(pinBlock(person.puk ?? puk));
    t.is(freeSecretSlots(), free);
  }
});

test.serial('own secrets: weak ones are refused here as well', async (t) => {
  const tokens = await Readers.with({ key: 'p256', pin: '123456', puk: '12345678' });
  const person = new Person(['123456', '111111', '234567']);
  await t.throwsAsync(takeOwnSecrets(null, { peer: self, person, parts: partsWith(tokens) }), {
    code: 'pin-malformed',
  });
  t.true(tokens.slot.card.applet.pins.application.isDefault);
});

const WISH = {
  ...{ token: null, reader: null, holder: null, wantsRequest: true, keyring: 'no' as const, officer: null },
  key: { algorithm: 'p256', pinPolicy: 'once', touchPolicy: 'never' } as const,
};

for (const [firmware, atr] of [
  ['5.7.1', undefined],
  ['4.3.7', undefined],
  ['5.4.3', '3B8D018073C021C057736F66747061'],
] as const)
  test.serial(
    `a full card, ${firmware}${atr === undefined ? '' : ', another ATR'}: said so, and ended when there is room`,
    async (t) => {
      let refused = 0;
      for (const ins of ['DB', '47'])
        for (let skip = 0; ; skip += 1) {
          const readers = await Readers.with({ factory: true, firmware, ...(atr !== undefined && { atr }) });
          const { applet, faults } = readers.slot.card;
          faults.arm({ kind: 'status', sw: '6A84', ins, skip, times: 'always' });
          const setUp = (answers: readonly string[]) =>
            setUpCard(alice, WISH, { peer: self, person: new Person(answers), parts: partsWith(readers) });
          const error = await setUp([PIN, PIN]).then(
            () => null,
            (thrown: unknown) => asAgentError(thrown),
          );
          faults.clear();
          if (error === null) break;
          refused += 1;
          t.is(error.code, 'cannot-set-up', `${ins} ${skip}: ${error.detail}`);
          t.regex(error.say ?? '', /no room left/);
          t.false(applet.pins.verified);
          await readers.readAgain();
          await setUp(applet.pins.application.isDefault ? [PIN, PIN] : [PIN, PIN, PIN]);
          t.true(takes(applet.pins.application, PIN) && !applet.pins.puk.isDefault, `${ins} ${skip}`);
        }
      // 9A, 9D, 9E: three keys and three certificates, and what is written beside them.
      t.true(refused > 8, String(refused));
    },
  );

test.serial(
  'import-certificate to a full card: the old one stays; a card without the instructions is asked for no PIN',
  async (t) => {
    const readers = await cardThatIsSetUp();
    const [login] = (await readers.present())[0]?.identities ?? [];
    if (login === undefined) throw new Error('no login key');
    const issued = makeCertificate(login.publicKey.keyObject, { cn: 'ada' }, testAuthority('Test CA'));
    const put = (person: Person, tokens = readers, certificate = issued) =>
      importCertificate(parseCertificate(certificate), null, {
        peer: self,
        person,
        parts: partsWith(tokens),
      });
    readers.slot.card.faults.arm({ kind: 'status', sw: '6A84', ins: 'DB' });
    const full = await t.throwsAsync(put(new Person([PIN])), { code: 'cannot-set-up' });
    t.regex(String(full), /no room left/);
    await readers.readAgain();
    t.deepEqual((await readers.present())[0]?.identities[0]?.certificate?.der, login.certificate?.der);

    const plain = await Readers.with({
      key: 'p256',
      firmware: 'none',
      atr: '3B8D018073C021C057736F66747061',
      pin: PIN,
    });
    const [key] = (await plain.present())[0]?.identities ?? [];
    if (key === undefined) throw new Error('no login key');
    const other = makeCertificate(key.publicKey.keyObject, { cn: 'ada' }, testAuthority('Test CA'));
    const person = new Person([]);
    await t.throwsAsync(put(person, plain, other), { code: 'not-supported' });
    t.deepEqual(person.asked, []);
    t.is(plain.slot.card.applet.pins.application.tries, 3);
  },
);

for (const [name, options] of [
  ['5.7.1', { firmware: '5.7.1' }],
  ['4.3.7', { firmware: '4.3.7' }],
  ["without Yubico's instructions, another ATR", { firmware: 'none', atr: '3B8D018073C021C057736F66747061' }],
] as const)
  test.serial(
    `a wrong PUK, ${name}: one try of it, the PIN stays blocked, and the right one ends it`,
    async (t) => {
      const readers = await Readers.with({ key: 'p256', pin: '864213', puk: '40717253', ...options });
      const { pins } = readers.slot.card.applet;
      pins.application.tries = 0;
      await readers.readAgain();
      const parts = partsWith(readers);
      const unblock = (puk: string) =>
        unblockCardPin({ id: null, user: null }, { peer: self, person: new Person([puk, PIN, PIN]), parts });
      await t.throwsAsync(unblock('11111111'), { code: 'wrong-puk' });
      t.deepEqual([pins.puk.tries, pins.application.tries], [2, 0]);
      await unblock('40717253');
      t.is(pins.puk.tries, 3);
      t.true(takes(pins.application, PIN));
    },
  );
