// The methods of io.scauth that show what there is: drivers, readers, keys with their certificates; and the one that
// says which driver may run before login. Nothing here asks a card.

import { AgentError } from '../../base/errors.ts';
import { numbered } from '../../base/slices.ts';
import type { AuditLog } from '../../audit/interface.ts';
import { NOT_EVALUATED, type Inventory } from '../../model/inventory.ts';
import type { PeerCredentials } from '../../model/request.ts';
import type { TokenId } from '../../model/token.ts';
import type { LoginDriverTable } from '../../store/interface.ts';
import { CARD_READING_MS, type Token, type TokenSource } from '../../token/interface.ts';
import { mayDriverRun } from '../../../policy/permit-driver.ts';
import { UNFIT_USE } from '../../words/pairing.ts';
import type { Methods } from '../../protocol/io-scauth.ts';
import { pageOf } from './paging.ts';
import { wireDriver, wireItem, wireReader, wireReaderDriver } from './wire.ts';

export interface InventoryParts {
  readonly inventory: Inventory;
  readonly loginDrivers: LoginDriverTable;
  readonly tokens: TokenSource;
  readonly audit: AuditLog;
}

/** @throws AgentError `no-card` when the named card is not in */
async function tokensNamed(tokens: TokenSource, id: TokenId | null): Promise<readonly Token[]> {
  const present = await tokens.present(CARD_READING_MS);
  if (id === null) return present;
  const named = present.filter((token) => token.id === id);
  if (named.length === 0) throw new AgentError('no-card', { detail: id });
  return named;
}

/** @throws AgentError `no-card`, and those of TokenSource.present */
export async function listItems(
  id: TokenId | null,
  after: number,
  { tokens, inventory }: InventoryParts,
): Promise<Methods['ListItems']['reply']> {
  const named = await tokensNamed(tokens, id);
  const all = named.flatMap((token) => token.identities.map((identity) => ({ token, identity })));
  const { items, next } = await pageOf(numbered(all, after), async ({ token, identity }) => {
    const { certificate } = identity;
    const trust = certificate === null ? NOT_EVALUATED : await inventory.trustOf(certificate);
    return wireItem(token, identity, trust, UNFIT_USE[identity.use]);
  });
  return { items, next };
}

export function listDrivers({ inventory, loginDrivers }: InventoryParts): Methods['ListDrivers']['reply'] {
  const drivers = inventory.drivers().map((driver) => {
    const { builtIn, id } = driver;
    const enabledForLogin = loginDrivers.loginDriver(id);
    return wireDriver(driver, mayDriverRun({ builtIn, enabledForLogin, beforeLogin: true }));
  });
  return { drivers };
}

export function listReaders({ inventory }: InventoryParts): Methods['ListReaders']['reply'] {
  return {
    readers: inventory.readers().map(wireReader),
    drivers: inventory.readerDrivers().map(wireReaderDriver),
  };
}

/** The caller is root. @throws AgentError `invalid-argument` for a driver that is not there */
export async function setDriverForLogin(
  id: string,
  enabled: boolean,
  actor: PeerCredentials,
  { inventory, loginDrivers, audit }: InventoryParts,
): Promise<void> {
  const driver = inventory.drivers().find((one) => one.id === id);
  if (driver === undefined)
    throw new AgentError('invalid-argument', { say: 'there is no such driver, see sc_auth drivers' });
  loginDrivers.setLoginDriver(id, enabled);
  const action = enabled ? 'enabled' : 'disabled';
  await audit.record({ kind: 'driver-changed', action, driver: id, version: driver.version, actor });
}
