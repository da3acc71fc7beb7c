// The report as one self-contained page: no script, nothing from outside (the page's own Content-Security-Policy forbids
// both), light and dark. Pictures first, tables under them. Every text of the log is quoted by html``.

import { page as say } from '../../words/audit-log.ts';
import { byName, columnsOf, overTime } from './report-charts.ts';
import { html, Html } from './html.ts';
import type { AuditRecord } from './record.ts';
import { LOGIN_OUTCOMES, type Tally } from './tally.ts';
import { timeText } from './when.ts';

export interface SealWord {
  readonly state: 'whole' | 'broken' | 'unchecked';
  readonly text: string;
  readonly faults: readonly string[];
}

export interface ReportFacts {
  readonly seal: SealWord;
  /** Lines that are no record. */
  readonly unread: number;
  readonly host: string;
  readonly madeMs: number;
  /** What was asked for, as text; empty for the whole log. */
  readonly filter: readonly string[];
}

const SHOWN = 15;
const LISTED = 100;

const STYLE = new Html(`
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --tile: #f6f8fa;
  --granted: #1a7f4b; --denied: #c4231c; --unavailable: #9a6700; --cancelled: #6e7781; --plain: #2f6fbb; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --soft: #a2abb5; --line: #30363d;
  --tile: #161b22; --granted: #3fb97a; --denied: #ff7b72; --unavailable: #d9a83a; --cancelled: #8b949e; --plain: #6ca4e6; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1000px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 28px; margin: 0 0 4px; } h2 { font-size: 20px; margin: 40px 0 8px; }
p.soft, caption { color: var(--soft); } p { max-width: 75ch; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 12px; padding: 0; margin: 20px 0; list-style: none; }
.tiles li { background: var(--tile); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; font-size: 14px; line-height: 1.35; }
.tiles strong { display: block; font-size: 28px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.seal { border: 1px solid var(--line); border-left: 6px solid var(--unavailable); border-radius: 8px; padding: 12px 16px; }
.seal.whole { border-left-color: var(--granted); } .seal.broken { border-left-color: var(--denied); }
.seal h2 { margin: 0 0 4px; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--ink); font-size: 13px; }
.granted { fill: var(--granted); } .denied { fill: var(--denied); } .unavailable { fill: var(--unavailable); }
.cancelled { fill: var(--cancelled); } .plain { fill: var(--plain); } .grid { stroke: var(--line); }
.legend { display: flex; flex-wrap: wrap; gap: 16px; padding: 0; list-style: none; }
.legend svg { display: inline-block; width: 14px; height: 14px; margin-right: 6px; vertical-align: -2px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; margin: 12px 0; font-size: 14px; }
caption { text-align: left; padding: 4px 0; } th, td { text-align: left; padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
td.t, th[scope='col'] { white-space: nowrap; overflow-wrap: normal; } summary { cursor: pointer; padding: 8px 0; }
@media print { details { display: block; } }
`);

function tile(count: number, words: string): Html {
  return html`<li><strong>${count.toLocaleString('en')}</strong>${words}</li>`;
}

