// The tokens that are in with all their keys, for lists and for whoever looks for one key among them. A login, which
// needs few of them, takes TokenSource.present.

import { setTimeout as delay } from 'node:timers/promises';
import { CARD_READING_MS, type Token, type TokenSource } from '../../../token/interface.ts';

/** The cards that are in, for who lists or pairs them: one without a key for logins may have one by now. @throws as `present` */
export function lookAgain(source: TokenSource): Promise<readonly Token[]> {
  return source.presentAnew?.(CARD_READING_MS) ?? source.present(CARD_READING_MS);
}

/** A card that fails meanwhile, or takes long, has what was read of it by then; its notes say so. @throws as `present` */
export async function wholeTokens(source: TokenSource): Promise<readonly Token[]> {
  const read = new AbortController();
  const timeUp = delay(CARD_READING_MS, null, { signal: read.signal }).catch(() => null);
  try {
    const tokens = await lookAgain(source);
    const rests = tokens.map(async (token) => {
      await token.readRest?.().catch(() => undefined);
    });
    await Promise.race([Promise.all(rests), timeUp]);
    return tokens;
  } finally {
    read.abort();
  }
}
