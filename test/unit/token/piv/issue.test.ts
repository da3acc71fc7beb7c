// Setting a card up, against the software card in this process: what is on it afterwards, and that a cut at any APDU leaves
// it from the factory or to be finished.

import test, { type ExecutionContext } from 'ava';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { asAgentError } from '../../../../agent/base/errors.ts';
import { Pin } from '../../../../agent/base/pin.ts';
import { freeSecretSlots } from '../../../../agent/base/secret.ts';
import type { CardLook, Issued, IssueOrder } from '../../../../agent/model/card/issuing.ts';
import type { SetupLook } from '../../../../agent/token/interface.ts';
import type { PivToken } from '../../../../agent/token/piv/token.ts';
import { pinBlock } from '../../../kit/card/pin.ts';
import { makeCertificate } from '../../../kit/card/certificate.ts';
import { testAuthority, type CardOptions } from '../../../kit/card/profile.ts';
import { probe, SoftwareSlot } from './card-slot.ts';

const PIN = '271828';
const PUK = '31415926';
const KEY = { algorithm: 'p256', pinPolicy: 'once', touchPolicy: 'never' } as const;

const secret = (text: string): Pin => new Pin(Buffer.from(text));
const permit = (): void => undefined;

async function tokenIn(slot: SoftwareSlot): Promise<PivToken> {
  const token = await probe(slot);
  if (token === null) throw new Error('no card');
  return token;
}

async function lookAt(slot: SoftwareSlot): Promise<SetupLook> {
  const { issuer } = await tokenIn(slot);
  const look = await issuer.look();
  if (look === null) throw new Error('no look');
  return look;
}

/** What the story does: a look, and the order that follows from it. @param current the PIN, where it is not the factory's */
async function setUp(slot: SoftwareSlot, changes: Partial<IssueOrder> = {}, current = PIN): Promise<Issued> {
  const { issuer } = await tokenIn(slot);
  const look = await issuer.look();
  if (look === null) throw new Error('no Yubico instructions');
  if (look.inUse.length > 0) throw new Error(`in use: ${look.inUse.join(' ')}`);
  return look.issue(orderFor(look, changes, current));
}

function orderFor(look: CardLook, changes: Partial<IssueOrder> = {}, current = PIN): IssueOrder {
  const isNew = look.secrets.pin !== false;
  return {
    pin: { pin: secret(isNew ? '123456' : current), permit },
    nextPin: isNew ? secret(PIN) : null,
    nextPuk: look.secrets.puk === false ? null : secret(PUK),
    key: KEY,
    holder: 'ada',
    wantsRequest: false,
    beforeTouch: () => undefined,
    ...changes,
  };
}

function certificateIn(slot: SoftwareSlot, tag: string): X509Certificate {
  const { data } = slot.card.applet.objects.getData(Buffer.from(`5c03${tag}`, 'hex'), true);
  // 53, 70: each with a length of three bytes.
  return new X509Certificate(data.subarray(8));
}

/** Everything that a setup is to leave behind. */
async function isSetUp(t: ExecutionContext, slot: SoftwareSlot, note = ''): Promise<void> {
  const { applet } = slot.card;
  t.false(applet.pins.application.isDefault, note);
  t.false(applet.pins.puk.isDefault, note);
  t.false(applet.administration.isDefault, note);
  t.deepEqual(applet.keys.slots(), [0x9a, 0x9d, 0x9e, 0xf9], note);
  for (const [tag, place] of [
    ['5FC105', 0x9a],
    ['5FC10B', 0x9d],
    ['5FC101', 0x9e],
  ] as const) {
    const certificate = certificateIn(slot, tag);
    const key = createPublicKey(applet.keys.get(place).privateKey);
    t.true(certificate.publicKey.equals(key), note);
    t.true(certificate.verify(key), note);
  }
  t.false(applet.pins.verified, note);
  // No mark is left, and a second run has nothing to do there.
  const look = await (await tokenIn(slot)).issuer.look();
  t.false(look?.begun, note);
  t.deepEqual(look?.inUse, ['9A', '9D', '9E'], note);
}

