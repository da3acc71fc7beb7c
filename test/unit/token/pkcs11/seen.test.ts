// K1: where a token was seen, and whether it still is there, by slots and keys as modules show them.
import test from 'ava';
import { AgentError } from '../../../../agent/base/errors.ts';
import type { TokenSlot } from '../../../../agent/token/pkcs11/module.ts';
import type { ObjectReader } from '../../../../agent/token/pkcs11/objects.ts';
import { requireKeys, SeenTokens } from '../../../../agent/token/pkcs11/seen.ts';

const NO_KEYS = new Map<string, string>();

function slot(number: number, description: string, serial: string, label = 'Card'): TokenSlot {
  const said = { description, serial, label, manufacturer: 'Maker', model: 'Model' };
  return { slot: Buffer.from([number]), removable: true, flags: 0, minPin: 4, maxPin: 8, ...said };
}

function seenOne(one: TokenSlot): { seen: SeenTokens; place: string } {
  const seen = new SeenTokens();
  return { seen, place: seen.add({ reader: one.description, pins: [{ slot: one, keys: NO_KEYS }] }) };
}

const codeOf = (act: () => unknown): string | null => {
  try {
    act();
    return null;
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error);
  }
};

test('K1: of two cards of one serial the one in the reader that was shown is meant', (t) => {
  const [adas, bobs] = [slot(0, 'Reader A', '1'), slot(4, 'Reader B', '1')];
  const { seen, place } = seenOne(bobs);
  t.is(seen.slotOf(place, '0', [adas, bobs]), bobs);
});

test('K1: slots that have other numbers by now are found by what is in them', (t) => {
  const { seen, place } = seenOne(slot(4, 'Reader B', '1'));
  const now = slot(0, 'Reader B', '1');
  t.is(seen.slotOf(place, '0', [slot(4, 'Reader A', '1'), now]), now);
});

test('K1: another card in the reader is a changed card, an empty reader is none', (t) => {
  const { seen, place } = seenOne(slot(0, 'Reader A', '1'));
  t.is(
    codeOf(() => seen.slotOf(place, '0', [slot(0, 'Reader A', '2')])),
    'card-changed',
  );
  t.is(
    codeOf(() => seen.slotOf(place, '0', [slot(0, 'Reader A', '1', 'Other label')])),
    'card-changed',
  );
  t.is(
    codeOf(() => seen.slotOf(place, '0', [slot(0, 'Reader B', '1')])),
    'no-card',
  );
});

test('K1: what an earlier look has seen is not asked any more', (t) => {
  const one = slot(0, 'Reader A', '1');
  const { seen, place } = seenOne(one);
  seen.forget('Reader A');
  t.is(
    codeOf(() => seen.slotOf(place, '0', [one])),
    'card-changed',
  );
});

test('K1: two slots that say the same of themselves keep their order, and a third one refuses', (t) => {
  const [first, second] = [slot(0, 'Reader A', '1'), slot(1, 'Reader A', '1')];
  const seen = new SeenTokens();
  const pins = [first, second].map((one) => ({ slot: one, keys: NO_KEYS }));
  const place = seen.add({ reader: 'Reader A', pins });
  t.is(seen.slotOf(place, '1', [first, second]), second);
  t.is(
    codeOf(() => seen.slotOf(place, '1', [first])),
    'card-changed',
  );
  t.is(
    codeOf(() => seen.slotOf(place, '1', [first, second, slot(2, 'Reader A', '1')])),
    'card-changed',
  );
  t.is(
    codeOf(() => seen.slotOf(place, '2', [first, second])),
    'card-changed',
  );
});

test('K1: another key in the same slot refuses before the PIN', (t) => {
  const withKey = (spki: string): ObjectReader => {
    const object = { handle: Buffer.from(spki), class: 2, id: '01', label: '' };
    const reader: Pick<ObjectReader, 'find' | 'spki'> = {
      find: (objectClass) => (objectClass === 2 ? [object] : []),
      spki: (handle) => handle,
    };
    return reader as ObjectReader;
  };
  const keys = new Map([['01', 'd4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35']]); // SHA-256 of "2"
  t.notThrows(() => {
    requireKeys(keys, withKey('2'));
  });
  t.is(
    codeOf(() => {
      requireKeys(keys, withKey('3'));
    }),
    'card-changed',
  );
});
