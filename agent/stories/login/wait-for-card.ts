// Waits for a card where `login.wait` says so: told once, seen as soon as it is in, ended by Enter or by the time. What
// a card has to be is the caller's to say. Nothing is asked meanwhile, so nothing has to be taken back.

import type { TokenSource } from '../../token/interface.ts';
import type { Conversation } from '../card/conversation.ts';
import { insertCardText } from '../../words/login.ts';

export interface CardWait {
  /** 0: nobody waits. */
  readonly waitMs: number;
  /** Asked before anything is said: somebody who is elsewhere can put no card in. */
  readonly mayWait: () => Promise<boolean>;
  readonly person: Conversation;
  readonly tokens: TokenSource;
}

/**
 * What `look` finds, looked at again at each change of the cards as long as it `misses` one.
 * @throws what `look` throws
 */
export async function awaitCard<T>(
  look: () => Promise<T>,
  misses: (found: T) => boolean,
  { waitMs, mayWait, person, tokens }: CardWait,
): Promise<T> {
  if (waitMs === 0 || tokens.onChange === undefined || person.hold === undefined) return look();
  // Listens before it looks: a card that comes between the two is not missed.
  let changed = false;
  let wake: () => void = () => undefined;
  const unsubscribe = tokens.onChange(() => {
    changed = true;
    wake();
  });
  const over = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  try {
    let found = await look();
    if (!misses(found) || !(await mayWait())) return found;
    const { text, plain } = insertCardText();
    const ended = AbortSignal.any([person.hold(text, plain), over.signal]);
    ended.addEventListener('abort', () => {
      wake();
    });
    timer = setTimeout(() => {
      over.abort();
    }, waitMs);
    for (; misses(found) && !ended.aborted; found = await look()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (changed || ended.aborted) resolve();
      });
      changed = false;
    }
    return found;
  } finally {
    if (timer !== null) clearTimeout(timer);
    unsubscribe();
  }
}
