// The picture of the report: logins over time, as SVG without script. It holds no text but titles, so that it can be as
// wide as the page while the words around it keep their size; the numbers stand in the table below it.

import { outcomeWords } from '../../../words/audit.ts';
import { html, type Html } from './html.ts';
import { LOGIN_OUTCOMES, type DayCounts } from '../tally.ts';

const WIDTH = 900;
const HEIGHT = 200;
/** Of one column. */
const MAX_WIDTH = 60;
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
  const top = ceiling(Math.max(2, ...columns.map(({ counts }) => sum(counts))));
  const step = WIDTH / Math.max(1, columns.length);
  const scale = HEIGHT / top;
  const width = Math.min(step * 0.8, MAX_WIDTH);
  const bars = columns.map(({ label, counts }, index) => {
    let y = HEIGHT;
    const parts = LOGIN_OUTCOMES.filter((outcome) => counts[outcome] > 0).map((outcome) => {
      const height = counts[outcome] * scale;
      y -= height;
      return html`<rect
        class="${outcome}"
        x="${(index * step + (step - width) / 2).toFixed(1)}"
        y="${y.toFixed(1)}"
        width="${width.toFixed(1)}"
        height="${height.toFixed(1)}"
      ></rect>`;
    });
    const words = LOGIN_OUTCOMES.map((outcome) => `${counts[outcome]} ${outcomeWords(outcome)}`).join(', ');
    return html`<g><title>${label}: ${words}</title>${parts}</g>`;
  });
  const lines = [0, HEIGHT / 2].map(
    (y) => html`<line class="grid" x1="0" x2="${WIDTH}" y1="${y}" y2="${y}"></line>`,
  );
  const [first, last] = [columns[0]?.label ?? '', columns.at(-1)?.label ?? ''];
  return html`<div class="chart">
    <div class="scale"><span>${top}</span><span>${top / 2}</span><span>0</span></div>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-labelledby="over-time">
      <title id="over-time">Logins over time, ${first} to ${last}; the table below has the numbers</title>
      ${lines}${bars}
    </svg>
    <div class="ends"><span>${first}</span>${columns.length < 2 ? '' : html`<span>${last}</span>`}</div>
  </div>`;
}
