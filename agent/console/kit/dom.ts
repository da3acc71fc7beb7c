// Elements without a framework. Text becomes a text node and nothing else: no function here takes markup, and the page's
// Content-Security-Policy (manifest.json) has the browser refuse it.

import { printable } from '../../base/errors.ts';

export type Child = Node | string | null;
type Value = string | number | boolean | null | ((event: Event) => void);

/** Texts from outside are cut there; nothing of the page's own is as long. */
const MOST = 300;

/**
 * @param values attributes (`true`: without a value; `false`, null: none); a function listens to the event of that name
 */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  values: Readonly<Record<string, Value>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== null && value !== false)
      element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A picture's element. */
export function svg(
  tag: string,
  values: Readonly<Record<string, string | number>>,
  ...children: readonly (Node | string)[]
): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** Text of cards, certificates, accounts and records: cut, without control characters, and its direction is its own. */
export function outside(text: string, most = MOST): HTMLElement {
  return h('bdi', {}, printable(text, most));
}

/** A text with one value of outside in it; `…` is its place. */
export function around(sentence: string, ...values: readonly (string | Node)[]): DocumentFragment {
  const fragment = document.createDocumentFragment();
  const parts = sentence.split('…');
  parts.forEach((part, index) => {
    fragment.append(part);
    const [value] = values.slice(index, index + 1);
    if (value !== undefined) fragment.append(typeof value === 'string' ? outside(value) : value);
  });
  return fragment;
}

/** Sizes are set by script: a style attribute is against the page's policy. @param part 0 to 1 */
export function share(element: HTMLElement, part: number): HTMLElement {
  element.style.setProperty('--share', `${(Math.min(1, Math.max(0, part)) * 100).toFixed(1)}%`);
  return element;
}

/**
 * Shows children in place of those before. A child with the same data-key and data-state stays as it is, so that focus, an
 * open detail and a selection live through what has changed elsewhere. Where the one with the focus has changed, the focus
 * goes to what is in its place.
 */
export function show(parent: Element, children: readonly Element[]): void {
  const before = new Map([...parent.children].map((child) => [keyOf(child), child]));
  const after = children.map((child) => {
    const old = keyOf(child) === null ? undefined : before.get(keyOf(child));
    return old !== undefined && stateOf(old) === stateOf(child) ? old : child;
  });
  if (
    after.length === parent.children.length &&
    after.every((child, index) => parent.children[index] === child)
  )
    return;
  const focused = [...parent.children].find((child) => child.contains(document.activeElement));
  parent.replaceChildren(...after);
  if (focused === undefined) return;
  const next = after.includes(focused) ? null : after.find((child) => keyOf(child) === keyOf(focused));
  next?.querySelector<HTMLElement>('button, a, summary, input')?.focus({ preventScroll: true });
}

function keyOf(child: Element): string | null {
  return child.getAttribute('data-key');
}

function stateOf(child: Element): string | null {
  return child.getAttribute('data-state');
}

/** A name for what an element shows, for {@link show}: short, and another one when anything in it has changed. */
export function stateName(of: unknown): string {
  const text = JSON.stringify(of);
  let hash = 0;
  for (let at = 0; at < text.length; at += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return `${text.length}.${hash}`;
}
