// How large a pairing book may be, for those who write one, who carry it and who read it. Nothing is loaded with these.

/** 100,000 records of P-256 keys are about 100 MB. */
export const MAX_BOOK_BYTES = 160 * 1024 * 1024;
/** Longest line, in bytes, without its line break. */
export const MAX_BOOK_LINE = 16 * 1024;
/** More than one machine has people; what is beyond is left out, and said. */
export const MAX_BOOK_RECORDS = 200_000;
