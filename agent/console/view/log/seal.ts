// Whether the log is as scauthd wrote it: what `sc_auth audit verify` says, with which records it covers. Where the key is kept
// elsewhere, as it should be, the page names the command: the key is a secret, and has no place in a browser.

import type { AuditRecord } from '../../../cli/audit/record.ts';
import { timeText } from '../../../base/local-time.ts';
import { faultText, recordsText, verdict, type ChainFault } from '../../../words/audit-log.ts';
import { LOG, SEAL } from '../../../words/console-log.ts';
import { readFields, type Fields } from '../../../protocol/io-scauth.ts';
import { CallFailure } from '../../kit/agent.ts';
import { copied } from '../../kit/copy.ts';
import { h, outside } from '../../kit/dom.ts';
import { eachDocument, listOf, type Run } from '../../kit/sc-auth.ts';
import { failed } from '../view.ts';

const SHOWN = 20;

const DOCUMENT = { whole: 'bool', good: 'int', faultCount: 'int' } as const;
const TRUSTED = { from: 'int', to: 'int', fromMs: 'int', toMs: 'int' } as const;
const FAULT = {
  kind: 'string',
  from: '?int',
  to: '?int',
  detail: '?string',
  file: '?string',
  line: '?int',
} as const;

interface Checked extends Fields<typeof DOCUMENT> {
  readonly atMs: number;
  readonly trusted: readonly Fields<typeof TRUSTED>[];
  readonly faults: readonly Fields<typeof FAULT>[];
  readonly remarks: readonly Fields<typeof FAULT>[];
}

/** Of the last check while the page is open. */
let last: Checked | null = null;

function readChecked(document: unknown): Checked {
  const read = <T extends typeof TRUSTED | typeof FAULT>(name: string, table: T) =>
    listOf(document, name).map((one) => readFields(one, table));
  return {
    ...readFields(document, DOCUMENT),
    atMs: Date.now(),
    trusted: read('trusted', TRUSTED),
    faults: read('faults', FAULT),
    remarks: read('remarks', FAULT),
  };
}

/** What the last check says of one record. */
export function sealOf({ sequence, timeMs }: AuditRecord): HTMLElement {
  if (last === null || timeMs > last.atMs) return h('span', { class: 'quiet' }, LOG.sealUnknown);
  const covers = last.trusted.some(
    ({ from, to, fromMs, toMs }) =>
      sequence !== null && sequence >= from && sequence <= to && timeMs >= fromMs && timeMs <= toMs,
  );
  const at = timeText(last.atMs);
  return covers
    ? h('span', { class: 'good' }, LOG.sealCovers(at))
    : h('span', { class: 'bad' }, LOG.sealNot(at));
}

function faultPart(fault: Fields<typeof FAULT>): HTMLElement {
  const { file, line } = fault;
  const place = file === null ? '' : `${file}:${line ?? 0}: `;
  // A kind that this page does not know stands as it is.
  const said = (faultText(fault as ChainFault) as string | undefined) ?? fault.kind;
  return h('li', {}, outside(place + said, 500));
}

function listPart(title: string, items: readonly HTMLElement[]): HTMLElement | null {
  if (items.length === 0) return null;
  const more = items.length - SHOWN;
  return h(
    'div',
    {},
    h('h3', {}, title),
    h('ul', {}, ...items.slice(0, SHOWN), more > 0 ? h('li', {}, SEAL.more(more)) : null),
  );
}

function checkedPart({ whole, good, faultCount, trusted, faults, remarks, atMs }: Checked): HTMLElement {
  const ranges = trusted.map(({ from, to, fromMs, toMs }) =>
    h('li', {}, SEAL.range(recordsText(from, to), timeText(fromMs), timeText(toMs))),
  );
  return h(
    'div',
    { class: `notice ${whole ? 'good' : 'bad'}` },
    h('p', {}, h('strong', {}, whole ? verdict.whole(good) : verdict.broken(good))),
    h('p', { class: 'quiet' }, `${SEAL.checked(timeText(atMs))} ${verdict.ownKey}`),
    listPart(SEAL.faults(faultCount), faults.map(faultPart)),
    listPart(SEAL.trusted, ranges.length === 0 ? [h('li', {}, SEAL.nothing)] : ranges),
    listPart(SEAL.remarks, remarks.map(faultPart)),
  );
}

function notChecked(error: unknown): HTMLElement {
  if (!(error instanceof CallFailure) || error.code !== 'usage') return failed(error);
  return h(
    'div',
    { class: 'notice' },
    h('p', {}, SEAL.elsewhere),
    copied('sudo sc_auth audit verify --key FILE', SEAL.command),
  );
}

/** @returns the part, and what ends a check that goes on */
export function sealPart(): { readonly element: HTMLElement; readonly end: () => void } {
  let run: Run | null = null;
  const said = h('div', { 'aria-live': 'polite' }, last === null ? null : checkedPart(last));
  const check = h('button', { type: 'button' }, SEAL.check);
  check.addEventListener('click', () => {
    check.disabled = true;
    said.replaceChildren(h('p', { class: 'quiet' }, SEAL.checking));
    run = eachDocument(['audit', 'verify'], (document) => {
      last = readChecked(document);
    });
    run.ended
      .then(() => (last === null ? failed(null) : checkedPart(last)), notChecked)
      .then((part) => {
        said.replaceChildren(part);
        check.disabled = false;
      })
      .catch(() => undefined);
  });
  const element = h(
    'details',
    { class: 'panel' },
    h('summary', {}, h('h2', {}, SEAL.title)),
    h('p', { class: 'quiet' }, SEAL.about),
    check,
    said,
  );
  return { element, end: () => run?.close() };
}
