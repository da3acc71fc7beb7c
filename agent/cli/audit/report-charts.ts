// The pictures of the report, as SVG without script: bars over time and bars by name. Each has a name and a sentence for
// screen readers; the numbers themselves stand in the tables below them.

import { html, type Html } from './html.ts';
import { LOGIN_OUTCOMES, type DayCounts } from './tally.ts';

const WIDTH = 900;
const HEIGHT = 220;
const LEFT = 48;
const BOTTOM = 24;
/** More columns than this are drawn together: by week, month or year. */
const MAX_COLUMNS = 90;

interface Column {
  readonly label: string;
  readonly counts: DayCounts;
}

function sum(counts: DayCounts): number {
  return LOGIN_OUTCOMES.reduce((total, outcome) => total + counts[outcome], 0);
}

/** Days, weeks, months or years, so that they fit; days on which nobody logged in stand empty. */
export function columnsOf(days: ReadonlyMap<string, DayCounts>): Column[] {
  const sorted = [...days.keys()].sort();
  const [first = '', last = ''] = [sorted[0], sorted.at(-1)];
  const span = (Date.parse(last) - Date.parse(first)) / 86_400_000 + 1;
  if (!(span > 0)) return [];
  const labelOf =
    span <= MAX_COLUMNS
      ? (day: string): string => day
      : span <= 7 * MAX_COLUMNS
        ? mondayOf
        : span <= 30 * MAX_COLUMNS
          ? (day: string): string => day.slice(0, 7)
          : (day: string): string => day.slice(0, 4);
  const columns = new Map<string, DayCounts>();
  for (let at = Date.parse(first); at <= Date.parse(last) && columns.size < 400; at += 86_400_000) {
    const day = new Date(at).toISOString().slice(0, 10);
    const label = labelOf(day);
    const counts = columns.get(label) ?? { granted: 0, denied: 0, unavailable: 0, cancelled: 0 };
    for (const outcome of LOGIN_OUTCOMES) counts[outcome] += days.get(day)?.[outcome] ?? 0;
    columns.set(label, counts);
  }
  return [...columns].map(([label, counts]) => ({ label, counts }));
}

function mondayOf(day: string): string {
  const time = Date.parse(day);
  return new Date(time - ((new Date(time).getUTCDay() + 6) % 7) * 86_400_000).toISOString().slice(0, 10);
}

/** A round number that is not below `value`. */
function ceiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

export function overTime(columns: readonly Column[]): Html {
  const top = ceiling(Math.max(1, ...columns.map(({ counts }) => sum(counts))));
  const step = (WIDTH - LEFT) / Math.max(1, columns.length);
  const scale = (HEIGHT - BOTTOM - 10) / top;
  const bars = columns.map(({ label, counts }, index) => {
    let y = HEIGHT - BOTTOM;
    const parts = LOGIN_OUTCOMES.filter((outcome) => counts[outcome] > 0).map((outcome) => {
      const height = counts[outcome] * scale;
      y -= height;
      const x = (LEFT + index * step + step * 0.1).toFixed(1);
      return html`<rect
        class="${outcome}"
        x="${x}"
        y="${y.toFixed(1)}"
        width="${(step * 0.8).toFixed(1)}"
        height="${height.toFixed(1)}"
      ></rect>`;
    });
    const words = LOGIN_OUTCOMES.map((outcome) => `${counts[outcome]} ${outcome}`).join(', ');
    return html`<g><title>${label}: ${words}</title>${parts}</g>`;
  });
  const lines = [0, top / 2, top].map((value) => {
    const y = (HEIGHT - BOTTOM - value * scale).toFixed(1);
    return html`<line class="grid" x1="${LEFT}" x2="${WIDTH}" y1="${y}" y2="${y}"></line
      ><text x="${LEFT - 6}" y="${y}" text-anchor="end" dominant-baseline="middle">${value}</text>`;
  });
  const [first, last] = [columns[0]?.label ?? '', columns.at(-1)?.label ?? ''];
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="over-time">
    <title id="over-time">Logins over time, ${first} to ${last}; the table below has the numbers</title>
    ${lines}${bars}
    <text x="${LEFT}" y="${HEIGHT - 4}">${first}</text>
    <text x="${WIDTH}" y="${HEIGHT - 4}" text-anchor="end">${last}</text>
  </svg>`;
}

/** Horizontal bars, the longest first. @param id unique in the page */
export function byName(
  id: string,
  title: string,
  rows: readonly (readonly [string, number])[],
  style: string,
): Html {
  const most = Math.max(1, ...rows.map(([, count]) => count));
  const row = 26;
  const bars = rows.map(([name, count], index) => {
    const width = Math.max(2, (count / most) * 580).toFixed(1);
    const y = index * row;
    const short = name.length > 28 ? `${name.slice(0, 27)}…` : name;
    return html`<text x="250" y="${y + 17}" text-anchor="end">${short}</text
      ><rect class="${style}" x="260" y="${y + 4}" width="${width}" height="${row - 8}"></rect
      ><text x="${(268 + Number(width)).toFixed(1)}" y="${y + 17}">${count}</text>`;
  });
  return html`<svg
    viewBox="0 0 ${WIDTH} ${Math.max(row, rows.length * row)}"
    role="img"
    aria-labelledby="${id}"
  >
    <title id="${id}">${title}; the table below has the numbers</title>
    ${bars}
  </svg>`;
}
