// scauthd as a program of a session calls it: single calls, the states that Monitor tells, and the pairing of a key.

import type { SecretBuffer } from '../base/secret.ts';
import { AgentCall } from '../protocol/client/call.ts';
import { relay, type Answering } from '../protocol/client/conversation.ts';
import { AgentLink } from '../protocol/client/link.ts';
import { readState, type SessionState } from './state.ts';

/** Longest wait for the reply to a plain call. */
const REPLY_MS = 10_000;
/** scauthd is heard at least each second while it works. */
const SILENCE_MS = 5000;

/**
 * One call on a connection of its own.
 * @throws AgentRefusal in scauthd's words; Error for all else
 */
export async function callAgent(
  path: string,
  method: string,
  parameters: object,
): Promise<Readonly<Record<string, unknown>>> {
  const link = await AgentLink.connect([path]);
  try {
    const call = new AgentCall(link);
    await call.send(method, parameters, 'once');
    return (await call.reply(REPLY_MS)).parameters;
  } finally {
    link.close();
  }
}

/** @returns whether this program is the one that acts on it */
export async function claimNumber(path: string, number: number): Promise<boolean> {
  return (await callAgent(path, 'Claim', { number }))['claimed'] === true;
}

/** Each state that scauthd tells on `link`, until the connection ends. @throws as callAgent; AgentError `malformed` */
export async function* statesOf(link: AgentLink): AsyncGenerator<SessionState, never> {
  const call = new AgentCall(link);
  await call.send('Monitor', {}, 'more');
  for (;;) yield readState((await call.reply(null)).parameters);
}

/** Who answers; null cancels. Whoever gets a secret releases it. */
export interface Person {
  ask(text: string, echo: boolean): Promise<SecretBuffer | null>;
  tell(text: string): void;
}

/** A window stays open where nobody wants its answer any more; what is then typed is wiped. */
function answering(person: Person, gone: AbortSignal): Answering {
  return {
    cancelled: gone,
    tell: (text) => {
      person.tell(text);
    },
    ask: async (text, echo, abandoned) => {
      const asked = person.ask(text, echo);
      const none = new Promise<null>((resolve) => {
        abandoned.addEventListener('abort', () => {
          resolve(null);
        });
      });
      const answer = await Promise.race([asked, none]);
      if (!abandoned.aborted) return answer;
      void asked.then(
        (late) => late?.release(),
        () => undefined,
      );
      return null;
    },
  };
}

/**
 * Pairs the key with the caller's account; returns when it is paired.
 * @param gone the card is not in any more
 * @throws AgentRefusal in scauthd's words; LinkError, `cancelled` by the person or the card; AgentError `malformed`
 */
export async function pairKey(path: string, hash: string, person: Person, gone: AbortSignal): Promise<void> {
  const link = await AgentLink.connect([path]);
  try {
    const call = new AgentCall(link);
    await call.send('Pair', { hash }, 'upgrade');
    await call.reply(REPLY_MS);
    await relay(link, call.rest(), SILENCE_MS, answering(person, gone));
  } finally {
    link.close();
  }
}
