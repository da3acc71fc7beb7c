// One record: as a row of the list, and whole, as a dialog.

import type { AuditRecord } from '../../../cli/audit/record.ts';
import { timeText } from '../../../base/local-time.ts';
import { kindName, kindWords, reasonWords } from '../../../words/audit.ts';
import { LOG } from '../../../words/console-log.ts';
import { copied } from '../../kit/copy.ts';
import { around, h, outside } from '../../kit/dom.ts';
import { sealOf } from './seal.ts';

const GOOD = ['granted', 'success'];
const BAD = ['denied', 'failure', 'unavailable'];
/** What an administrator should look at, whatever its outcome. */
const ALARMS = ['pin-blocked', 'card-suspect', 'card-lost', 'break-glass-used', 'gap', 'records-left-out'];

export function lookOf({ kind, outcome }: AuditRecord): string {
  if (ALARMS.includes(kind)) return 'bad';
  if (kind === 'login') return GOOD.includes(outcome) ? 'good' : outcome === 'denied' ? 'bad' : 'warning';
  return BAD.includes(outcome) ? 'bad' : 'plain';
}

function whyOf({ reason, detail }: AuditRecord): string {
  return reason === null ? (detail ?? '') : reasonWords(reason);
}

export function recordRow(record: AuditRecord, open: (record: AuditRecord) => void): HTMLElement {
  const { timeMs, kind, outcome, user, service, token } = record;
  const show = (): void => {
    open(record);
  };
  return h(
    'button',
    { type: 'button', class: `event ${lookOf(record)}`, click: show },
    h('time', { datetime: new Date(timeMs).toISOString() }, timeText(timeMs)),
    h('span', { class: 'what' }, outside(kindWords(kind, outcome), 60)),
    h('span', { class: 'name' }, outside(user ?? '', 60)),
    h('span', { class: 'wide' }, outside(service ?? '', 40)),
    h('span', { class: 'quiet wide' }, outside(whyOf(record) || (token ?? ''), 120)),
  );
}

type Field = keyof typeof LOG.fields & keyof AuditRecord;

/** In the order in which they are shown; the first three have a place of their own. */
const FIELDS = (Object.keys(LOG.fields) as (keyof typeof LOG.fields)[]).filter(
  (name): name is Field => !['time', 'seal', 'reason', 'pkhh'].includes(name),
);

function row(name: string, value: Node | string): HTMLElement[] {
  return [h('dt', {}, name), h('dd', {}, value)];
}

/** What a record can be asked for more of: the name of the filter, and its value. */
function filtersOf({ user, token, pkhh, service, kind }: AuditRecord): (readonly [string, string])[] {
  const all: readonly (readonly [string, string | null])[] = [
    ['user', user],
    ['card', token ?? pkhh],
    ['service', service],
    ['kind', kind],
  ];
  return all.flatMap(([name, value]) => (value === null || value === '' ? [] : [[name, value] as const]));
}

/** @param only shows the records that are like this one in that; `closed` comes after it has gone */
export function showRecord(
  record: AuditRecord,
  only: (filter: string, value: string) => void,
  closed: () => void,
): void {
  const { timeMs, kind, outcome, reason, pkhh, message } = record;
  const rows = [
    ...row(LOG.fields.time, h('time', { datetime: new Date(timeMs).toISOString() }, timeText(timeMs))),
    ...(reason === null ? [] : row(LOG.fields.reason, outside(reasonWords(reason)))),
    ...FIELDS.flatMap((name) => {
      const value = record[name];
      if (value === null || value === '') return [];
      return row(LOG.fields[name], outside(String(value)));
    }),
    ...(pkhh === null ? [] : row(LOG.fields.pkhh, copied(pkhh, LOG.key))),
    ...row(LOG.fields.seal, sealOf(record)),
  ];
  const close = h('button', { type: 'button' }, LOG.close);
  const dialog = h('dialog', { class: 'record', 'aria-labelledby': 'record' });
  const filters = filtersOf(record).map(([name, value]) => {
    const press = (): void => {
      dialog.close();
      only(name, value);
    };
    const text = name === 'kind' ? kindName(value) : value;
    return h('button', { type: 'button', class: 'small', click: press }, around(LOG.only, outside(text, 40)));
  });
  dialog.append(
    h('h2', { id: 'record' }, outside(kindWords(kind, outcome), 60)),
    h('p', {}, outside(message, 500)),
    h('dl', {}, ...rows),
    h('div', { class: 'buttons' }, ...filters),
    h('div', { class: 'buttons' }, close),
  );
  close.addEventListener('click', () => {
    dialog.close();
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
}
