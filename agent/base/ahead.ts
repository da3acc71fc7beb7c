// Who goes ahead where people wait for a card: a request that a program of root's makes (sudo, a greeter, login) for the
// person in front of it. Known from the request on, in whatever it does, without a parameter through each floor between.

import { AsyncLocalStorage } from 'node:async_hooks';

const requests = new AsyncLocalStorage<boolean>();

/** Does something for a request that goes ahead, or does not. */
export function withRank<T>(ahead: boolean, act: () => T): T {
  return requests.run(ahead, act);
}

export function goesAhead(): boolean {
  return requests.getStore() === true;
}
