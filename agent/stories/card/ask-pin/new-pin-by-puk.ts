// A new PIN by the PUK: tries of the PUK → PUK, or a help desk's answer → new PIN twice → card → audit. A blocked PUK is the
// end of most cards, so its last tries are kept like the PIN's.

import { AgentError, asAgentError } from '../../../base/errors.ts';
import type { Pin } from '../../../base/pin.ts';
import type { AuditLog } from '../../../audit/interface.ts';
import type { PeerCredentials } from '../../../model/request.ts';
import type { PairingTable } from '../../../store/interface.ts';
import type { Token } from '../../../token/interface.ts';
import type { Policy } from '../../../../policy/policy.ts';
import { NOT_ENROLLED } from '../../../words/help-desk.ts';
import { pukPrompt } from '../../../words/login.ts';
import { pukConsentPrompt } from '../../../words/pin-tries.ts';
import { askNewPin } from './ask-new-pin.ts';
import { auditedPinUse } from '../audited-failure.ts';
import type { Conversation } from '../conversation.ts';
import type { HelpDesk } from '../help-desk.ts';
import { TryConsent } from './last-try.ts';
import { askSecret } from '../prove-card.ts';

export interface UnblockParts {
  readonly policy: () => Policy;
  readonly pairings: Pick<PairingTable, 'forKey'>;
  readonly audit: AuditLog;
  readonly helpDesk: HelpDesk;
}

export interface Unblocking {
  readonly token: Token;
  /** Whom the prompts name. */
  readonly label: string;
  readonly actor: PeerCredentials;
  readonly person: Conversation;
  /** Whether the PUK's last tries are this person's to spend. */
  readonly mine: () => Promise<boolean>;
  /** A help desk knows the PUK, and not the person. */
  readonly byDesk: boolean;
}

/** Where the PUK comes from. */
interface PukSource {
  readonly how: 'unblocked' | 'help-desk';
  /** @throws AgentError `cancelled`, `pin-malformed`, `wrong-answer` */
  ask(): Promise<Pin>;
  /** The card says that it is another. */
  wasWrong(): void;
}

/** What cannot be a PUK is not sent. @throws AgentError `cancelled`, `pin-malformed` */
async function askPuk(token: Token, person: Conversation, label: string): Promise<Pin> {
  const typed = await askSecret(person, pukPrompt(label));
  if (token.acceptsPuk?.(typed) === true) return typed;
  typed.wipe();
  throw new AgentError('pin-malformed', { detail: 'cannot be a PUK' });
}

/** @throws AgentError `wrong-answer` for a card that no help desk knows of */
function sourceOf({ token, label, person, byDesk }: Unblocking, { helpDesk }: UnblockParts): PukSource {
  if (!byDesk)
    return { how: 'unblocked', ask: () => askPuk(token, person, label), wasWrong: () => undefined };
  const pkhh = helpDesk.keyOf(token);
  if (pkhh === null) throw new AgentError('wrong-answer', { say: NOT_ENROLLED });
  return {
    how: 'help-desk',
    ask: () => helpDesk.askPuk(pkhh, person),
    wasWrong: () => {
      helpDesk.forget(pkhh);
    },
  };
}

/**
 * @returns the PIN that the card has now, with all its tries; the caller wipes it
 * @throws AgentError `not-supported`, `cancelled`, `puk-blocked`, `pin-not-yours`, `wrong-answer`, those of Token.unblockPin
 */
export async function newPinByPuk(unblocking: Unblocking, parts: UnblockParts): Promise<Pin> {
  const { token, label, actor, person, mine } = unblocking;
  const { policy } = parts;
  if (token.unblockPin === undefined) throw new AgentError('not-supported', { detail: token.driver });
  const unblockPin = token.unblockPin.bind(token);
  const consent = new TryConsent({ ...{ person, policy, mine }, secret: 'PUK', question: pukConsentPrompt });
  const known = await token.pukState?.();
  if (known !== undefined) await consent.obtain(known);
  const source = sourceOf(unblocking, parts);
  return auditedPinUse({ kind: 'pin-changed', how: source.how }, token, { peer: actor, parts }, async () => {
    const puk = await source.ask();
    try {
      const next = await askNewPin(person, token, policy(), label, null);
      try {
        await consent.sendWith(puk, next, unblockPin);
        return next;
      } catch (error) {
        next.wipe();
        if (asAgentError(error).code === 'wrong-puk') source.wasWrong();
        throw error;
      }
    } finally {
      puk.wipe();
    }
  });
}
