// The report as one self-contained page: no script, nothing from outside (the page's own Content-Security-Policy forbids
// both). Every text of the log is quoted by html``; codes are said in words (agent/words/audit.ts).

import { kindName, kindWords, outcomeWords, reasonWords } from '../../../words/audit.ts';
import { page as words } from '../../../words/audit-log.ts';
import { overTime } from './charts.ts';
import { columnsOf } from './columns.ts';
import { STYLE } from './style.ts';
import { html, type Html } from './html.ts';
import type { AuditRecord } from '../record.ts';
import { LOGIN_OUTCOMES, type Tally } from '../tally.ts';
import { timeText } from '../../../base/local-time.ts';
import { zoneText } from '../when.ts';

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

function tile(count: number, words: string): Html {
  return html`<li><strong>${count.toLocaleString('en')}</strong>${words}</li>`;
}

function timePart(tally: Tally): Html {
  const columns = columnsOf(tally.days);
  if (columns.length === 0)
    return html`<h2>Logins over time</h2>
      <p>${words.noLogin}</p>`;
  const legend = LOGIN_OUTCOMES.map(
    (outcome) =>
      html`<li>
        <svg viewBox="0 0 14 14" aria-hidden="true">
          <rect class="${outcome}" width="14" height="14"></rect></svg
        >${outcomeWords(outcome)}
      </li>`,
  );
  const rows = columns.map(
    ({ label, counts }) =>
      html`<tr>
        <th scope="row">${label}</th>
        ${LOGIN_OUTCOMES.map((outcome) => html`<td class="n">${counts[outcome]}</td>`)}
      </tr>`,
  );
  const heads = LOGIN_OUTCOMES.map(
    (outcome) => html`<th scope="col" class="n">${outcomeWords(outcome)}</th>`,
  );
  return html`<h2>Logins over time</h2>
    ${overTime(columns)}
    <ul class="legend">
      ${legend}
    </ul>
    <details>
      <summary>The numbers of this picture</summary>
      <table class="days">
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
    </details>`;
}

interface Bars {
  readonly title: string;
  /** Over the names. */
  readonly name: string;
  readonly rows: readonly (readonly [string, number])[];
  readonly style?: string;
  /** How a name is said; without it, as it is. */
  readonly say?: (name: string) => Html | string;
}

function barTable({ title, name, rows, style = '', say = (text) => text }: Bars, most: number): Html {
  const lines = rows.map(
    ([text, count]) =>
      html`<tr>
        <th scope="row">${say(text)}</th>
        <td>
          <div><span style="width: ${((80 * count) / most).toFixed(1)}%"></span>${count}</div>
        </td>
      </tr>`,
  );
  return html`<table class="bars ${style}">
    <caption>
      ${title}, the most first
    </caption>
    <thead>
      <tr>
        <th scope="col">${name}</th>
        <th scope="col">Number</th>
      </tr>
    </thead>
    <tbody>
      ${lines}
    </tbody>
  </table>`;
}

function namedPart(bars: Bars): Html {
  const { title, rows } = bars;
  const most = Math.max(1, ...rows.map(([, count]) => count));
  if (rows.length === 0)
    return html`<h2>${title}</h2>
      <p>${words.none}</p>`;
  const more = { ...bars, title: `${title}, further ones`, rows: rows.slice(SHOWN, LISTED) };
  return html`<h2>${title}</h2>
    ${barTable({ ...bars, rows: rows.slice(0, SHOWN) }, most)}
    ${
      more.rows.length === 0
        ? ''
        : html`<details>
            <summary>${more.rows.length} more</summary>
            ${barTable(more, most)}
          </details>`
    }`;
}

/** Whose key it is, by the pairings and granted logins of these records. */
function ownersOf(tally: Tally, pkhh: string): string {
  const names = [...(tally.owners.get(pkhh) ?? [])];
  return names.length === 0 ? words.ownerUnknown : names.join(', ');
}

function actorWords({ actorUid, loginUid }: AuditRecord): string | null {
  const named = (uid: string): string => (uid === '0' ? 'root' : `uid ${uid}`);
  if (actorUid === null) return null;
  const login = loginUid === null || loginUid === actorUid ? '' : `, logged in as ${named(loginUid)}`;
  return `by ${named(actorUid)}${login}`;
}

