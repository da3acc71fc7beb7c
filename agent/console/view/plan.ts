// The plan: who would get in if a card were required, or does where it is, and why not; and which PAM services would ask for
// the card, as sc_auth reads their files.

import type { WireStanding } from '../../protocol/io-scauth.ts';
import { PLAN } from '../../words/console-policy.ts';
import { copied } from '../kit/copy.ts';
import { h, outside } from '../kit/dom.ts';
import { followPlan } from '../kit/plan.ts';
import { coverOfServices, type ServiceCover } from '../kit/sc-auth.ts';
import { virtualList } from '../kit/virtual-list.ts';
import { chooser, failed, section, type View } from './view.ts';

/** A row with two lines. */
const ROW = 64;

type Filter = keyof typeof PLAN.filters;

const FITS: Readonly<Record<Filter, (one: WireStanding) => boolean>> = {
  out: ({ keptInBy }) => keptInBy === null,
  one: ({ keptInBy, cards }) => keptInBy === 'card' && cards === 1,
  in: ({ keptInBy }) => keptInBy !== null,
  all: () => true,
};

function rowOf({ user, keptInBy, why }: WireStanding): HTMLElement {
  const look = keptInBy === null ? 'label bad' : 'label good';
  return h(
    'a',
    { class: 'reasoned', href: `#/people/${encodeURIComponent(user)}` },
    h('span', { class: 'name' }, outside(user, 60)),
    h('span', { class: look }, keptInBy === null ? PLAN.out : PLAN.in),
    h('span', { class: 'why quiet' }, outside(why, 300)),
  );
}

function servicePart({ service, opens, state, why, repair }: ServiceCover): HTMLElement {
  const { text, look } = PLAN.covered.get(state) ?? { text: state, look: 'quiet' };
  return h(
    'li',
    { class: 'panel' },
    h('h4', {}, outside(service, 60), ' ', h('span', { class: `label ${look}` }, text)),
    h('p', { class: 'quiet' }, outside(opens, 100), '. ', outside(why, 500)),
    repair === null ? null : copied(repair, PLAN.command),
  );
}

/** What a password would open first. */
function servicesPart(found: readonly ServiceCover[]): HTMLElement[] {
  const open = found.filter(({ state }) => state === 'uncovered').map(servicePart);
  const rest = found.filter(({ state }) => state !== 'uncovered').map(servicePart);
  return [
    open.length === 0 ? h('p', { class: 'good' }, PLAN.allCovered) : h('ul', { class: 'plain' }, ...open),
    h('details', {}, h('summary', {}, PLAN.rest(rest.length)), h('ul', { class: 'plain' }, ...rest)),
  ];
}

export const plan: View = (main) => {
  const { search, filter } = chooser(PLAN.search, PLAN.filter, PLAN.filters);
  const rows = virtualList(PLAN.title, rowOf, { height: ROW });
  rows.element.classList.add('short');
  const count = h('p', { role: 'status' });
  const shown = h('p', { class: 'quiet', role: 'status' });
  const said = h('div', {});
  const look = h('button', { type: 'button' }, PLAN.look);
  const services = h('div', { 'aria-live': 'polite' });
  main.append(
    section(
      PLAN.title,
      h('p', { class: 'quiet' }, PLAN.about),
      count,
      h('div', { class: 'tools' }, search, filter),
      shown,
      said,
      rows.element,
      h('h3', { class: 'beside' }, PLAN.services),
      look,
      services,
    ),
  );
  let all: readonly WireStanding[] = [];
  const draw = (): void => {
    const wanted = search.value.trim().toLowerCase();
    const fits = FITS[filter.value as Filter];
    const found = all.filter((one) => fits(one) && one.user.toLowerCase().includes(wanted));
    rows.fill(found);
    rows.element.hidden = found.length === 0;
    shown.textContent = PLAN.shown(found.length);
  };
  search.addEventListener('input', draw);
  filter.addEventListener('change', draw);
  look.addEventListener('click', () => {
    look.disabled = true;
    void coverOfServices()
      .then(servicesPart, (error: unknown) => [failed(error)])
      .then((parts) => {
        services.replaceChildren(...parts);
        look.disabled = false;
      });
  });
  return followPlan(
    (accounts, isWhole) => {
      all = accounts;
      said.replaceChildren();
      const [out, one] = [accounts.filter(FITS.out).length, accounts.filter(FITS.one).length];
      count.textContent = isWhole ? PLAN.count(all.length, out, one) : PLAN.counting(all.length);
      draw();
    },
    (error) => {
      said.replaceChildren(failed(error));
    },
  );
};
