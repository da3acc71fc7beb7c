// Which records are shown: the fields above the list, and the options of sc_auth that they become.

import { OUTCOMES } from '../../../cli/audit/outcomes.ts';
import { AUDIT_KINDS } from '../../../model/sealed-log/audit-event.ts';
import { kindName, outcomeWords } from '../../../words/audit.ts';
import { LOG } from '../../../words/console-log.ts';
import { field } from '../../kit/ask.ts';
import { h } from '../../kit/dom.ts';

/** While somebody types. */
const SETTLE_MS = 300;
const DAY_MS = 86_400_000;

type Name = 'user' | 'service' | 'card' | 'kind' | 'outcome';

export interface Filters {
  readonly element: HTMLElement;
  /** For sc_auth audit; a value is never taken for an option, since it stands behind `=`. */
  readonly args: () => string[];
  /** Sets one, as if it had been chosen. */
  readonly set: (name: string, value: string) => void;
}

function text(): HTMLInputElement {
  return h('input', {
    type: 'text',
    maxlength: 256,
    placeholder: LOG.any,
    spellcheck: 'false',
    autocomplete: 'off',
  });
}

function choice(values: readonly string[], say: (value: string) => string): HTMLSelectElement {
  const select = h('select', {}, h('option', { value: '' }, LOG.any));
  for (const value of values) select.append(h('option', { value }, say(value)));
  return select;
}

function sayOutcome(outcome: string): string {
  return { success: LOG.success, failure: LOG.failure }[outcome] ?? outcomeWords(outcome);
}

/** Midnight where the browser is. @returns null for no day */
function dayMs({ value }: HTMLInputElement): number | null {
  const ms = new Date(`${value}T00:00:00`).getTime();
  return Number.isNaN(ms) ? null : ms;
}

/** @param changed is called when something else was chosen */
export function filtersPart(given: readonly (readonly [string, string])[], changed: () => void): Filters {
  const inputs: Readonly<Record<Name, HTMLInputElement | HTMLSelectElement>> = {
    user: text(),
    service: text(),
    card: text(),
    kind: choice(AUDIT_KINDS, kindName),
    outcome: choice(OUTCOMES, sayOutcome),
  };
  const time = h('select', {});
  for (const [value, said] of LOG.times) time.append(h('option', { value }, said));
  const [from, to] = [h('input', { type: 'date' }), h('input', { type: 'date' })];
  const days = h('div', { class: 'tools days', hidden: true }, field(LOG.from, from), field(LOG.to, to));
  const fields = (Object.keys(inputs) as Name[]).map((name) => field(LOG[name], inputs[name]));
  const element = h(
    'form',
    { class: 'filters', role: 'search', 'aria-label': LOG.search },
    ...fields,
    field(LOG.time, time),
    days,
  );

  let timer = 0;
  element.addEventListener('input', () => {
    days.hidden = time.value !== 'between';
    clearTimeout(timer);
    timer = window.setTimeout(changed, SETTLE_MS);
  });
  element.addEventListener('submit', (event) => {
    event.preventDefault();
  });

  const set = (name: string, value: string): void => {
    if (Object.hasOwn(inputs, name)) inputs[name as Name].value = value;
  };
  for (const [name, value] of given) set(name, value);

  const timeArgs = (): string[] => {
    if (time.value === '') return [];
    if (time.value !== 'between') return [`--since=${time.value}`];
    const [since, until] = [dayMs(from), dayMs(to)];
    return [
      ...(since === null ? [] : [`--since=${new Date(since).toISOString()}`]),
      // To the end of that day.
      ...(until === null ? [] : [`--until=${new Date(until + DAY_MS - 1).toISOString()}`]),
    ];
  };
  return {
    element,
    args: () => {
      const chosen = (Object.keys(inputs) as Name[]).flatMap((name) => {
        const value = inputs[name].value.trim();
        if (value === '') return [];
        const option = name === 'card' && /^[0-9A-F]{4,40}$/i.test(value) ? 'key' : name;
        return [`--${option}=${value}`];
      });
      return [...chosen, ...timeArgs()];
    },
    set: (name, value) => {
      set(name, value);
      changed();
    },
  };
}
