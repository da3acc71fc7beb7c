// A text to take along: a hash, a command. It can be selected as a whole, and a button copies it.

import { COPY } from '../../words/console.ts';
import { h } from './dom.ts';

const SAID_MS = 2000;

/** @param what names it to a screen reader */
export function copied(text: string, what: string): HTMLElement {
  const said = h('span', { class: 'quiet', role: 'status' });
  const button = h('button', { type: 'button', class: 'small', 'aria-label': COPY.button(what) }, COPY.short);
  button.addEventListener('click', () => {
    const settle = (word: string): void => {
      said.textContent = word;
      setTimeout(() => {
        said.textContent = '';
      }, SAID_MS);
    };
    navigator.clipboard.writeText(text).then(
      () => {
        settle(COPY.done);
      },
      () => {
        settle(COPY.failed);
      },
    );
  });
  return h('p', { class: 'copied' }, h('code', {}, text), button, said);
}
