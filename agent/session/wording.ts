// What the dialogs say. Texts of a card or of scauthd are made plain here; line feeds and everything else are ours.

import { plain } from './assuan.ts';
import type { Window } from './pinentry.ts';
import type { SeenCard } from './state.ts';

const TITLE = 'Smart card';

/** `TOKEN LABEL:CERTIFICATE LABEL (COMMON NAME)` → what stands behind the token's label. */
function certificateOf({ label, identity }: SeenCard): string {
  const text = identity ?? '';
  return text.startsWith(`${label}:`) ? text.slice(label.length + 1) : text;
}

function cardLines(card: SeenCard): string[] {
  return [
    `Card:  ${plain(card.label)}`,
    `Certificate:  ${plain(certificateOf(card))}`,
    ...(card.issuer === null ? [] : [`Issued by:  ${plain(card.issuer.replace(/^CN=(?=[^=]*$)/, ''))}`]),
    `Reader:  ${plain(card.reader)}`,
  ];
}

/** @param secondQuestion the third button is asked for in a question of its own */
export function offerWindow(card: SeenCard, user: string, secondQuestion: boolean): Window {
  const lines = [
    'Do you want to log in with this smart card?',
    '',
    ...cardLines(card),
    '',
    `Paired once with your account ${plain(user)}, the card and its PIN`,
    'open sudo, the screen lock and the login.',
  ];
  return {
    title: TITLE,
    text: lines.join('\n'),
    ok: '_Pair',
    cancel: '_Not now',
    ...(secondQuestion ? {} : { notOk: '_Do not show again' }),
  };
}

export function showAgainWindow(): Window {
  return {
    title: TITLE,
    text: 'Shall this question come again when you put in a card that is not paired?\n\nPairing later:  sc_auth pair',
    ok: '_Ask again',
    cancel: '_Do not show again',
  };
}

/** One step of the pairing: what it is for, and what is asked. */
export interface Step {
  readonly window: Window;
  readonly prompt: string;
}

const WHAT_FOR = {
  password:
    'Your account password.\nIt shows that the account is yours: nobody else can pair a card with it.\nThe card does not get it.',
  pin: 'The PIN of the card.\nThe card signs with it once, to show that it holds the key.\nOnly the card gets it.',
} as const;

/** @param told what scauthd has said since the last question */
export function secretStep(
  asked: string,
  number: number,
  card: SeenCard,
  user: string,
  told: readonly string[],
  error: string | null,
): Step {
  const kind = /^Account password/.test(asked) ? 'password' : /\bPIN\b/.test(asked) ? 'pin' : null;
  const what = kind === null ? plain(asked, 300) : WHAT_FOR[kind];
  const lines = [
    `Pairing ${plain(card.label)} with the account ${plain(user)}`,
    '',
    `Step ${number}:  ${what}`,
  ];
  const more = told.map((text) => plain(text, 300));
  return {
    window: {
      title: TITLE,
      text: [...lines, ...(more.length === 0 ? [] : ['', ...more])].join('\n'),
      error: error === null ? null : plain(error, 300),
      ok: '_Continue',
      cancel: '_Cancel',
    },
    prompt: kind === 'password' ? 'Password:' : kind === 'pin' ? 'PIN:' : 'Answer:',
  };
}

/** A question of scauthd's that is answered with a word; it names the word for terminals. */
export function questionWindow(asked: string, told: readonly string[]): Window {
  const question = asked.replace(/\s*Type yes\b.*$/s, '').trim();
  return {
    title: TITLE,
    text: [...told.map((text) => plain(text, 300)), plain(question, 500)].join('\n\n'),
    ok: '_Yes',
    cancel: '_No',
  };
}

export function messageWindow(heading: string, text: string): Window {
  return { title: TITLE, text: `${heading}\n\n${plain(text, 400)}`, ok: '_Close' };
}

export const PAIRED = 'The smart card is paired';
export const NOT_PAIRED = 'The smart card was not paired';
export const UNFIT = 'This smart card cannot be used for login';

export function pairedText(card: SeenCard, user: string): string {
  return `From now on ${plain(card.label)} and its PIN log in the account ${plain(user)}.`;
}

export function unfitText(card: SeenCard): string {
  return `${plain(card.label)} in ${plain(card.reader)}: ${plain(card.why ?? '', 300)}`;
}

export const NO_PINENTRY =
  'There is no pinentry here that could show the dialog. Install one (pinentry-gtk2, for example), or pair in a terminal: sc_auth pair';

export function offerWithoutDialog(card: SeenCard): string {
  return `${plain(card.label)} is not paired yet. To log in with it, run in a terminal: sc_auth pair`;
}
