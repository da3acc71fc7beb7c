// Calls that send a secret to a card are for the session in front at a seat of this machine, or for root.

import { noLogind } from '../../../../kit/story/fakes.ts';
import test from 'ava';
import { requireHere } from '../../../../../agent/stories/card/gates/require-here.ts';
import type { PeerSession, UserSession } from '../../../../../agent/model/peer-session.ts';
import { defaultPolicy } from '../../../../../policy/policy.ts';
import { policyWith } from '../../../../kit/story/policy-with.ts';

const peer = { pid: 1, uid: 1000, gid: 1000 };
const notHere = { code: 'not-here' } as const;

function at(state: string, place: PeerSession['place'] = 'local') {
  const session: UserSession = {
    id: '2',
    uid: 1000,
    user: 'ada',
    seat: place === 'local' ? 'seat0' : null,
    type: 'wayland',
    class: 'user',
    display: null,
    tty: 'tty2',
    remote: place === 'remote',
    remoteHost: null,
    state,
  };
  return { sessionOf: () => Promise.resolve({ place, session, detail: 'Session 2 of ada' }) };
}

test('S9: a session that is not in front sends no PIN to the card of whoever is', async (t) => {
  await t.notThrowsAsync(requireHere(peer, defaultPolicy, at('active')));
  for (const how of ['yes', 'seat'] as const)
    await t.throwsAsync(requireHere(peer, defaultPolicy, at('online'), how), notHere);
  await t.notThrowsAsync(requireHere({ ...peer, uid: 0 }, defaultPolicy, at('online')));
});

test('S9: who is elsewhere is refused, or hears so in a step of the rehearsal', async (t) => {
  for (const place of ['remote', 'unclear'] as const) {
    await t.throwsAsync(requireHere(peer, defaultPolicy, at('active', place)), notHere);
    await t.notThrowsAsync(requireHere(peer, defaultPolicy, at('active', place), 'seat'));
    await t.notThrowsAsync(requireHere(peer, policyWith({ login: { remote: true } }), at('active', place)));
  }
  await t.notThrowsAsync(requireHere(peer, defaultPolicy, noLogind));
});