/** `9 of prompt-state`, as the log counts them. */
function leftOutWords(text: string): string {
  const [, count, kind] = /^(\d+) of (.+)$/.exec(text) ?? [];
  return kind === undefined ? text : `${count ?? ''} × ${kindName(kind)}`;
}

function eventLine(record: AuditRecord, tally: Tally): Html {
  const { timeMs, kind, outcome, user, service, reason, detail, token, pkhh, owner, count } = record;
  const more = [
    reason === null ? null : kind === 'records-left-out' ? leftOutWords(reason) : reasonWords(reason),
    kind === 'gap' && count !== null ? `number: ${count}` : null,
    owner === null ? null : `caused by ${owner}`,
    detail,
    token === null ? null : `card ${token}`,
    actorWords(record),
  ].filter((text) => text !== null && text !== '');
  const about = [user, service].filter((text) => text !== null).join(', ');
  return html`<li>
    <time datetime="${new Date(timeMs).toISOString()}">${timeText(timeMs)}</time>
    <div>
      <p><strong>${kindWords(kind, outcome)}</strong>${about === '' ? '' : html` ${about}`}</p>
      ${more.length === 0 ? '' : html`<p>${more.join('; ')}</p>`}
      ${pkhh === null ? '' : html`<p class="soft">key of ${ownersOf(tally, pkhh)} <code>${pkhh}</code></p>`}
    </div>
  </li>`;
}

function listPart(title: string, none: string, records: readonly AuditRecord[], tally: Tally): Html {
  if (records.length === 0)
    return html`<h2>${title}</h2>
      <p>${none}</p>`;
  const lines = records
    .slice(-LISTED)
    .reverse()
    .map((record) => eventLine(record, tally));
  return html`<h2>${title}</h2>
    <p class="soft">${records.length > LISTED ? `The last ${LISTED}, the` : 'The'} last first.</p>
    <ol class="events">
      ${lines}
    </ol>`;
}

/** Reasons of logins are codes; of all else the tally puts the kind before. */
function whyWords(text: string): string {
  const [kind = '', reason] = text.split(': ');
  if (reason === undefined) return reasonWords(text);
  return `${kindName(kind)}: ${reasonWords(reason)}`;
}

function sealPart({ state, text, faults }: SealWord): Html {
  const list = faults.slice(0, LISTED).map((fault) => html`<li>${fault}</li>`);
  return html`<section class="seal ${state}">
    <h2>${words.seal[state]}</h2>
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
            ${timeText(facts.madeMs)}. ${words.zone(zoneText(facts.madeMs))}
          </p>
          <ul class="tiles">
            ${tile(outcomes.counts.get('granted') ?? 0, 'logins granted')}${tile(outcomes.counts.get('denied') ?? 0, 'logins refused')}${tile(users.counts.size, 'accounts')}${tile(keys.counts.size, 'cards’ keys')}${tile(of('exemption-used') + of('break-glass-used'), 'let in without a card')}${tile(gapCount, 'gaps in the log')}
          </ul>
          ${sealPart(facts.seal)}
          ${facts.unread === 0 ? '' : html`<p>${facts.unread} lines of the log are no record; sc_auth audit verify says which.</p>`}
          ${timePart(tally)}
          ${namedPart({ title: 'Why something did not succeed', name: 'Reason', rows: reasons.top(), style: 'why', say: whyWords })}
          ${namedPart({ title: 'Logins by service', name: 'Service', rows: services.top() })}
          ${namedPart({ title: 'Logins by account', name: 'Account', rows: users.top() })}
          ${namedPart({
            title: 'Logins by key',
            name: 'Whose key',
            rows: keys.top(),
            say: (pkhh) => html`${ownersOf(tally, pkhh)}<br /><code>${pkhh}</code>`,
          })}
          ${listPart('Exemptions, suspect cards, blocked PINs and gaps', words.none, notable, tally)}
          ${listPart('Pairings and settings', words.nothingChanged, changes, tally)}
          ${namedPart({ title: 'All records by kind', name: 'Kind', rows: kinds.top(), say: kindName })}
        </main>
      </body>
    </html> `;
  return page.markup;
}
