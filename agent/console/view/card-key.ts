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

/** From the certificate to the authority that is trusted, or to where the way ends. */
function chainPart({ chain, x509Trust, trustDetail }: KeyView): HTMLElement | null {
  if (chain === null || chain.length === 0) return null;
  const links = chain.map(({ subject, notBefore, notAfter }, at) => {
    const isRoot = at === chain.length - 1 && at > 0 && x509Trust === 'YES';
    return h(
      'li',
      {},
      outside(subject, 120),
      ' ',
      h('span', { class: 'quiet' }, day(notBefore), '–', day(notAfter)),
      isRoot ? h('span', { class: 'label good' }, CARDS.authority) : null,
    );
  });
  const next = chain.at(-1)?.issuer ?? '';
  const end =
    x509Trust === 'YES'
      ? null
      : h(
          'li',
          { class: 'bad' },
          ...(trustDetail === null ? [] : [outside(trustDetail), ' ']),
          h('span', { class: 'quiet' }, around(CARDS.issuedBy, next)),
        );
  return h(
    'details',
    { class: 'way' },
    h('summary', {}, CARDS.chain(chain.length)),
    h('ol', {}, ...links, end),
  );
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
    chainPart(key),
    validity(key),
    unfit !== null && use === 'authentication' ? h('p', { class: 'bad' }, outside(unfit)) : null,
    copied(hash, CARDS.hash),
  );
}
