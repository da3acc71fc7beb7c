// Tells who has just logged in that the certificate on their card is about to end, once a day for each key. It comes
// after the decision and changes nothing of it; what goes wrong here is for the log only.

import { describeError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { GrantedDecision } from '../../model/decision.ts';
import type { Pkhh } from '../../model/key/key.ts';
import { wantsSilence, type AuthRequest } from '../../model/request.ts';
import type { ExpiryNotices } from '../../store/interface.ts';
import type { TokenSource } from '../../token/interface.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { Conversation } from '../card/conversation.ts';
import { expiryText } from '../../words/login.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export interface ExpiryParts {
  readonly policy: () => Policy;
  readonly tokens: Pick<TokenSource, 'present'>;
  readonly notices: ExpiryNotices;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** Whether both are on the same day of this machine's calendar. */
function isSameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** The end of the certificate on the card, which may be newer than the one that was paired. null: not known. */
async function endOf(pkhh: Pkhh, tokens: ExpiryParts['tokens']): Promise<number | null> {
  const identities = (await tokens.present(0)).flatMap((token) => token.identities);
  return identities.find(({ publicKey }) => publicKey.pkhh === pkhh)?.certificate?.notAfterMs ?? null;
}

/** Never throws. */
export async function tellExpiry(
  { user, pairing }: GrantedDecision,
  request: AuthRequest,
  person: Conversation,
  { policy, tokens, notices, clock, log }: ExpiryParts,
): Promise<void> {
  const { expiryNoticeDays } = policy().login;
  if (expiryNoticeDays === 0) return;
  try {
    const endMs = await endOf(pairing.pkhh, tokens);
    const nowMs = clock.nowMs();
    if (endMs === null || endMs - nowMs > expiryNoticeDays * DAY_MS) return;
    const toldMs = notices.expiryTold(user, pairing.pkhh);
    if (toldMs !== null && isSameDay(toldMs, nowMs)) return;
    // sudo always asks for silence, and for some people it is the only login of the day.
    person.tell(wantsSilence(request) ? 'error' : 'information', expiryText(endMs, nowMs));
    // Once the answer is on its way: nobody waits for the disk.
    setImmediate(() => {
      try {
        notices.noteExpiryTold(user, pairing.pkhh, nowMs);
      } catch (error) {
        log(`${request.id}: that the expiry was told was not noted: ${describeError(error)}`);
      }
    });
  } catch (error) {
    log(`${request.id}: the end of the certificate was not looked at: ${describeError(error)}`);
  }
}
