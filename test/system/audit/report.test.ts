// sc_auth audit report in a real browser: Debian's Chromium opens the page from the disk, light and dark, on a phone and
// for paper. No text of the log becomes markup, nothing is fetched, axe-core finds no fault, nothing is wider than the
// screen or smaller than can be read; the screenshots are left in test/artifacts.

import { mkdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { chromium, type Browser } from 'playwright-core';
import type { AuditEvent } from '../../../agent/model/sealed-log/audit-event.ts';
import { parsePkhh } from '../../../agent/model/key/key.ts';
import { eventsWith, examples, hostileTexts, key as aKey, login } from '../../kit/audit/events.ts';
import { zoneText } from '../../../agent/cli/audit/when.ts';
import { temporaryFolder } from '../../unit/base/folders.ts';
import { append, audit, START_MS } from '../../unit/cli/audit/log.ts';

const ARTEFACTS = resolve(import.meta.dirname, '../../artifacts');
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const HOUR = 3_600_000;

let browser: Browser;
test.before(async () => {
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
});
test.after.always(() => browser.close());

/** Two months of an office. */
async function office(path: string): Promise<void> {
  const reasons = ['bad-proof', 'not-paired', 'remote-not-allowed'] as const;
  for (let day = 0; day < 60; day += 1) {
    const events: AuditEvent[] = Array.from({ length: 4 + ((day * 7) % 12) }, (_, index) => {
      const user = ['alice', 'bob', 'carol', 'dave'][(day + index) % 4] ?? '';
      const service = ['sudo', 'gdm-password', 'swaylock', 'login'][(day * index) % 4] ?? '';
      const reason = reasons[day % 3] ?? 'bad-proof';
      const kind = (day * 5 + index * 3) % 9;
      const key = { ...aKey, pkhh: parsePkhh(String(user.length).repeat(40)) };
      if (kind === 0) return login({ kind: 'denied', reason } as never, { user, service });
      if (kind === 1) return login({ kind: 'unavailable', reason: 'no-card' }, { user, service });
      if (kind === 2) return login({ kind: 'cancelled' }, { user, service });
      return login({ kind: 'granted' }, { user, service, key });
    });
    await append(path, events, START_MS + day * 24 * HOUR);
  }
}

interface Seen {
  readonly requests: string[];
  readonly errors: string[];
  readonly dialogs: string[];
  readonly violations: string[];
  readonly elements: Record<string, number>;
  readonly texts: string;
  /** Pixels that the page is wider than the screen; of the smallest text; what a page break could cut in two. */
  readonly tooWide: number;
  readonly smallest: number;
  readonly torn: string[];
  readonly paper: string;
}

const LOOKS = {
  light: { dark: false, width: 1100, print: false },
  dark: { dark: true, width: 1100, print: false },
  phone: { dark: false, width: 360, print: false },
  'phone-dark': { dark: true, width: 360, print: false },
  print: { dark: true, width: 700, print: true },
} as const;

const SMALLEST = `Math.min(...[...document.querySelectorAll('body *')]
  .filter((one) => one.checkVisibility() && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
  .map((one) => parseFloat(getComputedStyle(one).fontSize) * (one instanceof SVGElement && !/title/i.test(one.tagName)
    ? one.ownerSVGElement.getBoundingClientRect().width / one.ownerSVGElement.viewBox.baseVal.width : 1)))`;
const TORN = `[...document.querySelectorAll('tr, li, .chart, .seal')]
  .filter((one) => getComputedStyle(one).breakInside !== 'avoid').map(({ tagName }) => tagName)`;

async function browse(page: string, name: string, look: keyof typeof LOOKS): Promise<Seen> {
  const { dark, width, print } = LOOKS[look];
  // The page forbids scripts; the inspection's own come in past that, so what would have run is looked at first.
  const context = await browser.newContext({
    colorScheme: dark ? 'dark' : 'light',
    bypassCSP: true,
    viewport: { width, height: 900 },
  });
  try {
    const tab = await context.newPage();
    const seen = { requests: [] as string[], errors: [] as string[], dialogs: [] as string[] };
    tab.on('request', (request) => seen.requests.push(request.url()));
    tab.on('pageerror', (error) => seen.errors.push(error.message));
    tab.on('dialog', (dialog) => {
      seen.dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await tab.goto(pathToFileURL(page).href);
    if (print) {
      await tab.pdf({ path: join(ARTEFACTS, `${name}.pdf`), format: 'A4' });
      await tab.emulateMedia({ media: 'print' });
    }
    await tab.screenshot({ path: join(ARTEFACTS, `${name}-${look}.png`), fullPage: true });
    await tab.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
    const elements = await tab.evaluate<Record<string, number>>(
      "Object.fromEntries(['script','img','iframe','a','link','object','[onerror]','[onload]'].map((name) => [name, document.querySelectorAll(name).length]))",
    );
    const texts = await tab.evaluate<string>('document.body.innerText');
    const tooWide = await tab.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    const smallest = await tab.evaluate<number>(SMALLEST);
    const torn = print ? await tab.evaluate<string[]>(TORN) : [];
    const paper = await tab.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    await tab.addScriptTag({ path: AXE });
    const violations = await tab.evaluate<string[]>(
      'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" ")}`))',
    );
    return { ...seen, violations, elements, texts, tooWide, smallest, torn, paper };
  } finally {
    await context.close();
  }
}

async function report(t: ExecutionContext, name: string, path: string, ...args: string[]): Promise<Seen> {
  mkdirSync(ARTEFACTS, { recursive: true });
  const page = join(temporaryFolder(t), 'report.html');
  const { code, err } = await audit(path, 'report', '--html', page, ...args);
  t.is(code, 0, err);
  t.is(statSync(page).mode & 0o777, 0o600);
  const looks = {} as Record<keyof typeof LOOKS, Seen>;
  for (const look of Object.keys(LOOKS) as (keyof typeof LOOKS)[]) {
    const seen = await browse(page, name, look);
    looks[look] = seen;
    t.is(seen.tooWide, 0, look);
    t.true(seen.smallest >= 13, `${look}: ${seen.smallest}`);
    t.deepEqual(seen.torn, [], look);
    t.deepEqual(seen.violations, []);
    t.deepEqual(seen.errors, []);
    t.deepEqual(seen.dialogs, []);
    t.deepEqual(seen.requests, [pathToFileURL(page).href]);
    t.deepEqual(
      Object.values(seen.elements).filter((count) => count > 0),
      [],
    );
  }
  t.is(looks.print.paper, looks.light.paper);
  t.not(looks.dark.paper, looks.light.paper);
  return looks.light;
}

test.serial(
  'the report of two months: pictures, tables, the word on the seal; no fault for axe-core',
  async (t) => {
    t.timeout(240_000);
    const path = join(temporaryFolder(t), 'audit.jsonl');
    await office(path);
    await append(
      path,
      examples
        .map(({ event }) => event)
        .filter((event) => event.kind !== 'gap' || event.reason === 'clock-set-back'),
      START_MS + 60 * 24 * HOUR,
    );
    const { texts } = await report(t, 'audit-report', path, '--verify-key', `${path}.key`);
    t.regex(texts, /Seal: whole/);
    t.regex(texts, /The card could not prove the key that it shows\s+\d/);
    t.regex(texts, /Let in by the emergency way alice, sudo\s+card lost; by uid 1000/);
    t.regex(texts, /The clock was set back/);
    t.regex(texts, /Records left out\s+9 × Pairing prompt switched; caused by uid 1000/);
    t.regex(texts, /Whose key\s+Number\s[^]*carol, alice\s+5{40}\s+\d[^]*\sbob\s+3{40}\s+\d/);
    t.regex(texts, /key of alice\s+0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8/);
    t.true(texts.includes(`All times are in ${zoneText(Date.now())}.`));
    // Nobody has to know our codes.
    t.notRegex(
      texts,
      /\b(bad-proof|no-card|remote-not-allowed|break-glass-used|pin-blocked|clock-set-back|gap)\b/,
    );
  },
);

test.serial('hostile names stay text in the report, and a broken seal is said', async (t) => {
  t.timeout(240_000);
  const path = join(temporaryFolder(t), 'audit.jsonl');
  // Quoted by nothing they would be an <h1>, a dialog and a fetch from another host.
  const fetching = '<img src="https://evil.example/x.png"><h1>owned</h1><style>*{display:none}</style>';
  await append(
    path,
    [...hostileTexts, fetching].flatMap((text) => eventsWith(text.slice(0, 2000))),
  );
  const { texts } = await report(t, 'audit-report-hostile', path, '--verify-key', await otherKey(t));
  t.regex(texts, /Seal: broken/);
  t.true(texts.includes('<script>alert(1)</script>'));
});

test.serial('the time zone is named, with what it is from UTC', (t) => {
  const before = process.env['TZ'];
  t.teardown(() => {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });
  for (const [zone, said] of [
    ['Asia/Kolkata', 'Asia/Calcutta (UTC+05:30)'],
    ['America/St_Johns', 'America/St_Johns (UTC−03:30)'],
    ['UTC', 'UTC'],
  ] as const) {
    process.env['TZ'] = zone;
    t.is(zoneText(START_MS), said);
  }
});

async function otherKey(t: ExecutionContext): Promise<string> {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  await append(path, [login({ kind: 'granted' })]);
  return `${path}.key`;
}
