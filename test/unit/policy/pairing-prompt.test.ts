// The rule of the pairing prompt: each level can only take away.

import test from 'ava';
import { promptState } from '../../../policy/pairing-prompt.ts';

const nothing = { machine: null, user: null, card: null };

test('it is on by default, and off where users may not pair at all', (t) => {
  t.deepEqual(promptState(true, nothing), { enabled: true, level: 'default' });
  t.deepEqual(promptState(false, { machine: true, user: true, card: true }), {
    enabled: false,
    level: 'policy',
  });
});

test('the widest no decides; no user switches on what the administrator switched off', (t) => {
  t.deepEqual(promptState(true, { machine: false, user: true, card: true }), {
    enabled: false,
    level: 'machine',
  });
  t.deepEqual(promptState(true, { machine: true, user: false, card: true }), {
    enabled: false,
    level: 'user',
  });
  t.deepEqual(promptState(true, { machine: true, user: true, card: false }), {
    enabled: false,
    level: 'card',
  });
});

test('without a no the narrowest yes is named', (t) => {
  t.deepEqual(promptState(true, { ...nothing, machine: true }), { enabled: true, level: 'machine' });
  t.deepEqual(promptState(true, { machine: true, user: true, card: null }), { enabled: true, level: 'user' });
  t.deepEqual(promptState(true, { machine: null, user: null, card: true }), { enabled: true, level: 'card' });
});
