// Whether a card is required on this machine, who is exempt, and what an administrator can do about it.

import type { Reply, WireExemption } from '../../protocol/io-scauth.ts';
import { FAILED } from '../../words/console.ts';
import { linesOfState, untilText } from '../../words/enforcement.ts';
import { EXEMPTIONS, REQUIRED } from '../../words/console-policy.ts';
import { CallFailure, callPages } from '../kit/agent.ts';
import { act } from '../kit/ask.ts';
import { around, h, outside, stateName } from '../kit/dom.ts';
import { isAdministrator } from '../kit/live.ts';
import { virtualList } from '../kit/virtual-list.ts';
import { askCode, askConfirm, askOff, askOn } from './required-acts.ts';
import { kept, section, type View } from './view.ts';

/** A row with two lines. */
const ROW = 64;

type Seen = Omit<Reply<'GetEnforcement'>, 'next'>;

async function look(): Promise<Seen> {
  const pages: Reply<'GetEnforcement'>[] = [];
  await callPages('GetEnforcement', {}, (reply) => {
    pages.push(reply);
  });
  const [first] = pages;
  if (first === undefined) throw new CallFailure('malformed', FAILED);
  return { ...first, exemptions: pages.flatMap(({ exemptions }) => exemptions) };
}

function actsOf({ state }: Seen, again: () => void): HTMLElement[] {
  if (state === 'off') return [act(REQUIRED.switchOn, askOn, again, REQUIRED.preparing)];
  return [
    ...(state === 'trial' ? [act(REQUIRED.confirm, askConfirm, again)] : []),
    act(REQUIRED.switchOff, askOff, again),
    act(REQUIRED.code, askCode, again),
  ];
}

function statePart(seen: Seen, again: () => void): HTMLElement {
  const { state } = seen;
  const { text, look: colour } = REQUIRED.states.get(state) ?? { text: state, look: '' };
  const lines = linesOfState(seen).filter((line) => isAdministrator() || !line.includes('code'));
  return h(
    'div',
    { class: 'panel', 'data-key': 'state', 'data-state': stateName({ ...seen, exemptions: [] }) },
    h('p', {}, h('span', { class: `label ${colour}` }, text)),
    ...lines.map((line) => h('p', {}, outside(line, 500))),
    isAdministrator() ? h('div', { class: 'buttons' }, ...actsOf(seen, again)) : null,
  );
}

function exemptionRow({ user, until, by, reason }: WireExemption): HTMLElement {
  const about = h('span', { class: 'why quiet' }, `${EXEMPTIONS.until(untilText(until))}, `);
  about.append(around(EXEMPTIONS.by, by));
  if (reason !== '') about.append(': ', outside(reason));
  return h(
    'a',
    { class: 'reasoned', href: `#/people/${encodeURIComponent(user)}` },
    h('span', { class: 'name' }, outside(user, 60)),
    about,
  );
}

export const required: View = (main) => {
  const list = virtualList(EXEMPTIONS.title, exemptionRow, { height: ROW });
  list.element.classList.add('short');
  const states = h('div', {});
  const count = h('p', { class: 'quiet', role: 'status' });
  main.append(
    section(REQUIRED.title, states, h('h3', { class: 'beside' }, EXEMPTIONS.title), count, list.element),
  );
  const { end, again } = kept(states, look, (seen) => {
    const { exemptions } = seen;
    const none = isAdministrator() ? EXEMPTIONS.none : EXEMPTIONS.noneYours;
    count.textContent = exemptions.length === 0 ? none : EXEMPTIONS.count(exemptions.length);
    list.element.hidden = exemptions.length === 0;
    list.fill(exemptions);
    return [
      statePart(seen, () => {
        again();
      }),
    ];
  });
  list.element.hidden = true;
  return end;
};
