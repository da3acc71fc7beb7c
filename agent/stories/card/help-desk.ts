// A help desk's part in a new PIN: challenges that are open, one a card, and what comes of their answers. An answer is good
// once, for a quarter of an hour; wrong ones close the challenge and make the next one wait.
// Why: DECISIONS.md D252, D253.

import { randomBytes } from 'node:crypto';
import { AgentError } from '../../base/errors.ts';
import { Pin } from '../../base/pin.ts';
import {
  challengeText,
  newDeskRecord,
  nextChallenge,
  pukByAnswer,
  SEED_BYTES,
  type DeskChallenge,
} from '../../model/secret/help-desk.ts';
import type { Pkhh, PublicKey } from '../../model/key/key.ts';
import type { Username } from '../../model/request.ts';
import { sealSecret } from '../../model/secret/sealed-secret.ts';
import type { DeskTable, PairingTable } from '../../store/interface.ts';
import type { Token } from '../../token/interface.ts';
import * as say from '../../words/help-desk.ts';
import type { Conversation } from './conversation.ts';

const OPEN_MS = 15 * 60_000;
const MINUTE_MS = 60_000;
const LONGEST_WAIT_MINUTES = 60;
/** How often a person may mistype an answer before they have to begin again. */
const MAX_ROUNDS = 5;

interface Open {
  readonly challenge: DeskChallenge;
  readonly untilMs: number;
}

interface Wrong {
  readonly count: number;
  readonly notBeforeMs: number;
}

export class HelpDesk {
  readonly #table: DeskTable;
  readonly #machine: Pick<PairingTable, 'hostId'>;
  readonly #nowMs: () => number;
  readonly #open = new Map<Pkhh, Open>();
  readonly #wrong = new Map<Pkhh, Wrong>();

  /** @param nowMs a clock that nobody sets */
  constructor(
    table: DeskTable,
    machine: Pick<PairingTable, 'hostId'>,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#table = table;
    this.#machine = machine;
    this.#nowMs = nowMs;
  }

  /** The key by which a card is known here; null: it is not. @throws AgentError `store-unreadable` */
  keyOf({ identities }: Pick<Token, 'identities'>): Pkhh | null {
    const keys = identities.filter(({ use }) => use === 'authentication');
    return (
      keys.find(({ publicKey }) => this.#table.deskRecord(publicKey.pkhh) !== null)?.publicKey.pkhh ?? null
    );
  }

  /**
   * From now on an officer can help.
   * @param puk that the card has; stays the caller's
   * @returns the officer's part, sealed to their key
   * @throws AgentError `not-supported` for a key that nothing can be sealed to, `store-unreadable`
   */
  async enrol(user: Username, pkhh: Pkhh, puk: Pin, officer: PublicKey): Promise<Buffer> {
    const hostId = this.#machine.hostId();
    const seed = randomBytes(SEED_BYTES);
    try {
      const sealed = sealSecret(seed, officer, { hostId, user, pkhh, what: 'help desk seed' });
      this.#table.keepDeskRecord(pkhh, await newDeskRecord(seed, puk, { hostId, pkhh }));
      this.#open.delete(pkhh);
      return sealed;
    } finally {
      seed.fill(0);
    }
  }

  /** The PUK of the card is not what it was. */
  forget(pkhh: Pkhh): void {
    this.#table.keepDeskRecord(pkhh, null);
    this.#open.delete(pkhh);
  }

  /** The one that is open, or a new one. @throws AgentError `wrong-answer`, `store-unreadable` */
  #challenge(pkhh: Pkhh): DeskChallenge {
    const now = this.#nowMs();
    const { notBeforeMs = 0 } = this.#wrong.get(pkhh) ?? {};
    if (now < notBeforeMs)
      throw new AgentError('wrong-answer', { say: say.waitText(Math.ceil((notBeforeMs - now) / MINUTE_MS)) });
    const open = this.#open.get(pkhh);
    if (open !== undefined && now < open.untilMs) return open.challenge;
    const record = this.#table.deskRecord(pkhh);
    if (record === null) throw new AgentError('wrong-answer', { say: say.NOT_ENROLLED });
    const { challenge, record: next } = nextOf(record);
    // Before anybody sees it: what makes its mask is nowhere but here by then.
    this.#table.keepDeskRecord(pkhh, next);
    this.#open.set(pkhh, { challenge, untilMs: now + OPEN_MS });
    return challenge;
  }

  /**
   * @returns the PUK, which the caller wipes; null: mistyped, or for another challenge
   * @throws AgentError `wrong-answer`, `store-unreadable`
   */
  async #answer(pkhh: Pkhh, typed: Pin): Promise<Pin | null> {
    const open = this.#open.get(pkhh);
    const record = this.#table.deskRecord(pkhh);
    if (open === undefined || this.#nowMs() >= open.untilMs || record === null)
      throw new AgentError('wrong-answer', { detail: 'no challenge is open' });
    const puk = await pukByAnswer(typed, open.challenge, record, { hostId: this.#machine.hostId(), pkhh });
    if (puk === 'malformed') return null;
    // Another conversation may have used it while this one computed.
    const isStillOpen = this.#open.get(pkhh) === open;
    this.#open.delete(pkhh);
    if (puk !== 'wrong' && isStillOpen) {
      this.#wrong.delete(pkhh);
      return puk;
    }
    if (puk !== 'wrong') puk.wipe();
    const count = (this.#wrong.get(pkhh)?.count ?? 0) + 1;
    const minutes = Math.min(2 ** (count - 1), LONGEST_WAIT_MINUTES);
    this.#wrong.set(pkhh, { count, notBeforeMs: this.#nowMs() + minutes * MINUTE_MS });
    throw new AgentError('wrong-answer', { detail: `wrong answer number ${count}` });
  }

  /**
   * Shows a challenge and takes its answer.
   * @returns the PUK, which the caller wipes
   * @throws AgentError `wrong-answer`, `cancelled`, `store-unreadable`
   */
  async askPuk(pkhh: Pkhh, person: Conversation): Promise<Pin> {
    const text = say.answerPrompt(challengeText(this.#challenge(pkhh)));
    for (let round = 1; round <= MAX_ROUNDS; round += 1) {
      const typed = await person.ask(text, true);
      try {
        if (typed === null || typed.isEmpty) throw new AgentError('cancelled');
        const puk = await this.#answer(pkhh, typed);
        if (puk !== null) return puk;
        person.tell('error', say.MISHEARD);
      } finally {
        typed?.wipe();
      }
    }
    throw new AgentError('cancelled', { detail: 'no answer after several rounds' });
  }
}

function nextOf(record: Parameters<typeof nextChallenge>[0]): ReturnType<typeof nextChallenge> {
  try {
    return nextChallenge(record);
  } catch (cause) {
    throw new AgentError('wrong-answer', { say: say.NO_MORE, cause });
  }
}
