// What a paired card's driver means for it, case by case, and that a driver more never makes it worse.

import test from 'ava';
import fc from 'fast-check';
import { refusesPaired, type DriverFacts } from '../../../policy/paired-card.ts';
import type { CardCheckMode } from '../../../policy/policy.ts';
import { policyWith } from '../../kit/story/policy-with.ts';

const PIV: DriverFacts = { id: 'org.scauth.piv', kind: 'card', inUse: true };
const MODULES: DriverFacts = { id: 'org.scauth.pkcs11', kind: 'token', inUse: true };
const off = (driver: DriverFacts): DriverFacts => ({ ...driver, inUse: false });
const KEY = Buffer.from('the card’s own key');

function ruleFor(
  driver: string | null,
  cardKey: Buffer | null,
  drivers: readonly DriverFacts[],
  cardCheck: CardCheckMode = 'paired',
): string | null {
  return (
    refusesPaired(policyWith({ login: { cardCheck } }), { driver, cardKey, lost: false }, drivers)?.rule ??
    null
  );
}

test('whatever its driver, a card that was said to be lost is refused', (t) => {
  const lost = { driver: null, cardKey: null, lost: true };
  t.is(refusesPaired(policyWith({}), lost, [PIV])?.rule, 'sc_auth lost');
});

test('its driver is in use, or one after it can take its place', (t) => {
  t.is(ruleFor(PIV.id, KEY, [PIV, MODULES]), null);
  t.is(ruleFor(PIV.id, null, [off(PIV), MODULES]), null);
  t.is(ruleFor(PIV.id, KEY, [off(PIV), MODULES], 'off'), null);
  t.is(ruleFor(null, null, [off(PIV), off(MODULES)]), null, 'made without a card');
});

test('a driver that cannot ask the card what its pairing keeps, or what is always asked', (t) => {
  t.is(ruleFor(PIV.id, KEY, [off(PIV), MODULES]), 'login.card_check');
  t.is(ruleFor(MODULES.id, null, [PIV, MODULES]), null);
  t.is(ruleFor(MODULES.id, null, [PIV, MODULES], 'always'), 'login.card_check');
});

test('no driver that could have it: those before its own did not want it', (t) => {
  t.is(ruleFor(MODULES.id, null, [PIV, off(MODULES)]), 'tokens.disabled');
  t.is(ruleFor(PIV.id, null, [off(PIV), off(MODULES)], 'off'), 'tokens.disabled');
  t.is(ruleFor('org.example.gone', null, []), 'tokens.disabled');
});

test('a stricter word refuses no less, and a driver that is switched on no more', (t) => {
  const key = fc.constantFrom(null, KEY);
  const flags = fc.tuple(fc.boolean(), fc.boolean());
  const driver = fc.constantFrom(PIV.id, MODULES.id);
  fc.assert(
    fc.property(driver, key, flags, (id, cardKey, [piv, modules]) => {
      const drivers = [
        { ...PIV, inUse: piv },
        { ...MODULES, inUse: modules },
      ];
      const modes: CardCheckMode[] = ['off', 'paired', 'always'];
      const refused = modes.map((mode) => ruleFor(id, cardKey, drivers, mode) !== null);
      const own = drivers.map((one) => (one.id === id ? { ...one, inUse: true } : one));
      const better = modes.map((mode) => ruleFor(id, cardKey, own, mode) !== null);
      return (
        (!refused[0] || refused[1] === true) &&
        (!refused[1] || refused[2] === true) &&
        better.every((bad, at) => !bad || refused[at] === true || id === MODULES.id)
      );
    }),
  );
  t.pass();
});
