// A question before something is done: what will come of it, then yes or no. What scauthd refuses is said in the same place,
// and the question stays open. What has come of it is told also where the question was closed meanwhile: it may be a code
// that is shown once.

import { ASK } from '../../words/console.ts';
import { sentenceOf } from './agent.ts';
import { h, outside } from './dom.ts';

export interface Question {
  readonly title: string;
  /** What will come of it, a sentence each. */
  readonly consequences: readonly (string | Node)[];
  readonly fields?: readonly HTMLElement[];
  /** What the button says that does it; null: there is nothing to be done. */
  readonly yes: string | null;
  /** What is said while it is done, where that takes its time. */
  readonly meanwhile?: string;
  /** Does it, and throws what is to be said. @returns what came of it beside what the page shows anyway */
  readonly run?: () => Promise<readonly (string | HTMLElement)[]>;
}

/**
 * A button that asks. What fails before there is a question is told as one.
 * @param preparing what it says until the question is there, where that takes its time
 */
export function act(
  text: string,
  run: () => Promise<void>,
  again: () => void,
  preparing = text,
): HTMLElement {
  const button = h('button', { type: 'button' }, text);
  button.addEventListener('click', () => {
    button.disabled = true;
    button.textContent = preparing;
    void run()
      .catch((error: unknown) => ask({ title: text, consequences: [refusal(error)], yes: null }))
      .then(() => {
        button.disabled = false;
        button.textContent = text;
        // What was asked about may be another element by now.
        (button.isConnected ? button : document.querySelector('main'))?.focus({ preventScroll: true });
        again();
      });
  });
  return button;
}

function refusal(error: unknown): HTMLElement {
  return h('p', { class: 'notice bad' }, outside(sentenceOf(error), 500));
}

/** @returns once it is closed for good */
export function ask({ title, consequences, fields = [], yes, meanwhile = '', run }: Question): Promise<void> {
  const said = h('div', { role: 'alert' });
  const doIt = h('button', { type: 'submit', class: 'main' }, yes ?? '');
  const cancel = h('button', { type: 'button' }, yes === null ? ASK.close : ASK.cancel);
  const asked = h(
    'div',
    {},
    ...consequences.map((one) => (typeof one === 'string' ? h('p', {}, one) : one)),
    ...fields,
  );
  const form = h(
    'form',
    { method: 'dialog' },
    h('h2', { id: 'question' }, title),
    asked,
    said,
    h('div', { class: 'buttons' }, yes === null ? null : doIt, cancel),
  );
  const dialog = h('dialog', { 'aria-labelledby': 'question' }, form);
  let isRunning = false;
  let end: () => void = () => undefined;
  const settle = (...parts: readonly HTMLElement[]): void => {
    isRunning = false;
    said.replaceChildren(...parts);
    if (dialog.open) return;
    document.body.append(dialog);
    dialog.showModal();
  };
  cancel.addEventListener('click', () => {
    dialog.close();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (isRunning || run === undefined) return;
    isRunning = true;
    doIt.disabled = true;
    said.replaceChildren(h('p', { class: 'quiet' }, meanwhile));
    run().then(
      (notes) => {
        if (notes.length === 0) {
          isRunning = false;
          if (dialog.open) dialog.close();
          else end();
          return;
        }
        asked.remove();
        doIt.remove();
        cancel.textContent = ASK.close;
        settle(
          ...notes.map((note) =>
            typeof note === 'string' ? h('p', { class: 'notice warning' }, outside(note, 500)) : note,
          ),
        );
      },
      (error: unknown) => {
        doIt.disabled = false;
        settle(refusal(error));
      },
    );
  });
  document.body.append(dialog);
  return new Promise((resolve) => {
    end = resolve;
    dialog.addEventListener('close', () => {
      dialog.remove();
      if (!isRunning) resolve();
    });
    dialog.showModal();
  });
}

/** A box to tick, and what that says. */
export function tick(box: HTMLInputElement, ...text: readonly (string | Node)[]): HTMLElement {
  return h('label', { class: 'tick' }, box, h('span', {}, ...text));
}

/** A field with its name above. */
export function field(label: string, input: HTMLElement): HTMLElement {
  return h('label', { class: 'field' }, h('span', {}, label), input);
}