function countTable(caption: string, name: string, rows: readonly (readonly [string, number])[]): Html {
  const lines = rows.map(
    ([text, count]) =>
      html`<tr>
        <th scope="row">${text}</th>
        <td class="n">${count}</td>
      </tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          <th scope="col">${name}</th>
          <th scope="col" class="n">Number</th>
        </tr>
      </thead>
      <tbody>
        ${lines}
      </tbody>
    </table>
  </div>`;
}

function recordTable(caption: string, records: readonly AuditRecord[]): Html {
  const lines = records
    .slice(-LISTED)
    .reverse()
    .map((record) => {
      const { kind, outcome, user, service, reason, detail, token, pkhh, actorUid, count } = record;
      const what = outcome === 'failure' && kind !== 'gap' ? `${kind} failed` : kind;
      const more = [
        reason,
        count === null ? null : String(count),
        detail,
        token === null ? null : `card ${token}`,
        pkhh === null ? null : `key ${pkhh}`,
        actorUid === null ? null : `by uid ${actorUid}`,
      ].filter((text) => text !== null && text !== '');
      return html`<tr>
        <td class="t">${timeText(record.timeMs)}</td>
        <td>${what}</td>
        <td>${user ?? ''}</td>
        <td>${service ?? ''}</td>
        <td>${more.join('; ')}</td>
      </tr>`;
    });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">What</th>
          <th scope="col">Account</th>
          <th scope="col">Service</th>
          <th scope="col">More</th>
        </tr>
      </thead>
      <tbody>
        ${lines}
      </tbody>
    </table>
  </div>`;
}

function timePart(tally: Tally): Html {
  const columns = columnsOf(tally.days);
  if (columns.length === 0)
    return html`<h2>Logins over time</h2>
      <p>No login in this time.</p>`;
  const legend = LOGIN_OUTCOMES.map(
    (outcome) =>
      html`<li>
        <svg viewBox="0 0 14 14" aria-hidden="true">
          <rect class="${outcome}" width="14" height="14"></rect></svg
        >${outcome}
      </li>`,
  );
  const rows = columns.map(
    ({ label, counts }) =>
      html`<tr>
        <th scope="row">${label}</th>
        ${LOGIN_OUTCOMES.map((outcome) => html`<td class="n">${counts[outcome]}</td>`)}
      </tr>`,
  );
  const heads = LOGIN_OUTCOMES.map((outcome) => html`<th scope="col" class="n">${outcome}</th>`);
  return html`<h2>Logins over time</h2>
    ${overTime(columns)}
    <ul class="legend">
      ${legend}
    </ul>
    <details>
      <summary>The numbers of this picture</summary>
      <div class="scroll" tabindex="0" role="region" aria-label="Logins over time">
        <table>
          <caption>
            Logins, from this day on
          </caption>
          <thead>
            <tr>
              <th scope="col">From</th>
              ${heads}
            </tr>
          </thead>
          <tbody>
            ${rows}
          </tbody>
        </table>
      </div>
    </details>`;
}

function namedPart(
  id: string,
  title: string,
  name: string,
  rows: readonly [string, number][],
  style: string,
): Html {
  if (rows.length === 0)
    return html`<h2>${title}</h2>
      <p>${say.none}</p>`;
  const top = rows.slice(0, SHOWN);
  return html`<h2>${title}</h2>
    ${byName(id, title, top, style)}
    <details>
      <summary>The numbers of this picture</summary>
      ${countTable(title, name, rows.slice(0, LISTED))}
    </details>`;
}

function listPart(title: string, none: string, records: readonly AuditRecord[]): Html {
  return records.length === 0
    ? html`<h2>${title}</h2>
        <p>${none}</p>`
    : html`<h2>${title}</h2>
        ${recordTable(`${title}, the last first`, records)}`;
}

const SEAL_TITLES = { whole: 'Seal: whole', broken: 'Seal: broken', unchecked: 'Seal: not checked' } as const;

function sealPart({ state, text, faults }: SealWord): Html {
  const list = faults.slice(0, LISTED).map((fault) => html`<li>${fault}</li>`);
  return html`<section class="seal ${state}">
    <h2>${SEAL_TITLES[state]}</h2>
    <p>${text}</p>
    ${
      list.length === 0
        ? ''
        : html`<ul>
            ${list}
          </ul>`
    }
  </section>`;
}

export function reportPage(tally: Tally, facts: ReportFacts): string {
  const { records, outcomes, reasons, users, services, keys, notable, changes, kinds, gaps } = tally;
  const span = records === 0 ? 'no record' : `${timeText(tally.firstMs)} to ${timeText(tally.lastMs)}`;
  const of = (kind: string): number => kinds.counts.get(kind) ?? 0;
  const gapCount = [...gaps.counts.values()].reduce((total, count) => total + count, 0);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>Smart card logins on ${facts.host}</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        <main>
          <h1>Smart card logins on ${facts.host}</h1>
          <p class="soft">
            ${span}${facts.filter.length === 0 ? '' : `; only ${facts.filter.join(', ')}`}. Made
            ${timeText(facts.madeMs)}.
          </p>
          <ul class="tiles">
            ${tile(outcomes.counts.get('granted') ?? 0, 'logins granted')}${tile(outcomes.counts.get('denied') ?? 0, 'logins refused')}${tile(users.counts.size, 'accounts')}${tile(keys.counts.size, 'cards’ keys')}${tile(of('exemption-used') + of('break-glass-used'), 'let in without a card')}${tile(gapCount, 'gaps in the log')}
          </ul>
          ${sealPart(facts.seal)}
          ${facts.unread === 0 ? '' : html`<p>${facts.unread} lines of the log are no record; sc_auth audit verify says which.</p>`}
          ${timePart(tally)}
          ${namedPart('reasons', 'Why something did not succeed', 'Reason', reasons.top(), 'denied')}
          ${namedPart('services', 'Logins by service', 'Service', services.top(), 'plain')}
          ${namedPart('users', 'Logins by account', 'Account', users.top(), 'plain')}
          ${namedPart('keys', 'Logins by key', 'Key', keys.top(), 'plain')}
          ${listPart('Exemptions, suspect cards, blocked PINs and gaps', say.none, notable)}
          ${listPart('Pairings and settings', say.nothingChanged, changes)}
          ${namedPart('kinds', 'All records by kind', 'Kind', kinds.top(), 'plain')}
        </main>
      </body>
    </html> `;
  return page.markup;
}
