// The date of the release: on the man pages, and the time of every file in the package, so that building twice gives
// the same bytes. SOURCE_DATE_EPOCH (seconds) replaces it.

const named = Number(process.env['SOURCE_DATE_EPOCH'] ?? Number.NaN);

export const RELEASED = new Date(
  Number.isInteger(named) && named > 0 ? named * 1000 : Date.UTC(2026, 10, 24),
);
/** Seconds since 1970. */
export const RELEASED_SECONDS = RELEASED.getTime() / 1000;
