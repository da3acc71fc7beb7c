// What happened: the records of the audit log, the newest first, and those that come while one looks. The log is root's file
// and is read by `sc_auth audit page`, a page at a time, so that it is there when scauthd is what is broken. The page keeps so
// many records and no more. Why: DECISIONS.md D288.

import { recordOf, type AuditRecord } from '../../../cli/audit/record.ts';
import { timeText } from '../../../base/local-time.ts';
import { readFields } from '../../../protocol/io-scauth.ts';
import { NAMES } from '../../../words/console.ts';
import { LOG } from '../../../words/console-log.ts';
import { CallFailure } from '../../kit/agent.ts';
import { h } from '../../kit/dom.ts';
import { eachDocument, listOf, type Run } from '../../kit/sc-auth.ts';
import { virtualList } from '../../kit/virtual-list.ts';
import { empty, failed, type View } from '../view.ts';
import { chartsPart } from './charts.ts';
import { filtersPart } from './filters.ts';
import { recordRow, showRecord } from './record.ts';
import { sealPart } from './seal.ts';

/** Records of one page of sc_auth's. */
const FIRST = 100;
const NEXT = 500;
/** Records that the page keeps, some 15 MB; older ones begin a list of their own. */
const MOST = 20_000;
const AGAIN_MS = 1000;

const PAGE = { older: '?string', backTo: '?int', unread: 'int' } as const;

interface Page {
  readonly records: readonly AuditRecord[];
  readonly older: string | null;
  readonly backTo: number | null;
  readonly unread: number;
}

function readPage(document: unknown): Page {
  const records = listOf(document, 'records')
    .map(recordOf)
    .filter((record) => record !== null);
  return { ...readFields(document, PAGE), records };
}

/** `user/ada/kind/login` of the address. */
function pairsOf(rest: readonly string[]): [string, string][] {
  return rest.flatMap((name, at) => (at % 2 === 0 ? [[name, rest[at + 1] ?? '']] : []));
}

export const log: View = (main, rest) => {
  let all: readonly AuditRecord[] = [];
  let older: string | null = null;
  let backTo: number | null = null;
  let isUnread = false;
  /** Of what is asked for now; what an earlier question brings is too late. */
  let turn = 0;
  let isOver = false;
  /** The list begins with older ones, and does not go on with what comes. */
  let isOlder = false;
  let newest: Run | null = null;
  let back: Run | null = null;

  const count = h('p', { class: 'quiet', role: 'status' }, LOG.reading);
  const said = h('div', {});
  const foot = h('div', { class: 'buttons' });
  const rows = virtualList<AuditRecord>(NAMES.log, (record) => recordRow(record, open), {
    nearEnd: () => {
      goBack();
    },
  });
  const filters = filtersPart(pairsOf(rest), () => {
    begin(null);
  });
  const charts = chartsPart(filters.args);
  const seal = sealPart();

  function open(record: AuditRecord): void {
    showRecord(record, filters.set, () => {
      if (document.activeElement === document.body) rows.element.focus({ preventScroll: true });
    });
  }

  const button = (text: string, press: () => void): HTMLElement =>
    h('button', { type: 'button', click: press }, text);

  const tell = (): void => {
    const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
    const found = all.length === 0 && older === null ? LOG.none : LOG.shown(all.length, older !== null);
    const parts = [
      found,
      ...(older === null || backTo === null ? [] : [LOG.lookedBack(timeText(backTo))]),
      LOG.zone(timeZone),
      ...(isUnread ? [LOG.unread] : []),
    ];
    count.textContent = parts.join(' · ');
    const from = older;
    foot.replaceChildren(
      ...(all.length >= MOST && from !== null
        ? [
            h('p', { class: 'quiet' }, LOG.capped),
            button(LOG.goOn, () => {
              begin(from);
            }),
          ]
        : []),
      ...(isOlder
        ? [
            button(LOG.again, () => {
              begin(null);
            }),
          ]
        : []),
    );
  };

  const fail = (error: unknown): void => {
    const code = error instanceof CallFailure ? error.code : '';
    if (code === 'not-allowed') {
      main.replaceChildren(empty(LOG.denied.title, LOG.denied.next));
      return;
    }
    count.textContent = '';
    said.replaceChildren(
      code === 'no-record' && all.length === 0 && older === null
        ? empty(LOG.noLog.title, LOG.noLog.next)
        : h(
            'div',
            {},
            failed(error),
            button(LOG.again, () => {
              begin(null);
            }),
          ),
    );
  };

  /** What comes while one looks. Who looks for so long that the list has twice its measure gets a new one. */
  const comes = ({ records, unread }: Page): void => {
    isUnread ||= unread > 0;
    all = [...records, ...all];
    if (all.length > 2 * MOST) {
      begin(null);
      return;
    }
    rows.fill(all, records.length);
    tell();
  };

  const takeOlder = (page: Page): void => {
    isUnread ||= page.unread > 0;
    ({ older, backTo } = page);
    all = [...all, ...page.records];
    tell();
  };

  function goBack(): void {
    if (older === null || back !== null || all.length >= MOST) return;
    const mine = turn;
    const args = ['audit', 'page', `--lines=${NEXT}`, `--before=${older}`, ...filters.args()];
    back = eachDocument(args, (document) => {
      if (mine === turn) takeOlder(readPage(document));
    });
    back.ended.then(
      () => {
        if (mine !== turn) return;
        back = null;
        rows.fill(all);
      },
      (error: unknown) => {
        if (mine !== turn) return;
        back = null;
        older = null;
        fail(error);
      },
    );
  }

  function end(): void {
    turn += 1;
    newest?.close();
    back?.close();
    newest = null;
    back = null;
  }

  /** @param before null: the newest, and what comes */
  function begin(before: string | null): void {
    if (isOver) return;
    end();
    const mine = turn;
    isOlder = before !== null;
    let isFirst = true;
    [all, older, backTo, isUnread] = [[], null, null, false];
    count.textContent = LOG.reading;
    said.replaceChildren();
    foot.replaceChildren();
    const which = before === null ? ['--follow'] : [`--before=${before}`];
    const run = eachDocument(
      ['audit', 'page', `--lines=${FIRST}`, ...which, ...filters.args()],
      (document) => {
        if (mine !== turn) return;
        const page = readPage(document);
        if (!isFirst) {
          comes(page);
          return;
        }
        isFirst = false;
        takeOlder(page);
        rows.element.scrollTop = 0;
        rows.fill(all);
      },
    );
    newest = run;
    const again = (): void => {
      if (mine === turn) begin(null);
    };
    run.ended.then(
      () => {
        // What comes is no longer told: whoever ended it, it is begun anew.
        if (before === null) setTimeout(again, AGAIN_MS);
      },
      (error: unknown) => {
        if (mine === turn) fail(error);
      },
    );
  }

  main.append(filters.element, charts.element, seal.element, count, said, rows.element, foot);
  begin(null);
  return () => {
    isOver = true;
    end();
    charts.end();
    seal.end();
  };
};
