// What `sc_auth explain` says of enforcement: whether a password would be enough here, by the rule that decides it.

import type { Account } from '../../model/account.ts';
import type { SessionPlace } from '../../model/peer-session.ts';
import { permitWithoutCard } from '../../../policy/permit-without-card.ts';
import { found as say } from '../../words/explain.ts';
import { standingOf } from './account-standing.ts';
import type { PlanParts } from './enforcement-plan.ts';

export interface EntryQuestion {
  readonly account: Account;
  readonly service: string;
  readonly rhost: string | null;
}

/** @returns null while enforcement is off @throws AgentError `store-unreadable`, `internal` */
export async function explainEnforcement(
  { account, service, rhost }: EntryQuestion,
  session: SessionPlace,
  parts: PlanParts,
): Promise<string | null> {
  const state = parts.enforcement.state();
  if (state.kind === 'off') return null;
  const { isRoot, inExemptGroup, isRequired, exemptUntilMs, isBound } = await standingOf(account, parts);
  const { permitted, rule } = permitWithoutCard(
    parts.policy(),
    state,
    {
      service,
      rhost,
      session,
      peerUid: 0,
      userUid: account.uid,
      isRoot,
      onConsole: false,
      inExemptGroup,
      isRequired,
      exemptUntilMs,
      hasPairing: isBound,
      asked: 'other',
    },
    parts.clock.nowMs(),
  );
  return permitted ? say.passwordEnough(rule) : say.cardRequired;
}
