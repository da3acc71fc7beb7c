// The picture of the report: logins over time, as SVG without script. It holds no text but titles, so that it can be as
// wide as the page while the words around it keep their size; the numbers stand in the table below it.

import { outcomeWords } from '../../../words/audit.ts';
import type { Column } from './columns.ts';
import { html, type Html } from './html.ts';
import { LOGIN_OUTCOMES, type DayCounts } from '../tally.ts';

const WIDTH = 900;
const HEIGHT = 200;
/** Of one column. */
const MAX_WIDTH = 60;

function sum(counts: DayCounts): number {
  return LOGIN_OUTCOMES.reduce((total, outcome) => total + counts[outcome], 0);
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
