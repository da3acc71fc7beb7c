// The accounts of this machine with their cards: one list, which comes by pages, to search and to filter. A name leads to the
// person. Without root's rights it is the caller's own page.

import type { Reply } from '../../protocol/io-scauth.ts';
import { NAMES, PEOPLE } from '../../words/console.ts';
import { callPages } from '../kit/agent.ts';
import { h, outside } from '../kit/dom.ts';
import { isAdministrator, now, onChange } from '../kit/live.ts';
import { virtualList } from '../kit/virtual-list.ts';
import { person } from './person.ts';
import { failed, type View } from './view.ts';

type Standing = Reply<'PlanEnforcement'>['accounts'][number];
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
  const search = h('input', { type: 'search', 'aria-label': PEOPLE.search, placeholder: PEOPLE.search });
  const filter = h('select', { 'aria-label': PEOPLE.filter });
  for (const [name, text] of Object.entries(PEOPLE.filters))
    filter.append(h('option', { value: name }, text));
  const count = h('p', { class: 'quiet', role: 'status' });
  const rows = virtualList(NAMES.people, rowOf);
  const said = h('div', {});
  main.append(h('div', { class: 'tools' }, search, filter), count, said, rows.element);

  let all: Standing[] = [];
  let isOver = false;
  let isAsking = false;
  let isStale = false;
  const draw = (): void => {
    const wanted = search.value.trim().toLowerCase();
    const fits = FITS[filter.value as Filter];
    const found = all.filter((one) => fits(one) && one.user.toLowerCase().includes(wanted));
    rows.fill(found);
    count.textContent = PEOPLE.count(found.length, all.length);
  };
  const askAgain = async (): Promise<void> => {
    const next: Standing[] = [];
    const isFirst = all.length === 0;
    try {
      await callPages('PlanEnforcement', {}, ({ accounts }) => {
        next.push(...accounts);
        // What is there already is not taken away while the new list comes.
        if (!isFirst || isOver) return;
        all = next;
        draw();
      });
      said.replaceChildren();
      all = next;
      if (!isOver) draw();
    } catch (error) {
      if (now().state !== 'gone') said.replaceChildren(failed(error));
    }
  };
  const work = async (): Promise<void> => {
    while (isStale && !isOver) {
      isStale = false;
      await askAgain();
    }
    isAsking = false;
  };
  const again = (): void => {
    isStale = true;
    if (isAsking) return;
    isAsking = true;
    void work();
  };
  search.addEventListener('input', draw);
  filter.addEventListener('change', draw);
  const endChanges = onChange(({ state }) => {
    if (state === 'there') again();
  });
  again();
  return () => {
    isOver = true;
    endChanges();
  };
};

/** Which of both, once scauthd has said who we are. */
export const people: View = (main, rest) => {
  let end: () => void = () => undefined;
  let endChanges: () => void = () => undefined;
  const begin = (): void => {
    const { user } = now();
    if (user === null) return;
    endChanges();
    const [name] = rest;
    end = name === undefined && isAdministrator() ? list(main, rest) : person(main, [name ?? user]);
  };
  endChanges = onChange(begin);
  begin();
  return () => {
    endChanges();
    end();
  };
};
