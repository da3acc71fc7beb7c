// The cards that are in the readers, each as a card looks, and beside it its keys and what is to be done.

import { cardViews, type CardView } from '../../cli/card/card-view.ts';
import type { WireReader } from '../../protocol/io-scauth.ts';
import { CARDS } from '../../words/console.ts';
import { callAgent, callList } from '../kit/agent.ts';
import { around, h, outside, stateName } from '../kit/dom.ts';
import { isAdministrator } from '../kit/live.ts';
import { cardFace, emptyFace } from './card-face.ts';
import { keyPart } from './card-key.ts';
import { empty, kept, type View } from './view.ts';

interface Seen {
  readonly readers: readonly WireReader[];
  readonly cards: readonly CardView[];
}

async function look(): Promise<Seen> {
  const [{ readers }, { tokens }, identities, items] = await Promise.all([
    callAgent('ListReaders', {}),
    callAgent('ListTokens', {}),
    callList('ListIdentities', {}, (reply) => reply.identities),
    callList('ListItems', {}, (reply) => reply.items),
  ]);
  const cards = cardViews({ tokens, identities, items }, isAdministrator(), Date.now());
  return { readers, cards };
}

function problems(card: CardView): HTMLElement | null {
  if (card.problems.length === 0) return null;
  const items = card.problems.map((problem) => h('li', {}, outside(problem, 500)));
  return h('section', { class: 'notice warning' }, h('h3', {}, CARDS.todo), h('ul', {}, ...items));
}

function cardPart(card: CardView): HTMLElement {
  const logins = card.keys.filter(({ use }) => use === 'authentication').map(keyPart);
  const others = card.keys.filter(({ use }) => use !== 'authentication').map(keyPart);
  const noKey = card.keys.length === 0 ? h('p', { class: 'quiet' }, CARDS.noKey) : null;
  const rest =
    others.length === 0
      ? null
      : h('details', { class: 'key' }, h('summary', {}, CARDS.otherKeys(others.length)), ...others);
  return h(
    'article',
    {
      class: 'seat',
      'data-key': `card ${card.id} in ${card.reader}`,
      'data-state': stateName(card),
      'aria-label': card.label,
    },
    cardFace(card),
    h('div', { class: 'about' }, problems(card), noKey, ...logins, rest),
  );
}

/** A reader without a card that could be read. */
function readerPart(reader: WireReader): HTMLElement {
  const { name, state, error } = reader;
  const said = CARDS.readers.get(state) ?? null;
  const { title, next } = said ?? { title: state, next: '' };
  return h(
    'article',
    { class: 'seat', 'data-key': `reader ${name}`, 'data-state': stateName(reader), 'aria-label': name },
    emptyFace(title, name),
    h(
      'div',
      { class: 'about' },
      error === null
        ? h('p', { class: 'quiet' }, next)
        : h('p', { class: 'notice bad' }, outside(error, 500)),
    ),
  );
}

function draw({ readers, cards: all }: Seen): HTMLElement[] {
  const shown = new Set(all.map(({ id }) => id));
  const others = readers.filter(({ token }) => token === null || !shown.has(token));
  if (all.length === 0 && others.length === 0) return [empty(CARDS.noReader.title, CARDS.noReader.next)];
  const count = h('p', { class: 'quiet', 'data-key': 'count', 'data-state': String(all.length) });
  count.append(around(CARDS.count(all.length)));
  return [count, ...all.map(cardPart), ...others.map(readerPart)];
}

export const cards: View = (main) => kept(main, look, draw).end;
