// How the person is asked for the PIN of a card: whom the prompt names, and in which words (DECISIONS.md D200).

import { printable } from '../../base/errors.ts';
import type { Identity, TouchPolicy } from '../../model/card/token.ts';
import type { Policy } from '../../../policy/policy.ts';
import { isService } from '../../../policy/services.ts';
import type { Token } from '../../token/interface.ts';
import { columnsOf } from '../../base/columns.ts';
import { pinPrompt, type PinWords } from '../../words/login.ts';
import type { Conversation } from './conversation.ts';

/** Longer than any name that a certificate may have; words/login.ts cuts so that two stay two. */
const MAX_NAME = 1000;

/**
 * By the holder, since a person knows their name and not their card's labels; as macOS does where that is set.
 * @param identity the key that is meant; left out: the one that the card logs in with
 */
export function promptName(policy: Policy, token: Token, identity?: Identity): string {
  const meant =
    identity ?? token.identities.find(({ use }) => use === 'authentication') ?? token.identities[0];
  if (meant === undefined) return token.label;
  const { certificate, label } = meant;
  if (policy.prompt.style === 'macos' || certificate === null) return label;
  return printable(certificate.holder, MAX_NAME);
}

/**
 * A sentence where a message can stand in front of it, else a form that says itself what Enter does.
 * @param passwordFollows whether Enter leads to a password that opens something
 */
export function pinWords(policy: Policy, service: string, passwordFollows: boolean): PinWords {
  if (policy.prompt.style === 'macos' || isService(service, 'terminal')) return 'sentence';
  return passwordFollows ? 'form-or-password' : 'form';
}

/**
 * The form in place of the sentence where the terminal is too narrow: nobody should look for the cursor on the next line.
 * macOS' words stay as they are.
 */
export async function fittingWords(
  words: PinWords,
  prompt: { readonly label: string; readonly touch: TouchPolicy | null },
  policy: Policy,
  person: Conversation,
): Promise<PinWords> {
  if (words !== 'sentence' || policy.prompt.style === 'macos') return words;
  const columns = (await person.columns?.()) ?? null;
  const fits = columns === null || columnsOf(pinPrompt(prompt.label, prompt.touch, words)) < columns;
  return fits ? words : 'form';
}
