// Keeps token drivers out of requests that come before anybody has logged in, unless they are enabled for that.
// "Before login" is a fact of the kernel and of who asks: a relay of root's, for a service that starts sessions, from a
// process that belongs to no login (its loginuid is unset, proc(5)). sudo, su and lockers work for somebody who is there.

import type { DriverInfo } from '../../../model/card/driver.ts';
import type { AuthRequest } from '../../../model/request.ts';
import type { LoginDriverTable } from '../../../store/interface.ts';
import type { Token } from '../../../token/interface.ts';
import { mayDriverRun } from '../../../../policy/permit-driver.ts';
import { isService } from '../../../../policy/services.ts';

/** For somebody who has logged in already: a rehearsal has nothing but this name to go by, and a login begins with it. */
function isWithinLogin(service: string): boolean {
  return isService(service, 'switches') || isService(service, 'unlocks');
}

export interface DriverGateParts {
  readonly drivers: () => readonly DriverInfo[];
  readonly table: LoginDriverTable;
  /** The login uid of a process; null when it has none, or cannot be read. */
  readonly loginUidOf: (pid: number) => number | null;
}

export type DriverGate = (token: Token, request: AuthRequest) => boolean;

/** Whether nobody has logged in where the request comes from; in doubt, so it is. */
export function isBeforeLogin(
  { peer, service }: Pick<AuthRequest, 'peer' | 'service'>,
  loginUidOf: (pid: number) => number | null,
): boolean {
  return peer.uid === 0 && !isWithinLogin(service) && loginUidOf(peer.pid) === null;
}

/**
 * Whether a driver may run in a login by this service, as a rehearsal from within a session asks: services that start
 * sessions are taken as before login.
 * @throws AgentError `store-unreadable`
 */
export function mayDriverServe(
  driver: string,
  service: string,
  { drivers, table }: Omit<DriverGateParts, 'loginUidOf'>,
): boolean {
  const beforeLogin = !isWithinLogin(service);
  const builtIn = drivers().some(({ id, builtIn: shipped }) => id === driver && shipped);
  return mayDriverRun({ builtIn, enabledForLogin: table.loginDriver(driver), beforeLogin });
}

/** @returns a gate that throws AgentError `store-unreadable` when the administrator's word cannot be read */
export function driverGate({ drivers, table, loginUidOf }: DriverGateParts): DriverGate {
  return (token, request) => {
    if (!isBeforeLogin(request, loginUidOf)) return true;
    const builtIn = drivers().some(({ id, builtIn: shipped }) => id === token.driver && shipped);
    return mayDriverRun({ builtIn, enabledForLogin: table.loginDriver(token.driver), beforeLogin: true });
  };
}
