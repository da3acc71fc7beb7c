// The accounts of this machine with their cards: one list, which comes by pages, to search and to filter. A name leads to the
// person. Without root's rights it is the caller's own page.

import type { WireStanding as Standing } from '../../protocol/io-scauth.ts';
import { NAMES, PEOPLE } from '../../words/console.ts';
import { h, outside } from '../kit/dom.ts';
import { isAdministrator, now } from '../kit/live.ts';
import { followPlan } from '../kit/plan.ts';
import { virtualList } from '../kit/virtual-list.ts';
import { person } from './person.ts';
import { chooser, failed, onceKnown, type View } from './view.ts';

type Filter = keyof typeof PEOPLE.filters;

const FITS: Readonly<Record<Filter, (one: Standing) => boolean>> = {
  all: () => true,
  cards: ({ pairings }) => pairings > 0,
  one: ({ pairings }) => pairings === 1,
  none: ({ pairings }) => pairings === 0,
  exempt: ({ exemptUntil }) => exemptUntil !== null,
  out: ({ keptInBy }) => keptInBy === null,
  free: ({ keptInBy }) => keptInBy !== null && PEOPLE.free.has(keptInBy),
};

function rowOf(one: Standing): HTMLElement {
  const { user, pairings, lastCardLogin, exemptUntil, keptInBy } = one;
  const freed = PEOPLE.free.get(keptInBy ?? '');
  return h(
    'a',
    { href: `#/people/${encodeURIComponent(user)}` },
    h('span', { class: 'name' }, outside(user, 60)),
    h('span', { class: pairings === 0 ? 'quiet' : '' }, PEOPLE.cards(pairings)),
    h(
      'span',
      { class: 'quiet wide' },
      lastCardLogin === null ? PEOPLE.never : PEOPLE.last(lastCardLogin.slice(0, 10)),
    ),
    h(
      'span',
      { class: 'labels' },
      exemptUntil === null
        ? null
        : h('span', { class: 'label warning' }, PEOPLE.exempt(exemptUntil.slice(0, 10))),
      keptInBy === null ? h('span', { class: 'label quiet' }, PEOPLE.out) : null,
      freed === undefined ? null : h('span', { class: 'label quiet' }, freed),
    ),
  );
}

const list: View = (main) => {
  const { search, filter } = chooser(PEOPLE.search, PEOPLE.filter, PEOPLE.filters);
  const count = h('p', { class: 'quiet', role: 'status' });
  const rows = virtualList(NAMES.people, rowOf);
  const said = h('div', {});
  main.append(h('div', { class: 'tools' }, search, filter), count, said, rows.element);

  let all: readonly Standing[] = [];
  const draw = (): void => {
    const wanted = search.value.trim().toLowerCase();
    const fits = FITS[filter.value as Filter];
    const found = all.filter((one) => fits(one) && one.user.toLowerCase().includes(wanted));
    rows.fill(found);
    count.textContent = PEOPLE.count(found.length, all.length);
  };
  search.addEventListener('input', draw);
  filter.addEventListener('change', draw);
  return followPlan(
    (accounts) => {
      all = accounts;
      said.replaceChildren();
      draw();
    },
    (error) => {
      said.replaceChildren(failed(error));
    },
  );
};

/** Which of both, once scauthd has said who we are. */
export const people: View = (main, [name]) =>
  onceKnown(() =>
    name === undefined && isAdministrator() ? list(main, []) : person(main, [name ?? now().user ?? '']),
  );