const CARDS: readonly (readonly [string, CardOptions])[] = [
  ['firmware 5.4', { factory: true, firmware: '5.4.3' }],
  ['firmware 5.7', { factory: true, firmware: '5.7.1' }],
  ['firmware 5.7 with PIN complexity', { factory: true, firmware: '5.7.1', pinComplexity: true }],
  ['firmware 4.3, without metadata', { factory: true, firmware: '4.3.7' }],
  ['a card whose ATR is of another maker', { factory: true, firmware: '5.7.1', atr: '3B8580018073C8211030' }],
];

for (const [name, options] of CARDS) {
  test(`${name}: from the factory to a card that can be paired`, async (t) => {
    const slot = new SoftwareSlot(options);
    const { publicKey } = await setUp(slot);
    await isSetUp(t, slot);
    const token = await tokenIn(slot);
    const [login] = token.identities;
    t.is(login?.slot, '9A');
    t.true(login?.publicKey.spki.equals(publicKey.spki));
    t.is(login?.certificate?.holder, 'ada');
    t.true(token.canAgree(token.identities[1] as NonNullable<typeof login>));
    t.regex(token.id, /:[0-9A-F]{32}$/);
    await token.verifyPin({ pin: secret(PIN), permit });
    await token.unblockPin({ pin: secret(PUK), permit }, secret('161803'));
  });
}

test.serial('no secret stays in memory, whether it succeeds or fails', async (t) => {
  const free = freeSecretSlots();
  await setUp(new SoftwareSlot({ factory: true }));
  t.is(freeSecretSlots(), free);
  for (const ins of ['20', '47', '24', 'FF']) {
    const slot = new SoftwareSlot({ factory: true });
    const look = await lookAt(slot);
    slot.card.faults.arm({ kind: 'eject', ins, body: true });
    await t.throwsAsync(look.issue(orderFor(look)));
    t.is(freeSecretSlots(), free, ins);
  }
});

test('at most 60 short APDUs, the look with it, also with RSA-2048', async (t) => {
  for (const name of ['5.4.3 p256', '5.7.1 p256', '5.4.3 rsa2048', '5.7.1 rsa2048'] as const) {
    const [firmware, algorithm] = name.split(' ') as ['5.4.3' | '5.7.1', 'p256' | 'rsa2048'];
    const slot = new SoftwareSlot({ factory: true, firmware });
    const { issuer } = await tokenIn(slot);
    slot.commands.length = 0;
    const look = await issuer.look();
    if (look === null) throw new Error('no look');
    await look.issue(orderFor(look, { key: { ...KEY, algorithm } }));
    t.true(slot.commands.length <= 60, `${name}: ${slot.commands.length}`);
  }
});

for (const [name, options] of CARDS) {
  test(`${name}: cut at any APDU, before and after it is carried out, it is finished by another run`, async (t) => {
    for (const kind of ['eject', 'eject-after'] as const) {
      let cuts = 0;
      for (let at = 0; ; at++) {
        const slot = new SoftwareSlot(options);
        const look = await lookAt(slot);
        slot.card.faults.arm({ kind, skip: at });
        const cut = await look.issue(orderFor(look)).then(
          () => false,
          () => true,
        );
        slot.card.faults.clear();
        slot.card.power();
        if (!cut) break;
        cuts += 1;
        const note = `${kind} at ${at}`;
        const factory = slot.card.applet.pins.application.isDefault;
        if ((await (await tokenIn(slot)).issuer.look())?.inUse.length === 3) {
          // Cut behind the last write.
          await isSetUp(t, slot, note);
          continue;
        }
        // Without metadata the PIN that was chosen is only known by a try, as the story does it.
        await setUp(slot).catch(async (error: unknown) => {
          t.is(asAgentError(error).code, 'wrong-pin', note);
          t.false(factory, note);
          await setUp(slot, { pin: { pin: secret(PIN), permit }, nextPin: null });
        });
        await isSetUp(t, slot, note);
        t.is(slot.card.applet.pins.application.tries, 3, note);
      }
      t.true(cuts > 25, String(cuts));
    }
  });
}

