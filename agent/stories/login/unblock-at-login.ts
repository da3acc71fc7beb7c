// The PIN is blocked: the login itself offers a new one by the PUK, and goes on with it. Nothing is asked before a word that
// says so: lockers answer each prompt with one text, and that must not be sent as a PUK.
// Why: DECISIONS.md D214.

import { asAgentError, describeError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import { permitsUnblock } from '../../../policy/permit-unblock.ts';
import { failureText } from '../../words/failures.ts';
import { UNBLOCKED, unblockPrompt } from '../../words/login.ts';
import type { AuthRequest } from '../../model/request.ts';
import type { Conversation } from '../card/conversation.ts';
import type { PairedCard } from '../card/find/find-identity.ts';
import { newPinByPuk } from '../card/ask-pin/new-pin-by-puk.ts';
import { promptName } from '../card/pin-prompt.ts';
import type { LoginParts } from './login-parts.ts';
import type { LoginRecord } from './login-record.ts';
import type { RequestPermit } from './permit-request.ts';

/** Of the login that it is part of. */
export interface UnblockScene {
  readonly request: AuthRequest;
  readonly person: Conversation;
  readonly parts: LoginParts;
  readonly permit: RequestPermit;
  readonly record: LoginRecord;
}

export type Unblocked =
  /** It is not offered, or came to nothing: the PIN is blocked. */
  | { readonly kind: 'blocked' }
  /** What was typed instead of the word; the caller wipes it. */
  | { readonly kind: 'instead'; readonly typed: Pin }
  /** The caller wipes it. */
  | { readonly kind: 'new-pin'; readonly pin: Pin };

const BLOCKED: Unblocked = { kind: 'blocked' };

/** @param mine whether the person who types is the card's owner, as far as that is known; nobody else is offered it */
export async function unblockAtLogin(
  { token, identity, pairing }: PairedCard,
  { request, person, parts, permit, record }: UnblockScene,
  mine: () => Promise<boolean>,
): Promise<Unblocked> {
  try {
    const policy = parts.policy();
    const session = (await permit.session()).place;
    const facts = { rhost: request.rhost, session, secrets: token.factorySecrets };
    const byKeyboard = token.pins[0].entry === 'computer' && token.pins[0].id === identity.pin;
    if (token.unblockPin === undefined || !byKeyboard || !permitsUnblock(policy, facts)) return BLOCKED;
    if (!(await mine()) || (await token.pukState?.())?.triesLeft === 0) return BLOCKED;
    const hasDesk = parts.helpDesk.keyOf(token) !== null;
    const text = unblockPrompt(parts.passwordInstead(pairing.user) !== 'no', hasDesk);
    const typed = await person.ask(text, true);
    if (typed === null) return BLOCKED;
    const byDesk = hasDesk && typed.says('desk');
    if (!byDesk && !typed.says('yes')) return { kind: 'instead', typed };
    typed.wipe();
    const label = promptName(policy, token, identity);
    const pin = await newPinByPuk({ token, label, actor: request.peer, person, mine, byDesk }, parts);
    person.tell('information', UNBLOCKED);
    return { kind: 'new-pin', pin };
  } catch (error) {
    const failure = asAgentError(error);
    record.say(`not unblocked: ${describeError(failure)}`);
    if (failure.code !== 'cancelled') person.tell('error', failureText(failure));
    return BLOCKED;
  }
}
