// A text to take along: a hash, a command. It can be selected as a whole, and a button copies it.

import { COPY } from '../../words/console.ts';
import { printable } from '../../base/errors.ts';
import { h } from './dom.ts';

const SAID_MS = 2000;
/** A command of a repair; a hash has 40. */
const MOST = 500;

/** @param what names it to a screen reader */
export function copied(of: string, what: string): HTMLElement {
  // What is copied goes into a terminal: it is what is seen.
  const text = printable(of, MOST);
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