test('a cut keeps what is done: keys with a certificate stay', async (t) => {
  const slot = new SoftwareSlot({ factory: true });
  const look = await lookAt(slot);
  // The PIN's change.
  slot.card.faults.arm({ kind: 'eject', ins: '24', p2: '80' });
  await t.throwsAsync(look.issue(orderFor(look)), { code: 'no-card' });
  slot.card.power();
  const before = certificateIn(slot, '5FC105').fingerprint256;
  await t.throwsAsync(setUp(slot, { key: { ...KEY, algorithm: 'p384' } }), { message: /--algorithm p256/ });
  await setUp(slot);
  await isSetUp(t, slot);
  t.is(certificateIn(slot, '5FC105').fingerprint256, before);
});

test('the places that are in use are named, each of them', async (t) => {
  for (const name of ['9A', '9C', '82', '95'])
    for (const firmware of ['5.7.1', '4.3.7']) {
      const slot = new SoftwareSlot({ slots: [name], firmware, key: 'p256' });
      t.deepEqual((await (await tokenIn(slot)).issuer.look())?.inUse, [name], `${name} ${firmware}`);
    }
  const full = new SoftwareSlot({ slots: ['9A', '9C', '9D', '9E', '82', '83'], key: 'p256' });
  const later = new SoftwareSlot({ factory: true });
  const token = await tokenIn(later);
  later.card.applet.keys.set(0x9c, full.card.applet.keys.get(0x9c).privateKey, 'generated');
  t.deepEqual((await token.issuer.look())?.inUse, ['9C'], 'filled since the card was put in');
  t.deepEqual((await (await tokenIn(full)).issuer.look())?.inUse, ['9A', '9C', '9D', '9E', '82', '83']);
});

test('an unfinished setup takes no key of others for its own', async (t) => {
  const cutAt = async (): Promise<SoftwareSlot> => {
    const slot = new SoftwareSlot({ factory: true });
    const look = await lookAt(slot);
    slot.card.faults.arm({ kind: 'eject', ins: '24', p2: '81' });
    await t.throwsAsync(look.issue(orderFor(look)));
    slot.card.power();
    return slot;
  };
  const other = new SoftwareSlot({ key: 'p256', issuer: 'A CA' });
  const replaced = await cutAt();
  replaced.card.applet.keys.set(0x9a, other.card.applet.keys.get(0x9a).privateKey, 'imported');
  t.deepEqual(
    (await (await tokenIn(replaced)).issuer.look())?.inUse,
    ['9A'],
    'another key under our certificate',
  );
  const issued = await cutAt();
  issued.card.applet.objects.setCertificate(0x9a, certificateIn(other, '5FC105').raw);
  t.deepEqual((await (await tokenIn(issued)).issuer.look())?.inUse, ['9A'], "an authority's certificate");
  const certified = await cutAt();
  const own = createPublicKey(certified.card.applet.keys.get(0x9a).privateKey);
  certified.card.applet.objects.setCertificate(
    0x9a,
    makeCertificate(own, { cn: 'ada' }, testAuthority('A CA')),
  );
  t.deepEqual((await (await tokenIn(certified)).issuer.look())?.inUse, ['9A'], 'and for our own key');
  const elsewhere = await cutAt();
  elsewhere.card.applet.keys.set(0x9c, other.card.applet.keys.get(0x9c).privateKey, 'imported');
  t.deepEqual((await (await tokenIn(elsewhere)).issuer.look())?.inUse, ['9C']);
});

