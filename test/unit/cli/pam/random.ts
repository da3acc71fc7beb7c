// Numbers that look random and are the same in each run, so that a failure can be looked at.

export interface Random {
  /** From 0, below the limit. */
  below(limit: number): number;
  pick<T>(from: readonly T[]): T;
}

/** A linear congruential generator; its high bits are used. */
export function random(seed: number): Random {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return { below, pick: (from) => from[below(from.length)] as (typeof from)[number] };
}
