// A card proves its own key (9E) while it is read: in the same transaction, without a PIN; a copy does not; a key that
// waits for a touch is left alone.
import test from 'ava';
import { cardKeyCheck } from '../../../../agent/stories/card/card-check.ts';
import { PivDriver } from '../../../../agent/token/piv/driver.ts';
import type { PivToken } from '../../../../agent/token/piv/token.ts';
import type { CardOptions } from '../../../kit/card/profile.ts';
import { readKey } from '../../../kit/card/profile.ts';
import { probe, SoftwareSlot } from './card-slot.ts';

const PLAIN: CardOptions = { firmware: 'none', atr: '3B8D018073C021C057736F66747061' };
const check = cardKeyCheck(() => Buffer.alloc(16, 7));

async function read(slot: SoftwareSlot, by = check): Promise<PivToken> {
  const token = await probe(slot, new PivDriver(by));
  if (token === null) throw new Error('the software card was not recognised');
  return token;
}

for (const key of ['p256', 'p384', 'rsa2048', 'rsa3072', 'ed25519']) {
  test(`9E with ${key}: proven by the key that the card shows`, async (t) => {
    const slot = new SoftwareSlot({ slots: { '9A': { key: 'p256' }, '9E': { key } } });
    const { cardProof, identities } = await read(slot);
    t.is(cardProof.kind, 'proven');
    const own = identities.find(({ slot: name }) => name === '9E')?.publicKey.spki;
    t.true(cardProof.kind === 'proven' && cardProof.key.spki.equals(own ?? Buffer.alloc(0)));
    t.deepEqual(slot.closed, ['leave'], 'one transaction for reading and proof');
    t.is(slot.card.log.verifyCount(), 0);
  });
}

test('one APDU more on a card with P-256, and each challenge is another', async (t) => {
  const slot = new SoftwareSlot(PLAIN);
  await probe(slot);
  const without = slot.commands.splice(0).length;
  await read(slot);
  const first = slot.commands.splice(0);
  t.is(first.length, without + 1);
  await read(slot);
  const signed = (commands: readonly string[]) => commands.find((command) => command.startsWith('0087119e'));
  t.not(signed(first), signed(slot.commands));
});

test('a copy of the certificates on another card cannot prove the key', async (t) => {
  const slot = new SoftwareSlot(PLAIN);
  slot.card.applet.keys.set(0x9e, readKey('p256:2', 0x9e), 'imported');
  const { cardProof } = await read(slot);
  t.like(cardProof, { kind: 'failed', detail: 'the signature is not by the paired key' });
});

test('L8: an old signature is none', async (t) => {
  const slot = new SoftwareSlot(PLAIN);
  t.is((await read(slot)).cardProof.kind, 'proven');
  slot.card.faults.arm({ kind: 'replay-signature' });
  t.is((await read(slot)).cardProof.kind, 'failed');
  t.is((await read(slot)).cardProof.kind, 'proven', 'the next insertion is another');
});

test('no 9E, a 9E that does not sign, nobody who asks: nothing is proven, and the card is read', async (t) => {
  t.is((await read(new SoftwareSlot({ ...PLAIN, slots: ['9A'] }))).cardProof.kind, 'none');
  const refuses = new SoftwareSlot(PLAIN);
  refuses.card.faults.arm({ kind: 'status', sw: '6982', ins: '87', times: 'always' });
  const token = await read(refuses);
  t.is(token.cardProof.kind, 'none');
  t.regex(token.notes.join(), /does not sign with its own key \(6982\)/);
  t.is(token.identities.length, 4);
  const garbage = new SoftwareSlot(PLAIN);
  garbage.card.faults.arm({ kind: 'truncate', bytes: 4, ins: '87', times: 'always' });
  t.is((await read(garbage)).cardProof.kind, 'none');
  const unreadable = cardKeyCheck(() => {
    throw new Error('no host id');
  });
  const silent = new SoftwareSlot(PLAIN);
  t.is((await read(silent, unreadable)).cardProof.kind, 'none');
  t.false(silent.commands.some((command) => command.startsWith('0087')));
});

test('a YubiKey whose 9E wants a PIN, or does not say, is not asked', async (t) => {
  const wantsPin = new SoftwareSlot();
  const policies = { pinPolicy: 'once', touchPolicy: 'never' } as const;
  wantsPin.card.applet.keys.set(0x9e, readKey('p256', 0x9e), 'generated', policies);
  const old = new SoftwareSlot();
  old.card.faults.arm({ kind: 'status', sw: '6D00', ins: 'F7', times: 'always' });
  for (const slot of [wantsPin, old]) {
    t.is((await read(slot)).cardProof.kind, 'none');
    t.false(slot.commands.some((command) => command.startsWith('0087')));
  }
});