test('another card than the one that was looked at gets nothing', async (t) => {
  const slot = new SoftwareSlot({ factory: true, serial: 1 });
  const look = await (await tokenIn(slot)).issuer.look();
  if (look === null) throw new Error('no look');
  slot.card = new SoftwareSlot({ factory: true, serial: 2 }).card;
  slot.commands.length = 0;
  await t.throwsAsync(look.issue(orderFor(look)), { code: 'card-changed' });
  t.deepEqual(slot.instructions(), 'a4 f8');
  t.deepEqual(slot.closed.at(-1), 'leave');
});

test('a key that was put there while the person typed is not overwritten', async (t) => {
  const slot = new SoftwareSlot({ factory: true });
  const look = await lookAt(slot);
  const other = new SoftwareSlot({ key: 'p256' });
  slot.card.applet.keys.set(0x9d, other.card.applet.keys.get(0x9d).privateKey, 'imported');
  await t.throwsAsync(look.issue(orderFor(look)), { code: 'cannot-set-up', message: /9D/ });
  t.deepEqual(slot.card.applet.keys.slots(), [0x9d, 0xf9]);
});

test('a management key that others have changed', async (t) => {
  for (const firmware of ['5.7.1', '4.3.7']) {
    const slot = new SoftwareSlot({ factory: true, firmware });
    const { administration } = slot.card.applet;
    administration.set(administration.algorithm, Buffer.alloc(24, 7));
    await t.throwsAsync(setUp(slot), { code: 'cannot-set-up', message: /management key/ });
    t.deepEqual(slot.card.applet.keys.slots(), [0xf9]);
    t.true(slot.card.applet.pins.application.isDefault);
    t.false(slot.card.applet.pins.verified);
  }
});

test('one that ykman has put behind the PIN is taken', async (t) => {
  const slot = new SoftwareSlot({ factory: true });
  const { administration, objects } = slot.card.applet;
  administration.set(administration.algorithm, Buffer.alloc(24, 7));
  objects.set('5FC109', Buffer.from(`881a8918${'07'.repeat(24)}`, 'hex'));
  objects.set('5FFF00', Buffer.from('8003810102', 'hex'));
  await setUp(slot);
  await isSetUp(t, slot);
});

test("printed information of somebody's is left alone", async (t) => {
  const slot = new SoftwareSlot({ factory: true });
  slot.card.applet.objects.set('5FC109', Buffer.from('0103414243', 'hex'));
  await t.throwsAsync(setUp(slot), { code: 'cannot-set-up', message: /printed information/ });
  t.true(slot.card.applet.administration.isDefault);
});

test('a card that lies about its PIN costs one try, about its PUK one of the PUK', async (t) => {
  const pin = new SoftwareSlot({ factory: true });
  const { issuer } = await tokenIn(pin);
  const look = await issuer.look();
  if (look === null) throw new Error('no look');
  pin.card.applet.pins.application.set(pinBlock('161803'));
  await t.throwsAsync(look.issue(orderFor(look)), { code: 'wrong-pin' });
  t.is(pin.card.applet.pins.application.tries, 2);
  t.deepEqual(pin.card.applet.keys.slots(), [0xf9]);

  const puk = new SoftwareSlot({ factory: true });
  const second = (await tokenIn(puk)).issuer;
  const seen = await second.look();
  if (seen === null) throw new Error('no look');
  puk.card.applet.pins.puk.set(pinBlock('87654321'));
  await t.throwsAsync(seen.issue(orderFor(seen)), { code: 'wrong-puk' });
  t.is(puk.card.applet.pins.puk.tries, 2);
  t.false(puk.card.applet.pins.verified);
});

