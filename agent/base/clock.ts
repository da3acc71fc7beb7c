// Time as a parameter: policy and the login story never read a clock by themselves.

export interface Clock {
  /** Wall clock, milliseconds since the epoch: for records that people read. */
  nowMs(): number;
  /** Monotonic clock, milliseconds from an arbitrary point: for deadlines. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
