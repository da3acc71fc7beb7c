// A card that is cut off at each APDU, before and after it is carried out, while scauth puts a certificate on it or gives it
// secrets of its own: it is as before or as after, and the same command ends it. And a card that was swapped meanwhile.

import test from 'ava';
import { AgentError, asAgentError } from '../../../../agent/base/errors.ts';
import type { Pin } from '../../../../agent/base/pin.ts';
import { freeSecretSlots } from '../../../../agent/base/secret.ts';
import { parseCertificate } from '../../../../agent/model/key.ts';
import type { PairingParts } from '../../../../agent/stories/pair/pair.ts';
import { importCertificate } from '../../../../agent/stories/setup/import-certificate.ts';
import { takeOwnSecrets } from '../../../../agent/stories/setup/own-secrets.ts';
import { setUpCard } from '../../../../agent/stories/setup/set-up-card.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import { makeCertificate } from '../../../kit/card/certificate.ts';
import { pinBlock, type PinReference } from '../../../kit/card/pin.ts';
import { testAuthority, type CardOptions } from '../../../kit/card/profile.ts';
import { accounts, alice, FakeAudit, FakePairings, FakePerson, noTrust } from '../../../kit/story/fakes.ts';
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

function partsWith(tokens: Readers): PairingParts {
  return {
    ...{ policy: () => defaultPolicy, pairings: new FakePairings(), tokens, trust: noTrust },
    ...{ audit: new FakeAudit(), clock: { nowMs: () => 42, monotonicMs: () => 0 }, accounts },
    offerRider: () => null,
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
  const wish = {
    ...{ token: null, reader: null, holder: null, wantsRequest: true, keyring: 'no' as const, officer: null },
    key: { algorithm: 'p256', pinPolicy: 'once', touchPolicy: 'never' } as const,
  };
  await setUpCard(alice, wish, self, new Person([PIN, PIN]), partsWith(readers));
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
        const put = () => importCertificate(next, null, self, new Person([PIN]), partsWith(readers));
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
        const take = (person: Person) => () => takeOwnSecrets(null, self, person, partsWith(readers));
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
  const put = importCertificate(parseCertificate(issued), null, self, person, partsWith(readers));
  await t.throwsAsync(put, { code: 'card-changed' });
  t.is(other.applet.pins.application.tries, 3, 'it got no PIN');
});
