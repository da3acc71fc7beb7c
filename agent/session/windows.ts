// The windows of the dialog: what words/session.ts says, with text of a card or of scauthd made plain.

import { isAccountPasswordPrompt } from '../words/pairing.ts';
import * as say from '../words/session.ts';
import { plain } from './assuan.ts';
import type { Window } from './pinentry.ts';
import type { SeenCard } from './state.ts';

/** `TOKEN LABEL:CERTIFICATE LABEL (COMMON NAME)` → what stands behind the token's label. */
function certificateOf({ label, identity }: SeenCard): string {
  const text = identity ?? '';
  return text.startsWith(`${label}:`) ? text.slice(label.length + 1) : text;
}

function cardLines(card: SeenCard): string[] {
  const line = say.CARD_LINE;
  return [
    line.card(plain(card.label)),
    line.certificate(plain(certificateOf(card))),
    ...(card.issuer === null ? [] : [line.issuer(plain(card.issuer.replace(/^CN=(?=[^=]*$)/, '')))]),
    line.reader(plain(card.reader)),
  ];
}

/** @param secondQuestion the third button is asked for in a question of its own */
export function offerWindow(card: SeenCard, user: string, secondQuestion: boolean): Window {
  return {
    title: say.TITLE,
    text: [say.OFFER, '', ...cardLines(card), '', say.offerMeaning(plain(user))].join('\n'),
    ok: say.BUTTON.pair,
    cancel: say.BUTTON.notNow,
    ...(secondQuestion ? {} : { notOk: say.BUTTON.never }),
  };
}

export function showAgainWindow(): Window {
  return { title: say.TITLE, text: say.SHOW_AGAIN, ok: say.BUTTON.askAgain, cancel: say.BUTTON.never };
}

/** One step of the pairing: what it is for, and what is asked. */
export interface Step {
  readonly window: Window;
  readonly prompt: string;
}

/** @param told what scauthd has said since the last question */
export function secretStep(
  asked: string,
  number: number,
  card: SeenCard,
  user: string,
  told: readonly string[],
  error: string | null,
): Step {
  const kind = isAccountPasswordPrompt(asked) ? 'password' : /\bPIN\b/.test(asked) ? 'pin' : null;
  const what = kind === null ? plain(asked, 300) : say.WHAT_FOR[kind];
  const more = told.map((text) => plain(text, 300));
  return {
    window: {
      title: say.TITLE,
      text: [
        say.stepText(plain(card.label), plain(user), number, what),
        ...(more.length === 0 ? [] : ['', ...more]),
      ].join('\n'),
      error: error === null ? null : plain(error, 300),
      ok: say.BUTTON.goOn,
      cancel: say.BUTTON.cancel,
    },
    prompt: say.SECRET_PROMPT[kind ?? 'other'],
  };
}

/** A question of scauthd's that is answered with a word; it names the word for terminals. */
export function questionWindow(asked: string, told: readonly string[]): Window {
  const question = asked.replace(/\s*(Type yes|Press Enter for yes)\b.*$/s, '').trim();
  return {
    title: say.TITLE,
    text: [...told.map((text) => plain(text, 300)), plain(question, 500)].join('\n\n'),
    ok: say.BUTTON.yes,
    cancel: say.BUTTON.no,
  };
}

export function messageWindow(heading: string, text: string): Window {
  return { title: say.TITLE, text: `${heading}\n\n${plain(text, 400)}`, ok: say.BUTTON.close };
}

export function unfitText(card: SeenCard): string {
  return `${plain(card.label)} in ${plain(card.reader)}: ${plain(card.why ?? '', 300)}`;
}
