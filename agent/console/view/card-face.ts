// The face of a card: a chip, whose it is, and how many tries its PIN and PUK have. Drawn by the style sheet alone.

import type { CardView } from '../../cli/card/card-view.ts';
import { card as words } from '../../words/show.ts';
import { CARDS } from '../../words/console.ts';
import { h, outside } from '../kit/dom.ts';

/** More are said as a number. */
const MOST_DOTS = 10;

function tries(name: string, left: number | null, total: number | null): HTMLElement {
  const counted = left !== null && total !== null && total >= left && total <= MOST_DOTS;
  const look = left === null ? 'unknown' : left === 0 ? 'none' : left === 1 ? 'last' : 'some';
  const dots = h('span', { class: 'dots', 'aria-hidden': 'true' });
  for (let at = 0; counted && at < total; at += 1)
    dots.append(h('i', { class: at < left ? 'have' : 'spent' }));
  return h(
    'span',
    { class: `tries ${look}` },
    h('b', {}, name),
    dots,
    h('span', {}, words.tries(left, total)),
  );
}

/** Whose it is: paired accounts, or nobody's. */
function ownersOf({ keys }: CardView): HTMLElement[] {
  const users = [...new Set(keys.flatMap(({ pairedWith }) => pairedWith))];
  if (users.length === 0) return [h('span', { class: 'label' }, CARDS.nobodys)];
  const shown = users.slice(0, 3).map((user) => h('span', { class: 'label good' }, outside(user, 60)));
  const more = users.length - shown.length;
  return [...shown, ...(more > 0 ? [h('span', { class: 'label' }, CARDS.more(more))] : [])];
}

export function cardFace(card: CardView): HTMLElement {
  const holder = card.keys.find(({ commonName }) => commonName !== null)?.commonName ?? card.label;
  return h(
    'div',
    { class: 'face' },
    h(
      'div',
      { class: 'top' },
      h('span', { class: 'chip', 'aria-hidden': 'true' }),
      h(
        'div',
        { class: 'labels' },
        ...ownersOf(card),
        card.factory === null || card.factory.length === 0
          ? null
          : h('span', { class: 'label bad' }, CARDS.factory),
      ),
    ),
    h('h2', {}, outside(holder, 80)),
    h('p', { class: 'kind' }, outside(card.label, 80)),
    h('p', { class: 'kind' }, outside(card.reader, 80)),
    h(
      'p',
      { class: 'secrets' },
      tries(CARDS.pin, card.triesLeft, card.triesTotal),
      tries(CARDS.puk, card.pukTriesLeft, card.pukTriesTotal),
    ),
  );
}

/** The place where a card would be. */
export function emptyFace(title: string, reader: string): HTMLElement {
  return h(
    'div',
    { class: 'face vacant' },
    h('h2', {}, title),
    h('p', { class: 'kind' }, outside(reader, 80)),
  );
}
