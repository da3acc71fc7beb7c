// The methods of io.scauth about lost cards. What follows is in stories/lost; here parameters are parsed and callers judged:
// a user speaks of what is paired with them, root of everything.

import { AgentError } from '../../base/errors.ts';
import { rowsBehind } from '../../base/slices.ts';
import { parsePkhh } from '../../model/key/key.ts';
import { parseSerial, type Lost } from '../../model/lost.ts';
import type { LostPlace } from '../../store/interface.ts';
import { sayFound, sayLost, type LostWhat } from '../../stories/lost/say-lost.ts';
import { InvalidParameter } from '../../protocol/varlink.ts';
import { callerUnlessRoot, loginNameOf, userInScope } from './caller.ts';
import type { Run } from './method-parts.ts';
import { pageOf } from './paging.ts';
import { wireLost } from './wire.ts';

/** @throws AgentError `invalid-argument` unless exactly one is there */
function whatOf({
  hash,
  serial,
}: {
  readonly hash: string | null;
  readonly serial: string | null;
}): LostWhat {
  if ((hash === null) === (serial === null))
    throw new AgentError('invalid-argument', { say: 'a hash or a serial number is needed, and not both' });
  return {
    pkhh: hash === null ? null : parsePkhh(hash),
    serial: serial === null ? null : parseSerial(serial),
  };
}

export const lost: Run<'SayLost'> = async (given, peer, parts) => {
  const what = whatOf(given);
  const isRoot = peer.uid === 0;
  const user = isRoot && given.user === null ? null : await userInScope(peer, given.user, parts.accounts);
  const by = isRoot || user === null ? loginNameOf(given.by) : user;
  const report = await sayLost(what, user, by, peer, { ...parts, enforcement: parts.enforcement });
  return { lost: report.lost.map(wireLost), sessions: report.sessions, notes: [...report.notes] };
};

export const found: Run<'SayFound'> = async (given, peer, parts) => {
  const report = await sayFound(whatOf(given), peer, parts);
  return { found: report.found.map(wireLost), notes: [...report.notes] };
};

/** @throws InvalidParameter */
function placeOf(after: string): LostPlace {
  const [kind, name, ...more] = after.split(' ');
  if ((kind !== 'key' && kind !== 'card') || name === undefined || more.length > 0)
    throw new InvalidParameter('after');
  return { kind, name };
}

export const listLost: Run<'ListLost'> = async ({ after }, peer, parts) => {
  const own = await callerUnlessRoot(peer, parts.accounts);
  const rows = rowsBehind<Lost, LostPlace>(
    after === null ? null : placeOf(after),
    (behind, count) => parts.lost.lostPage(behind, count),
    ({ kind, name }) => ({ kind, name }),
  );
  const visible = rows.map(({ one, place }) => ({
    one: own === null || one.user === own ? one : null,
    place,
  }));
  const { items, next } = await pageOf(visible, wireLost);
  return { lost: items, next: next === null ? null : `${next.kind} ${next.name}` };
};
