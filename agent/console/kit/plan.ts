// The plan of enforcement: each account with its cards and whether a required card would keep it out, by pages as they come,
// and anew at each change.

import type { WireStanding } from '../../protocol/io-scauth.ts';
import { callPages } from './agent.ts';
import { now, onChange } from './live.ts';

/**
 * @param tell gets all accounts that there are so far; `isWhole`: there are no more
 * @param fail gets what failed while scauthd is there
 * @returns what ends it
 */
export function followPlan(
  tell: (accounts: readonly WireStanding[], isWhole: boolean) => void,
  fail: (error: unknown) => void,
): () => void {
  let isOver = false;
  let isAsking = false;
  let isStale = false;
  let isFirst = true;
  const ask = async (): Promise<void> => {
    const all: WireStanding[] = [];
    try {
      await callPages('PlanEnforcement', {}, ({ accounts }) => {
        all.push(...accounts);
        // What is there already is not taken away while the new list comes.
        if (isFirst && !isOver) tell(all, false);
      });
      isFirst = false;
      if (!isOver) tell(all, true);
    } catch (error) {
      if (!isOver && now().state !== 'gone') fail(error);
    }
  };
  const work = async (): Promise<void> => {
    while (isStale && !isOver) {
      isStale = false;
      await ask();
    }
    isAsking = false;
  };
  const again = (): void => {
    isStale = true;
    if (isAsking) return;
    isAsking = true;
    void work();
  };
  const endChanges = onChange(({ state }) => {
    if (state === 'there') again();
  });
  again();
  return () => {
    isOver = true;
    endChanges();
  };
}
