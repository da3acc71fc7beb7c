// A reply of Monitor as typed values.

import { AgentError } from '../base/errors.ts';
import { readReply, type WireRemoval, type WireSessionCard } from '../protocol/io-scauth.ts';

type Standing = 'unpaired' | 'own' | 'others' | 'unfit';
const STANDINGS: readonly Standing[] = ['unpaired', 'own', 'others', 'unfit'];

export interface SeenCard extends WireSessionCard {
  readonly standing: Standing;
}

export interface SessionState {
  readonly user: string;
  readonly loggingIn: boolean;
  readonly cards: readonly SeenCard[];
  readonly removals: readonly WireRemoval[];
}

/** @throws AgentError `malformed` */
export function readState(parameters: Readonly<Record<string, unknown>>): SessionState {
  const { user, loggingIn, cards, removals } = readReply('Monitor', parameters);
  return { user, loggingIn, cards: cards.map(seen), removals };
}

function seen(card: WireSessionCard): SeenCard {
  const standing = STANDINGS.find((one) => one === card.standing);
  if (standing === undefined) throw new AgentError('malformed', { detail: `the standing ${card.standing}` });
  return { ...card, standing };
}
