// A long list of which only what is in sight, and a little around it, is in the document. It is a list to a screen
// reader, which is told how many there are; arrow keys, Page Up and Down, Home and End go through all of it.

import { h } from './dom.ts';

/** Of a row of one line, in pixels. */
const ONE_LINE = 48;
/** Rows around those in sight. */
const AROUND = 10;

export interface VirtualList<One> {
  readonly element: HTMLElement;
  /** @param above so many are new at its beginning: what is in sight stays there, but for the beginning itself */
  readonly fill: (all: readonly One[], above?: number) => void;
}

/**
 * @param name of the list
 * @param row makes one row, with one link or button in it
 * @param how nearEnd is told that its end is nearly in sight; height is that of each row, in pixels
 */
export function virtualList<One>(
  name: string,
  row: (one: One) => HTMLElement,
  how: { readonly nearEnd?: () => void; readonly height?: number } = {},
): VirtualList<One> {
  const { nearEnd = () => undefined, height = ONE_LINE } = how;
  const space = h('div', { class: 'space', role: 'list', 'aria-label': name });
  const element = h('div', { class: 'rows', tabindex: -1 }, space);
  let all: readonly One[] = [];
  let drawn = { from: -1, to: -1, all };

  const draw = (above = 0): void => {
    const seen = Math.ceil(element.clientHeight / height);
    const first = Math.floor(element.scrollTop / height);
    const from = Math.max(0, first - AROUND);
    const to = Math.min(all.length, first + seen + AROUND);
    if (to === all.length) nearEnd();
    if (drawn.from === from && drawn.to === to && drawn.all === all) return;
    const focused = document.activeElement?.closest('[aria-posinset]')?.getAttribute('aria-posinset') ?? null;
    drawn = { from, to, all };
    space.replaceChildren(
      ...all.slice(from, to).map((one, at) => {
        const item = h('div', {
          class: 'row',
          role: 'listitem',
          'aria-setsize': all.length,
          'aria-posinset': from + at + 1,
        });
        item.style.setProperty('top', `${(from + at) * height}px`);
        item.style.setProperty('height', `${height}px`);
        item.append(row(one));
        return item;
      }),
    );
    if (focused !== null) linkAt(Number(focused) - 1 + above)?.focus({ preventScroll: true });
  };

  const linkAt = (index: number): HTMLElement | null =>
    space.querySelector<HTMLElement>(`[aria-posinset="${index + 1}"] :is(a, button)`);

  const goTo = (index: number): void => {
    const at = Math.min(all.length - 1, Math.max(0, index));
    const top = at * height;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + height > element.scrollTop + element.clientHeight)
      element.scrollTop = top + height - element.clientHeight;
    draw();
    linkAt(at)?.focus({ preventScroll: true });
  };

  const drawAgain = (): void => {
    draw();
  };
  element.addEventListener('scroll', drawAgain, { passive: true });
  new ResizeObserver(drawAgain).observe(element);
  element.addEventListener('keydown', (event) => {
    const place = document.activeElement?.closest('[aria-posinset]')?.getAttribute('aria-posinset');
    if (place === null || place === undefined) return;
    const index = Number(place) - 1;
    const page = Math.max(1, Math.floor(element.clientHeight / height) - 1);
    const to = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    goTo(to);
  });

  return {
    element,
    fill: (next, above = 0) => {
      all = next;
      space.style.setProperty('height', `${all.length * height}px`);
      if (element.scrollTop > 0) element.scrollTop += above * height;
      draw(above);
    },
  };
}
