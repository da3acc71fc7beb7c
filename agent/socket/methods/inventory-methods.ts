// The methods of io.scauth that show what there is: drivers, readers, keys with their certificates; and the one that
// says which driver may run before login. Nothing here asks a card.

import { AgentError } from '../../base/errors.ts';
import { numbered } from '../../base/slices.ts';
import { NOT_EVALUATED } from '../../model/inventory.ts';
import type { TokenId } from '../../model/card/token.ts';
import type { Token, TokenSource } from '../../token/interface.ts';
import { wholeTokens } from '../../stories/card/find/whole-tokens.ts';
import { mayDriverRun } from '../../../policy/permit-driver.ts';
import { UNFIT_USE } from '../../words/pairing.ts';
import { mayDriverServe } from '../../stories/card/gates/driver-gate.ts';
import { guardDriver } from '../../stories/enforcement/shut-out-by-settings.ts';
import { tokenIdOf } from './caller.ts';
import type { AdminParts, Run } from './method-parts.ts';
import { pageOf } from './paging.ts';
import { wireDriver, wireItem, wireReader, wireReaderDriver } from './wire.ts';

/** Whether a driver may run in a login by a service, as somebody asks who has logged in. */
export function mayServe({
  inventory,
  loginDrivers,
}: Pick<AdminParts, 'inventory' | 'loginDrivers'>): (driver: string, service: string) => boolean {
  const gate = { drivers: () => inventory.drivers(), table: loginDrivers };
  return (driver, service) => mayDriverServe(driver, service, gate);
}

/** @throws AgentError `no-card` when the named card is not in */
async function tokensNamed(tokens: TokenSource, id: TokenId | null): Promise<readonly Token[]> {
  const present = await wholeTokens(tokens);
  if (id === null) return present;
  const named = present.filter((token) => token.id === id);
  if (named.length === 0) throw new AgentError('no-card', { detail: id });
  return named;
}

/** @throws AgentError `no-card`, and those of TokenSource.present */
export const listItems: Run<'ListItems'> = async (given, _peer, { tokens, inventory }) => {
  const named = await tokensNamed(tokens, tokenIdOf(given));
  const all = named.flatMap((token) => token.identities.map((identity) => ({ token, identity })));
  const { items, next } = await pageOf(numbered(all, given.after ?? 0), async ({ token, identity }) => {
    const { certificate } = identity;
    const trust = certificate === null ? NOT_EVALUATED : await inventory.trustOf(certificate);
    return wireItem(token, identity, trust, UNFIT_USE[identity.use]);
  });
  return { items, next };
};

export const listDrivers: Run<'ListDrivers'> = (_, _peer, { inventory, loginDrivers }) => {
  const drivers = inventory.drivers().map((driver) => {
    const { builtIn, id } = driver;
    const enabledForLogin = loginDrivers.loginDriver(id);
    return wireDriver(driver, mayDriverRun({ builtIn, enabledForLogin, beforeLogin: true }));
  });
  return { drivers };
};

export const listReaders: Run<'ListReaders'> = (_, _peer, { inventory }) => {
  return {
    readers: inventory.readers().map(wireReader),
    drivers: inventory.readerDrivers().map(wireReaderDriver),
  };
};

/** @throws AgentError `invalid-argument` for a driver that is not there, `would-shut-out` */
export const setDriverForLogin: Run<'SetDriverForLogin'> = async (
  { driver: id, enabled, shutOut },
  actor,
  { inventory, loginDrivers, audit, enforcement },
) => {
  if (!enabled && shutOut !== true) await guardDriver(id, enforcement);
  const driver = inventory.drivers().find((one) => one.id === id);
  if (driver === undefined)
    throw new AgentError('invalid-argument', { say: 'there is no such driver, see sc_auth drivers' });
  loginDrivers.setLoginDriver(id, enabled);
  const action = enabled ? 'enabled' : 'disabled';
  await audit.record({ kind: 'driver-changed', action, driver: id, version: driver.version, actor });
  return {};
};
