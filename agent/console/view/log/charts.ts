// The pictures of `sc_auth audit report`, of the records that are chosen: logins over time, why something failed, and who, where
// and with which key. Drawn of elements and attributes; each picture has its numbers as a table.

import { columnsOf } from '../../../cli/audit/report/columns.ts';
import { LOGIN_OUTCOMES, type DayCounts } from '../../../cli/audit/tally.ts';
import { readFields } from '../../../protocol/io-scauth.ts';
import { kindName, outcomeWords, reasonWords } from '../../../words/audit.ts';
import { CHARTS } from '../../../words/console-log.ts';
import { h, outside, share, svg } from '../../kit/dom.ts';
import { eachDocument, listOf, type Run } from '../../kit/sc-auth.ts';
import { failed } from '../view.ts';

const WIDTH = 900;
const HEIGHT = 200;
/** Of one column. */
const MOST_WIDTH = 60;
const SHOWN = 12;

const DAY = { day: 'string', granted: 'int', denied: 'int', unavailable: 'int', cancelled: 'int' } as const;
const COUNT = { name: 'string', count: 'int' } as const;
const KEY = { ...COUNT, owners: '[]string' } as const;

type Count = readonly [name: string, count: number];

function sum(counts: DayCounts): number {
  return LOGIN_OUTCOMES.reduce((total, outcome) => total + counts[outcome], 0);
}

function columnPart(counts: DayCounts, left: number, width: number, top: number): SVGElement[] {
  let y = HEIGHT;
  return LOGIN_OUTCOMES.filter((outcome) => counts[outcome] > 0).map((outcome) => {
    const height = (counts[outcome] * HEIGHT) / top;
    y -= height;
    return svg('rect', {
      class: outcome,
      x: left.toFixed(1),
      y: y.toFixed(1),
      width: width.toFixed(1),
      height: height.toFixed(1),
    });
  });
}

/** A table that is as wide as it is; a small screen moves it by itself. */
function numbers(columns: ReturnType<typeof columnsOf>): HTMLElement {
  const heads = LOGIN_OUTCOMES.map((outcome) => h('th', { scope: 'col' }, outcomeWords(outcome)));
  const rows = columns.map(({ label, counts }) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, outside(label, 20)),
      ...LOGIN_OUTCOMES.map((outcome) => h('td', {}, String(counts[outcome]))),
    ),
  );
  return h(
    'details',
    {},
    h('summary', {}, CHARTS.numbers),
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, CHARTS.from), ...heads)),
      h('tbody', {}, ...rows),
    ),
  );
}

function overTime(days: ReadonlyMap<string, DayCounts>): HTMLElement {
  const columns = columnsOf(days);
  if (columns.length === 0) return h('p', { class: 'quiet' }, CHARTS.none);
  const top = Math.max(1, ...columns.map(({ counts }) => sum(counts)));
  const step = WIDTH / columns.length;
  const width = Math.min(step * 0.8, MOST_WIDTH);
  const [first, last] = [columns[0]?.label ?? '', columns.at(-1)?.label ?? ''];
  const picture = svg(
    'svg',
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': CHARTS.picture(first, last),
    },
    ...columns.flatMap(({ counts }, at) => columnPart(counts, at * step + (step - width) / 2, width, top)),
  );
  const legend = LOGIN_OUTCOMES.map((outcome) =>
    h('li', {}, h('i', { class: outcome, 'aria-hidden': 'true' }), outcomeWords(outcome)),
  );
  return h(
    'figure',
    { class: 'chart' },
    h('figcaption', {}, h('h3', {}, CHARTS.overTime)),
    h('p', { class: 'scale quiet', 'aria-hidden': 'true' }, String(top)),
    picture,
    h(
      'p',
      { class: 'ends quiet', 'aria-hidden': 'true' },
      h('span', {}, outside(first, 20)),
      columns.length > 1 ? h('span', {}, outside(last, 20)) : null,
    ),
    h('ul', { class: 'legend' }, ...legend),
    numbers(columns),
  );
}

function bars(title: string, counts: readonly Count[], look = 'plain'): HTMLElement | null {
  if (counts.length === 0) return null;
  const most = Math.max(1, ...counts.map(([, count]) => count));
  const more = counts.length - SHOWN;
  const rows = counts
    .slice(0, SHOWN)
    .map(([name, count]) =>
      h(
        'tr',
        {},
        h('th', { scope: 'row' }, outside(name, 80)),
        h(
          'td',
          {},
          share(h('span', { class: `bar ${look}`, 'aria-hidden': 'true' }), count / most),
          String(count),
        ),
      ),
    );
  return h(
    'section',
    { class: 'bars' },
    h('h3', {}, title),
    h('table', { 'aria-label': title }, h('tbody', {}, ...rows)),
    more > 0 ? h('p', { class: 'quiet' }, CHARTS.more(more)) : null,
  );
}

/** Of failures that are no logins the kind stands before: `pin-changed: wrong-pin`. */
function whyWords(text: string): string {
  const [kind = '', reason] = text.split(': ');
  return reason === undefined ? reasonWords(text) : `${kindName(kind)}: ${reasonWords(reason)}`;
}

function draw(document: unknown): HTMLElement[] {
  const { records } = readFields(document, { records: 'int' } as const);
  const counts = (name: string): Count[] =>
    listOf(document, name).map((one) => {
      const { name: text, count } = readFields(one, COUNT);
      return [text, count];
    });
  const days = listOf(document, 'days').map((one) => {
    const { day, ...rest } = readFields(one, DAY);
    return [day, rest] as const;
  });
  const keys = listOf(document, 'keys').map((one): Count => {
    const { name, count, owners } = readFields(one, KEY);
    return [`${owners.length === 0 ? CHARTS.ownerUnknown : owners.join(', ')} · ${name.slice(0, 8)}`, count];
  });
  const named = (list: readonly Count[], say: (name: string) => string): Count[] =>
    list.map(([name, count]) => [say(name), count]);
  const parts = [
    h('p', { class: 'quiet' }, CHARTS.records(records)),
    overTime(new Map(days)),
    bars(CHARTS.reasons, named(counts('reasons'), whyWords), 'denied'),
    bars(CHARTS.services, counts('services')),
    bars(CHARTS.users, counts('users')),
    bars(CHARTS.keys, keys),
    bars(CHARTS.kinds, named(counts('kinds'), kindName)),
  ];
  return parts.filter((part) => part !== null);
}

/** @param args which records, as sc_auth takes them */
export function chartsPart(args: () => readonly string[]): {
  readonly element: HTMLElement;
  readonly end: () => void;
} {
  let run: Run | null = null;
  const said = h('div', { 'aria-live': 'polite' });
  const go = h('button', { type: 'button' }, CHARTS.draw);
  const again = (): void => {
    run?.close();
    said.replaceChildren(h('p', { class: 'quiet' }, CHARTS.drawing));
    let parts: HTMLElement[] = [];
    const mine = eachDocument(['audit', 'stats', ...args()], (document) => {
      parts = draw(document);
    });
    run = mine;
    mine.ended
      .catch((error: unknown) => {
        parts = [failed(error)];
      })
      .then(() => {
        if (run === mine) said.replaceChildren(...parts);
      })
      .catch(() => undefined);
  };
  go.addEventListener('click', again);
  const element = h(
    'details',
    { class: 'panel' },
    h('summary', {}, h('h2', {}, CHARTS.title)),
    h('p', { class: 'quiet' }, CHARTS.about),
    go,
    said,
  );
  return { element, end: () => run?.close() };
}
