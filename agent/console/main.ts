// The page: a bar of views, what is said of scauthd while it does not answer, and the view that the address names.

import { NAMES, STATE, UNKNOWN_METHOD } from '../words/console.ts';
import { h, show, stateName } from './kit/dom.ts';
import { live, now, onChange, type Standing } from './kit/live.ts';
import { followTheme } from './kit/theme.ts';
import { cards } from './view/cards.ts';
import { log } from './view/log/log.ts';
import { people } from './view/people.ts';
import { policy } from './view/policy.ts';
import type { View } from './view/view.ts';
import { wayIn } from './view/way-in.ts';

/** By the first part of the address; the first is shown without one. */
const VIEWS = new Map<string, View>([
  ['cards', cards],
  ['people', people],
  ['way-in', wayIn],
  ['policy', policy],
  ['log', log],
]);

const bar = h('ul', { class: 'bar' });
const notice = h('div', { class: 'notices', role: 'status' });
const main = h('main', { id: 'view', tabindex: -1 });

/** What the view of before has begun ends with it. */
let leave: () => void = () => undefined;
let shown = '';

function place(): { readonly name: string; readonly rest: readonly string[] } {
  const [name = '', ...rest] = cockpit.location.path;
  return VIEWS.has(name) ? { name, rest } : { name: [...VIEWS.keys()][0] ?? '', rest: [] };
}

function showBar(current: string): void {
  const items = [...VIEWS.keys()].map((name) => {
    const link = h('a', { href: `#/${name}`, 'aria-current': name === current ? 'page' : null });
    link.append(NAMES[name as keyof typeof NAMES]);
    return h('li', { 'data-key': name, 'data-state': name === current ? 'here' : 'there' }, link);
  });
  show(bar, items);
}

function showPlace(): void {
  const { name, rest } = place();
  showBar(name);
  const address = [name, ...rest].join('/');
  const view = VIEWS.get(name);
  if (address === shown || view === undefined) return;
  const first = shown === '';
  shown = address;
  leave();
  // A question is about what was shown.
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  main.replaceChildren();
  leave = view(main, rest);
  document.title = `${NAMES[name as keyof typeof NAMES]} – ${NAMES.page}`;
  // Who goes on by keyboard or screen reader is in the new view.
  if (!first) main.focus({ preventScroll: true });
}

function showStanding({ state }: Standing): void {
  const said = { gone: STATE.gone, old: UNKNOWN_METHOD(PAGE_VERSION), there: null, asking: null }[state];
  const attributes = { class: 'notice bad', 'data-key': state, 'data-state': stateName(state) };
  show(notice, said === null ? [] : [h('p', attributes, said)]);
  document.body.dataset['agent'] = state;
}

cockpit.permission({ admin: true });
followTheme();
document.body.append(
  h('header', {}, h('h1', {}, NAMES.page), h('nav', { 'aria-label': NAMES.page }, bar)),
  notice,
  main,
);
onChange(showStanding);
showStanding(now());
cockpit.addEventListener('locationchanged', showPlace);
showPlace();
void live();
