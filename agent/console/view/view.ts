// What a view is, and what views share.

import { STATE } from '../../words/console.ts';
import { sentenceOf } from '../kit/agent.ts';
import { h, outside, show, stateName } from '../kit/dom.ts';
import { now, onChange } from '../kit/live.ts';

/**
 * Fills `main` and keeps it true.
 * @param rest of the address, behind the view's name
 * @returns ends what it has begun
 */
export type View = (main: HTMLElement, rest: readonly string[]) => () => void;

/**
 * Asks and shows, now and at each change; changes that come meanwhile make one more turn. What fails while scauthd is gone is
 * said above the view, which stays as it was.
 * @returns what ends it, and what asks for one more turn
 */
export function kept<Seen>(
  main: HTMLElement,
  ask: () => Promise<Seen>,
  draw: (seen: Seen) => readonly HTMLElement[],
): { readonly end: () => void; readonly again: () => void } {
  let isOver = false;
  let isAsking = false;
  let wanted = 0;
  const turn = async (): Promise<void> => {
    let elements: readonly HTMLElement[];
    try {
      elements = draw(await ask());
    } catch (error) {
      if (now().state === 'gone') return;
      elements = [failed(error)];
    }
    if (isOver) return;
    show(main, elements);
    main.setAttribute('aria-busy', 'false');
  };
  const work = async (): Promise<void> => {
    for (let done = 0; done !== wanted && !isOver;) {
      done = wanted;
      await turn();
    }
    isAsking = false;
  };
  const again = (): void => {
    wanted += 1;
    if (isAsking || isOver) return;
    isAsking = true;
    void work();
  };
  main.setAttribute('aria-busy', 'true');
  main.append(h('p', { class: 'quiet', 'data-key': 'asking' }, STATE.asking));
  const endChanges = onChange(({ state }) => {
    if (state === 'there') again();
  });
  again();
  return {
    again,
    end: () => {
      isOver = true;
      endChanges();
    },
  };
}

/** Begins once scauthd has said who we are. @param begin returns what ends what it has begun */
export function onceKnown(begin: () => () => void): () => void {
  let end: () => void = () => undefined;
  let endChanges: () => void = () => undefined;
  const look = (): void => {
    if (now().user === null) return;
    endChanges();
    end = begin();
  };
  endChanges = onChange(look);
  look();
  return () => {
    endChanges();
    end();
  };
}

/** A part of a view, with its name above. */
export function section(title: string, ...children: readonly HTMLElement[]): HTMLElement {
  return h('section', { class: 'part', 'aria-label': title }, h('h2', {}, title), ...children);
}

/** What narrows a list: a text, and one of several kinds. */
export function chooser(
  search: string,
  filter: string,
  filters: Readonly<Record<string, string>>,
): { readonly search: HTMLInputElement; readonly filter: HTMLSelectElement } {
  const choice = h('select', { 'aria-label': filter });
  for (const [name, text] of Object.entries(filters)) choice.append(h('option', { value: name }, text));
  return {
    search: h('input', { type: 'search', 'aria-label': search, placeholder: search }),
    filter: choice,
  };
}

/** Nothing is there, and the next step. */
export function empty(title: string, next: string): HTMLElement {
  return h('section', { class: 'empty', 'data-key': 'empty' }, h('h2', {}, title), h('p', {}, next));
}

/** What failed, as a sentence. */
export function failed(error: unknown): HTMLElement {
  const said = sentenceOf(error);
  return h(
    'p',
    { class: 'notice bad', 'data-key': 'failed', 'data-state': stateName(said) },
    outside(said, 500),
  );
}
