// How many tries a PIN or a PUK has, as each sentence says it.

/** `2 tries left`, `1 try left`. */
export function triesLeftText(triesLeft: number): string {
  return triesLeft === 1 ? '1 try left' : `${triesLeft} tries left`;
}
