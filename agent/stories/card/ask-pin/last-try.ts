// Whether a try of a card's PIN (or PUK) may be used, and how the person is asked. A yes is for a count: who agreed to use
// one of the last two has not agreed to use the last. The count that decides is the one at the moment of sending, so the
// permit goes with the PIN (model/card/token.ts), and where it is refused there, the person is asked again with what was typed.
// Why: DECISIONS.md D19.

import { AgentError, asAgentError } from '../../../base/errors.ts';
import type { Pin } from '../../../base/pin.ts';
import type { PinState, PinTry, TryPermit } from '../../../model/card/token.ts';
import { permitTry, type TryPermission } from '../../../../policy/permit-try.ts';
import type { Policy } from '../../../../policy/policy.ts';
import type { Conversation } from '../conversation.ts';

/** Each round has had its own yes; a driver that goes on finding fewer tries is not believed for ever. */
const MOST_ROUNDS = 5;

export interface Trying {
  readonly person: Conversation;
  /** The one in force when a PIN is sent. */
  readonly policy: () => Policy;
  readonly secret: 'PIN' | 'PUK';
  /** What is asked, for so many tries. */
  readonly question: (now: PinState) => string;
  /** Whether the last tries are this person's to spend; asked only where it comes to that. */
  readonly mine: () => Promise<boolean>;
}

export class TryConsent {
  readonly #trying: Trying;
  #agreed: PinState | null = null;
  /** What was known when the permit was refused. */
  #refused: PinState | null = null;

  constructor(trying: Trying) {
    this.#trying = trying;
  }

  /** Goes to the card with the PIN. */
  readonly permit: TryPermit = (now) => {
    switch (this.#judge(now)) {
      case 'permitted':
        return;
      case 'blocked':
        throw this.#blocked();
      case 'needs-consent':
        this.#refused = now;
        throw reserved('pin-reserve', now);
    }
  };

  /** Whether a PIN could be sent by what is known; nobody is asked. */
  permits(now: PinState): boolean {
    return this.#judge(now) === 'permitted';
  }

  #judge(now: PinState): TryPermission {
    const permission = permitTry(this.#trying.policy(), now);
    const agreed = permission === 'needs-consent' && this.#agreed !== null && covers(this.#agreed, now);
    return agreed ? 'permitted' : permission;
  }

  #blocked(): AgentError {
    return new AgentError(this.#trying.secret === 'PUK' ? 'puk-blocked' : 'pin-blocked', { triesLeft: 0 });
  }

  /**
   * Asks for a yes where one is needed.
   * @throws AgentError `pin-blocked`, `puk-blocked`, `pin-not-yours`, `cancelled`, `pin-reserve` (the answer is no)
   */
  async obtain(now: PinState): Promise<void> {
    const permission = this.#judge(now);
    if (permission === 'permitted') return;
    if (permission === 'blocked') throw this.#blocked();
    const { person, secret, question, mine } = this.#trying;
    if (!(await mine())) throw reserved('pin-not-yours', now);
    const typed = await person.ask(question(now), true);
    if (typed === null) throw new AgentError('cancelled');
    const yes = typed.says('yes');
    typed.wipe();
    if (!yes && secret === 'PUK')
      throw new AgentError('cancelled', { detail: 'the last tries of the PUK were kept' });
    if (!yes) throw reserved('pin-reserve', now);
    this.#agreed = now;
  }

  /**
   * Sends what was typed, and wipes it; where fewer tries are left than were agreed to, asks first and sends it then.
   * @param pin null: typed on the reader
   * @param send gets a copy for each round, and wipes it
   * @throws AgentError as `obtain`, and what `send` throws
   */
  async send<T>(pin: Pin | null, send: (attempt: PinTry) => Promise<T>): Promise<T> {
    try {
      for (let round = 1; ; round += 1) {
        const copy = pin?.copy() ?? null;
        try {
          return await send({ pin: copy, permit: this.permit });
        } catch (error) {
          if (asAgentError(error).code !== 'pin-reserve' || round === MOST_ROUNDS) throw error;
        } finally {
          copy?.wipe();
        }
        // Else the driver looked and has not sent it; what it found is remembered, and judged in the next round.
        const refused = this.#takeRefused();
        if (refused !== null) await this.obtain(refused);
      }
    } finally {
      pin?.wipe();
    }
  }

  #takeRefused(): PinState | null {
    const refused = this.#refused;
    this.#refused = null;
    return refused;
  }

  /** The same with a new PIN, which goes along. It stays the caller's. */
  sendWith(pin: Pin, next: Pin, send: (attempt: PinTry, next: Pin) => Promise<void>): Promise<void> {
    return this.send(pin, async (attempt) => {
      const copy = next.copy();
      try {
        await send(attempt, copy);
      } finally {
        copy.wipe();
      }
    });
  }
}

/** No fewer are left, and no wrong one came between. */
function covers(agreed: PinState, now: PinState): boolean {
  const left = agreed.triesLeft ?? 0;
  const counted = (agreed.triesLeft === null) === (now.triesLeft === null);
  return counted && (now.triesLeft ?? 0) >= left && (now.wrong ?? 0) <= (agreed.wrong ?? 0);
}

function reserved(code: 'pin-reserve' | 'pin-not-yours', { triesLeft }: PinState): AgentError {
  return new AgentError(code, triesLeft === null ? {} : { triesLeft });
}
