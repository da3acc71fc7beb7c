// What is read when a card goes in: names, certificates, what a broken object costs, and hostile cards.
import test from 'ava';
import { AgentError } from '../../../../agent/base/errors.ts';
import type { CardOptions } from '../../../kit/card/profile.ts';
import { insert, probe, ScriptedSlot, SoftwareSlot } from './card-slot.ts';

const PLAIN: CardOptions = { firmware: 'none', atr: '3B8D018073C021C057736F66747061' };

test('a card is read with its keys, uses and labels', async (t) => {
  const { token } = await insert({ cn: 'Ada Lovelace', guid: '0123456789abcdef'.repeat(2), key: 'p256' });
  t.is(String(token.id), `org.scauth.piv:${'0123456789ABCDEF'.repeat(2)}`);
  t.is(token.label, 'PIV (Ada Lovelace)');
  t.deepEqual(
    token.identities.map(({ slot, use }) => [slot, use]),
    [
      ['9A', 'authentication'],
      ['9C', 'signature'],
      ['9D', 'key-management'],
      ['9E', 'card-authentication'],
    ],
  );
  t.is(token.identities[0]?.label, 'PIV (Ada Lovelace):Certificate for PIV Authentication (Ada Lovelace)');
  t.deepEqual(token.lastPinState, { triesLeft: 3, triesTotal: 3 });
  t.deepEqual(token.notes, []);
});

test('probing spends no try and leaves a verified card as it is', async (t) => {
  const slot = new SoftwareSlot();
  await probe(slot);
  t.is(slot.card.log.verifyCount(), 0);
  slot.card.applet.pins.application.verified = true;
  await probe(slot);
  t.true(slot.card.applet.pins.verified);
});

test('gzipped certificates are read', async (t) => {
  const { token } = await insert({ gzip: true });
  t.is(token.identities.length, 4);
  t.true(token.identities.every(({ certificate }) => certificate !== null));
});

test('a YubiKey slot without certificate gives an identity by its metadata; another card, none', async (t) => {
  const { token } = await insert({ certificate: 'none', key: 'p256' });
  t.is(token.identities[0]?.publicKey.algorithm, 'p256');
  t.is(token.identities[0]?.certificate, null);
  t.deepEqual((await insert({ ...PLAIN, certificate: 'none' })).token.identities, []);
});

test('a card without a GUID is named by serial number or first key', async (t) => {
  const zero = '00'.repeat(16);
  t.is(String((await insert({ guid: zero, serial: 4711 })).token.id), 'org.scauth.piv:4711');
  t.regex((await insert({ ...PLAIN, guid: zero })).token.id, /^org\.scauth\.piv:[0-9A-F]{16}$/);
  const slot = new SoftwareSlot({ ...PLAIN, guid: zero, slots: [] });
  t.is(String((await probe(slot))?.id), 'org.scauth.piv:unnamed');
  t.notRegex(slot.instructions(), /f8/, 'Yubico’s instructions mean something else to another card');
});

test('a broken certificate costs its slot only, and is noted', async (t) => {
  const slot = new SoftwareSlot(PLAIN);
  slot.card.applet.objects.set('5FC10A', Buffer.from('7003300102', 'hex'));
  slot.card.applet.objects.setWhole('5FC10B', Buffer.from('5385FFFFFFFFFF', 'hex'));
  const token = await probe(slot);
  t.deepEqual(
    token?.identities.map((identity) => identity.slot),
    ['9A', '9E'],
  );
  t.is(token?.notes.length, 2);
  t.regex(token?.notes[0] ?? '', /^9C Certificate for Digital Signature: bad-certificate/);
});

test('a weak key costs its slot only', async (t) => {
  const { token } = await insert({ ...PLAIN, slots: { '9A': {}, '9C': { key: 'rsa1024' } } });
  t.deepEqual(
    token.identities.map(({ slot }) => slot),
    ['9A'],
  );
  t.regex(token.notes[0] ?? '', /weak-key/);
});

test('names from the card are made safe to print', async (t) => {
  const { token } = await insert({ cn: 'Eve\u001b[31m\u202eada\nX' });
  for (const text of [token.label, ...token.identities.map(({ label }) => label)]) {
    t.notRegex(text, /[\p{Cc}\p{Cf}]/u);
  }
});

test('a blocked PIN does not keep a card from being read', async (t) => {
  const slot = new SoftwareSlot();
  slot.card.applet.pins.application.tries = 0;
  t.is((await probe(slot))?.lastPinState.triesLeft, 0);
});

test('a card that goes in the middle of reading is no token', async (t) => {
  const slot = new SoftwareSlot();
  slot.card.faults.arm({ kind: 'eject', ins: 'CB', skip: 3 });
  await t.throwsAsync(probe(slot), { code: 'no-card' });
  t.deepEqual(slot.closed, ['leave']);
});

/** Whatever it is, it ends: in a token, null or an AgentError, after so many commands at most. */
async function survives(slot: ScriptedSlot | SoftwareSlot, most = 1001): Promise<boolean> {
  try {
    await probe(slot);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
  }
  return slot.commands.length <= most;
}

test('L10: a card that answers everything with the same nonsense', async (t) => {
  const nonsense = [
    '9000',
    '6100',
    '61FF',
    `${'00'.repeat(256)}61FF`,
    '538000009000',
    '53847FFFFFFF9000',
    '6C00',
    '63C3',
    '90',
    '',
  ];
  for (const reply of nonsense) {
    for (const extended of [false, true]) {
      const slot = new ScriptedSlot((_, index) => (index === 0 ? '9000' : reply), extended);
      t.true(await survives(slot), reply.slice(0, 20));
    }
  }
});

test('L10: each reply of reading a card, cut off at each byte of its first and last 16', async (t) => {
  const whole = new SoftwareSlot(PLAIN);
  await probe(whole);
  const replies = whole.card.log.entries().map(({ bytesOut }) => bytesOut);
  t.true(replies.length > 10);
  for (const [index, length] of replies.entries()) {
    for (let bytes = 0; bytes < length; bytes++) {
      if (bytes > 16 && bytes < length - 16) continue;
      const slot = new SoftwareSlot(PLAIN);
      slot.card.faults.arm({ kind: 'truncate', bytes, skip: index });
      if (!(await survives(slot))) t.fail(`reply ${index} cut to ${bytes}`);
      if (slot.open_ !== 0) t.fail(`reply ${index} cut to ${bytes}: not closed`);
    }
  }
});

test('L11: a gzip bomb in a certificate costs its slot only', async (t) => {
  const slot = new SoftwareSlot(PLAIN);
  const { gzipSync } = await import('node:zlib');
  const { certificateObject } = await import('../../../kit/card/objects.ts');
  slot.card.applet.objects.set('5FC105', certificateObject(gzipSync(Buffer.alloc(1 << 22)), true));
  const token = await probe(slot);
  t.deepEqual(
    token?.identities.map((identity) => identity.slot),
    ['9C', '9D', '9E'],
  );
});