test('a card that takes any management key and has none is found out', async (t) => {
  const slot = new SoftwareSlot({ factory: true });
  const look = await lookAt(slot);
  slot.card.faults.arm({
    kind: 'reply',
    hex: `7c128210${'00'.repeat(16)}9000`,
    ins: '87',
    p2: '9B',
    skip: 1,
  });
  await t.throwsAsync(look.issue(orderFor(look)), { code: 'card-fault', message: /not proved/ });
  t.deepEqual(slot.card.applet.keys.slots(), [0xf9]);
});

test('a card that signs with another key than it shows', async (t) => {
  const slot = new SoftwareSlot({ factory: true });
  const look = await lookAt(slot);
  slot.card.faults.arm({ kind: 'wrong-signature' });
  await t.throwsAsync(look.issue(orderFor(look)), { code: 'bad-proof' });
  t.true(slot.card.applet.pins.application.isDefault);
});

test('a new PIN that the card finds too simple: all else is done, and another PIN ends it', async (t) => {
  const slot = new SoftwareSlot({ factory: true, pinComplexity: true });
  await t.throwsAsync(setUp(slot, { nextPin: secret('112233') }), { code: 'pin-malformed' });
  t.true(slot.card.applet.pins.application.isDefault);
  await setUp(slot);
  await isSetUp(t, slot);
});

test('policies and algorithms, a PIN for each use and a touch', async (t) => {
  for (const algorithm of ['p384', 'rsa2048', 'ed25519'] as const) {
    const slot = new SoftwareSlot({ factory: true });
    let touches = 0;
    const key = { algorithm, pinPolicy: 'always', touchPolicy: 'cached' } as const;
    await setUp(slot, { key, beforeTouch: () => (touches += 1) });
    await isSetUp(t, slot);
    const made = slot.card.applet.keys.get(0x9a);
    t.deepEqual([made.type, made.pinPolicy, made.touchPolicy, touches], [algorithm, 'always', 'cached', 1]);
  }
});

test('a request for a certificate, judged by openssl', async (t) => {
  for (const algorithm of ['p256', 'rsa2048'] as const) {
    const slot = new SoftwareSlot({ factory: true });
    const { request } = await setUp(slot, {
      key: { ...KEY, algorithm },
      wantsRequest: true,
      holder: 'Ada Lövelace',
    });
    const said = execFileSync(
      'openssl',
      ['req', '-inform', 'DER', '-verify', '-noout', '-text', '-nameopt', 'utf8'],
      {
        input: request ?? '',
        stdio: ['pipe', 'pipe', 'pipe'],
        encoding: 'utf8',
      },
    );
    t.regex(said, /Subject: CN ?= ?Ada Lövelace/);
    t.regex(said, /TLS Web Client Authentication, Microsoft Smartcard ?[Ll]ogin/);
  }
});

test("an authority's certificate is put on the key's place, by the PIN alone", async (t) => {
  const slot = new SoftwareSlot({ factory: true });
  await setUp(slot);
  const token = await tokenIn(slot);
  const [login] = token.identities;
  const own = login?.certificate;
  if (login === undefined || own === undefined || own === null) throw new Error('no key');
  const { raw } = certificateIn(slot, '5FC105');
  await token.issuer.putCertificate(
    login,
    { ...own, der: Buffer.concat([raw]) },
    { pin: secret(PIN), permit },
  );
  const other = new SoftwareSlot({ key: 'p256' });
  const [strange] = (await tokenIn(other)).identities;
  if (strange?.certificate == null) throw new Error('no certificate');
  await t.throwsAsync(token.issuer.putCertificate(login, strange.certificate, { pin: secret(PIN), permit }), {
    code: 'card-changed',
  });
  t.false(slot.card.applet.pins.verified);
});

test("a card without the instructions says so, with a YubiKey's ATR and with one of its own", async (t) => {
  for (const atr of [undefined, '3B7F96000080318065B0846566FB12018300900001'])
    t.is(
      await (await tokenIn(new SoftwareSlot({ firmware: 'none', ...(atr && { atr }) }))).issuer.look(),
      null,
    );
});
