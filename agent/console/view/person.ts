// One account: whether and why it gets in, its cards, and what can be done about them. Each act is asked for once more, with
// what it will do to the person's way in.

import type { WirePairing } from '../../protocol/io-scauth.ts';
import { PEOPLE, PERSON } from '../../words/console.ts';
import { callAgent, CallFailure, callList, callPages } from '../kit/agent.ts';
import { act } from '../kit/ask.ts';
import { copied } from '../kit/copy.ts';
import { around, h, outside, stateName } from '../kit/dom.ts';
import { isAdministrator } from '../kit/live.ts';
import { askExempt, askFound, askLost, askPair, askUnexempt, askUnpair, type Person } from './person-acts.ts';
import { empty, kept, type View } from './view.ts';

async function linksOf(user: string): Promise<Person['links']> {
  try {
    return (await callAgent('Explain', { user, service: 'sudo' })).links;
  } catch (error) {
    if (error instanceof CallFailure && error.code === 'unknown-user') return null;
    throw error;
  }
}

async function look(user: string): Promise<Person> {
  let exemptUntil: string | null = null;
  let enforcement = 'off';
  const [links, pairings] = await Promise.all([
    linksOf(user),
    callList('ListPairings', { user }, (reply) => reply.pairings),
    callPages('GetEnforcement', {}, ({ state, exemptions }) => {
      enforcement = state;
      exemptUntil ??= exemptions.find((one) => one.user === user)?.until ?? null;
    }),
  ]);
  return { user, links, pairings, enforcement, exemptUntil };
}

function pairingPart(pairing: WirePairing, of: Person, again: () => void): HTMLElement {
  const { hash, label, pairedBy, pairedAt, lost, keyKnown, algorithm } = pairing;
  const role =
    of.pairings.filter((one) => one.lost !== true).length === 1 ? PERSON.only : PERSON.oneOfSeveral;
  return h(
    'article',
    {
      class: 'panel',
      'data-key': hash,
      'data-state': stateName([pairing, of.pairings.length, of.enforcement]),
      'aria-label': label,
    },
    h(
      'p',
      { class: 'labels' },
      h('strong', {}, outside(label)),
      lost === true ? h('span', { class: 'label bad' }, PERSON.lost) : h('span', { class: 'label' }, role),
    ),
    h(
      'p',
      { class: 'quiet' },
      around(PERSON.paired(pairedAt.slice(0, 10)), pairedBy),
      keyKnown && algorithm !== null ? ` · ${algorithm}` : '',
    ),
    keyKnown ? null : h('p', { class: 'warning' }, PERSON.keyNotKnown),
    copied(hash, PERSON.hash),
    h(
      'div',
      { class: 'buttons' },
      act(PERSON.unpair, () => askUnpair(pairing, of), again),
      lost === true
        ? isAdministrator()
          ? act(PERSON.found, () => askFound(pairing), again)
          : null
        : act(PERSON.sayLost, () => askLost(pairing, of), again),
    ),
  );
}

function wayPart({ links, enforcement, exemptUntil }: Person): HTMLElement {
  const broken = links?.find(({ ok }) => !ok) ?? null;
  const part = h('section', {
    class: 'panel',
    'data-key': 'way',
    'data-state': stateName([links, enforcement, exemptUntil]),
  });
  part.append(h('h3', {}, PERSON.way));
  if (broken === null) part.append(h('p', { class: 'good' }, PERSON.wayOpen));
  else {
    part.append(h('p', {}, outside(broken.detail, 500)));
    if (broken.remedy !== null) part.append(h('p', { class: 'quiet' }, outside(broken.remedy, 500)));
  }
  part.append(h('p', { class: 'quiet' }, PERSON.enforcement.get(enforcement) ?? enforcement));
  if (exemptUntil !== null)
    part.append(h('p', {}, h('span', { class: 'label warning' }, PEOPLE.exempt(exemptUntil.slice(0, 10)))));
  return part;
}

function draw(of: Person, again: () => void): HTMLElement[] {
  const { user, links, pairings, exemptUntil } = of;
  const back = isAdministrator() ? h('p', {}, h('a', { href: '#/people' }, PERSON.back)) : null;
  const head = h('div', { 'data-key': 'head', 'data-state': user }, back, h('h2', {}, outside(user, 60)));
  if (links === null && pairings.length === 0)
    return [head, empty(PERSON.removed.title, PERSON.removed.next)];
  const acts = isAdministrator()
    ? [
        h('a', { href: `#/log/user/${encodeURIComponent(user)}` }, PERSON.log),
        act(PERSON.pair, () => askPair(of), again),
        act(PERSON.exempt, () => askExempt(of), again),
        ...(exemptUntil === null ? [] : [act(PERSON.unexempt, () => askUnexempt(of), again)]),
      ]
    : [h('p', { class: 'quiet' }, PERSON.pairYourself, ' ', h('code', {}, 'sc_auth pair'))];
  return [
    head,
    wayPart(of),
    ...pairings.map((pairing) => pairingPart(pairing, of, again)),
    ...(pairings.length === 0 ? [h('p', { class: 'quiet', 'data-key': 'none' }, PERSON.noCard)] : []),
    h(
      'div',
      {
        class: 'buttons',
        'data-key': 'acts',
        'data-state': stateName([exemptUntil, pairings, of.enforcement]),
      },
      ...acts,
    ),
  ];
}

/** @param rest the account's name */
export const person: View = (main, [name = '']) => {
  const { end, again } = kept(
    main,
    () => look(name),
    (of) =>
      draw(of, () => {
        again();
      }),
  );
  return end;
};
