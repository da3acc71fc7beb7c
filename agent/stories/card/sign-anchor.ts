// `sc_auth audit anchor --sign`: the administrator's own card signs where the audit log stands. What is signed is built
// here, from scauthd's own last record: nothing comes from outside, and a proof for an anchor is none for a login.

import { AgentError } from '../../base/errors.ts';
import type { AnchorSource } from '../../audit/interface.ts';
import { Challenge } from '../../model/challenge.ts';
import type { Username } from '../../model/request.ts';
import { signedAnchorText } from '../../model/sealed-log/signed-anchor.ts';
import type { Asked } from './conversation.ts';
import type { PairedCard } from './find/find-identity.ts';
import { signWithCard, type SigningParts } from './sign-with-card.ts';

export interface SignAnchorParts extends SigningParts {
  readonly anchors: AnchorSource;
}

/**
 * @param user whose paired card signs
 * @returns one line, see model/sealed-log/signed-anchor.ts
 * @throws AgentError `internal` (the log has no record, or cannot be read), those of signWithCard
 */
export function signAnchor(
  user: Username,
  asked: Asked<SignAnchorParts>,
): Promise<{ readonly text: string; readonly card: PairedCard }> {
  const { anchors, pairings } = asked.parts;
  return signWithCard(user, asked, async (sign, card) => {
    const anchor = anchors.lastRecord();
    if (anchor === null) throw new AgentError('internal', { detail: 'the audit log has no record' });
    const about = { purpose: 'audit-anchor', hostId: pairings.hostId(), user, service: 'audit' } as const;
    const signature = await sign(Challenge.create({ ...about, anchor }));
    return { text: signedAnchorText({ anchor, ...signature }), card };
  });
}
