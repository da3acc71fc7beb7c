// One key of a card: what it is for, whose, its certificate's time as a bar, and its hash to copy.

import { isNotYet, type KeyView } from '../../cli/card/card-view.ts';
import { key as words } from '../../words/show.ts';
import { CARDS } from '../../words/console.ts';
import { copied } from '../kit/copy.ts';
import { around, h, outside, share } from '../kit/dom.ts';

const SOON_DAYS = 30;

function day(time: string): HTMLElement {
  return h('time', { datetime: time }, time.slice(0, 10));
}

function validity(key: KeyView): HTMLElement | null {
  const { notBefore, notAfter, daysLeft } = key;
  if (notBefore === null || notAfter === null || daysLeft === null) return null;
  const [from, to] = [Date.parse(notBefore), Date.parse(notAfter)];
  const notYet = isNotYet(key, Date.now());
  const look = daysLeft < 0 || notYet ? 'bad' : daysLeft <= SOON_DAYS ? 'warning' : 'good';
  const bar = share(
    h('span', { class: `span ${look}`, 'aria-hidden': 'true' }),
    (Date.now() - from) / (to - from),
  );
  const left = notYet ? words.notYet : words.daysLeft(daysLeft);
  return h('p', { class: 'validity' }, day(notBefore), bar, day(notAfter), h('span', { class: look }, left));
}

function trust({ x509Trust, issuer }: KeyView): HTMLElement | null {
  if (issuer === null) return null;
  const label = CARDS.trust.get(x509Trust);
  return h(
    'p',
    { class: 'issuer' },
    around(CARDS.issuedBy, issuer),
    label === undefined ? null : h('span', { class: `label ${label.look}` }, label.text),
  );
}

/** @param key of the card, with what was said of its trust */
export function keyPart(key: KeyView): HTMLElement {
  const { slot, use, algorithm, pin, touch, hash, commonName, pairedWith, unfit } = key;
  const owner =
    pairedWith.length > 0
      ? h(
          'p',
          { class: 'good' },
          around(CARDS.pairedWith),
          ...pairedWith.slice(0, 5).map((user) => outside(` ${user}`)),
        )
      : null;
  return h(
    'section',
    { class: 'key' },
    h('h3', {}, outside(words.slot(slot, use))),
    h(
      'p',
      {},
      commonName === null ? words.noCertificate : h('strong', {}, outside(commonName)),
      ' ',
      h('span', { class: 'quiet' }, words.kind(algorithm, pin, touch)),
    ),
    owner,
    trust(key),
    validity(key),
    unfit !== null && use === 'authentication' ? h('p', { class: 'bad' }, outside(unfit)) : null,
    copied(hash, CARDS.hash),
  );
}
