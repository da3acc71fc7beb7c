// A question before something is done: what will come of it, then yes or no. What scauthd refuses is said in the same place,
// and the question stays open.

import { ASK } from '../../words/console.ts';
import { sentenceOf } from './agent.ts';
import { h, outside } from './dom.ts';

export interface Question {
  readonly title: string;
  /** What will come of it, a sentence each. */
  readonly consequences: readonly (string | Node)[];
  readonly fields?: readonly HTMLElement[];
  /** What the button says that does it. */
  readonly yes: string;
  /** Does it, and throws what is to be said. @returns what came of it beside what the page shows anyway */
  readonly run: () => Promise<readonly string[]>;
}

/** @returns once it is closed */
export function ask({ title, consequences, fields = [], yes, run }: Question): Promise<void> {
  const refused = h('div', { role: 'alert' });
  const doIt = h('button', { type: 'submit', class: 'main' }, yes);
  const cancel = h('button', { type: 'button' }, ASK.cancel);
  const form = h(
    'form',
    { method: 'dialog' },
    h('h2', { id: 'question' }, title),
    ...consequences.map((one) => h('p', {}, one)),
    ...fields,
    refused,
    h('div', { class: 'buttons' }, doIt, cancel),
  );
  const dialog = h('dialog', { 'aria-labelledby': 'question' }, form);
  cancel.addEventListener('click', () => {
    dialog.close();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    doIt.disabled = true;
    run().then(
      (notes) => {
        if (notes.length === 0) {
          dialog.close();
          return;
        }
        refused.replaceChildren(
          ...notes.map((note) => h('p', { class: 'notice warning' }, outside(note, 500))),
        );
        doIt.remove();
        cancel.textContent = ASK.close;
      },
      (error: unknown) => {
        refused.replaceChildren(h('p', { class: 'notice bad' }, outside(sentenceOf(error), 500)));
        doIt.disabled = false;
      },
    );
  });
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve();
    });
    dialog.showModal();
  });
}

/** A field with its name above. */
export function field(label: string, input: HTMLElement): HTMLElement {
  return h('label', { class: 'field' }, h('span', {}, label), input);
}
