// What a person waits for on the page in Cockpit, in Debian's Chromium with the real cockpit-ws and bridge: how soon a view is
// there after its frame has loaded, how soon a card shows, and whether the browser is ever kept from answering while a long list
// is gone through. 10,000 accounts, 100,000 records.
import { appendFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { openPage, startBrowser } from '../kit/console/browser.ts';
import { buildConsole, Cockpit } from '../kit/console/cockpit.ts';
import { BUNDLE, bundlePrograms } from '../kit/sandbox/bundle.ts';
import { Sandbox } from '../kit/sandbox/sandbox.ts';
import { makeLog } from './audit-log.ts';
import { figure, median, type Figure } from './figures.ts';

const ACCOUNTS = 10_000;
const RECORDS = 100_000;

/** What is there when a view is; it is looked for at each change of the document. */
const VIEWS = {
  cards: 'article.seat .key',
  people: '.rows .row',
  log: '.rows .row',
} as const;

/** In the page, before its own script. */
function watch(selector: string): string {
  return `
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
    }).observe({ type: 'longtask', buffered: true });
    globalThis.seen = new Promise((resolve) => {
      const look = () => {
        if (document.querySelector(${JSON.stringify(selector)}) === null) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now()), 0));
      };
      const observer = new MutationObserver(look);
      observer.observe(document, { childList: true, subtree: true });
    });`;
}

/** A page that has not been shown before. @returns milliseconds from the frame's load event to the painted view */
async function firstView(page: Page, url: string, view: keyof typeof VIEWS): Promise<number> {
  await page.goto('about:blank');
  await page.goto(`${url}#/${view}`);
  return page.evaluate<number>(
    `seen.then((at) => at - performance.getEntriesByType('navigation')[0].loadEventEnd)`,
  );
}

/** Goes through all of a list, a screen a frame and back. @returns the longest task meanwhile; below 50 ms none is told of */
function scrolled(page: Page): Promise<number> {
  return page.evaluate<number>(`new Promise((resolve) => {
    const rows = document.querySelector('.rows');
    longest = 0;
    let step = rows.clientHeight;
    const next = () => {
      rows.scrollTop += step;
      if (rows.scrollTop + rows.clientHeight >= rows.scrollHeight - 1) step = -step;
      if (rows.scrollTop > 0) requestAnimationFrame(next);
      else setTimeout(() => resolve(longest), 200);
    };
    next();
  })`);
}

/** From the moment at which the card is put in. */
async function insertion(page: Page, sandbox: Sandbox): Promise<number> {
  const card = page.locator('article.seat .key').first();
  await sandbox.card.eject();
  await card.waitFor({ state: 'detached' });
  const shown = page.evaluate<number>(`new Promise((resolve) => {
    const look = () => {
      if (document.querySelector('article.seat .key') === null) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(Date.now()), 0));
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { childList: true, subtree: true });
  })`);
  const fromMs = Date.now();
  await sandbox.card.insert();
  return (await shown) - fromMs;
}

/** From the choice to the list, which has so many records; none fits but one in two thousand. */
async function filtered(page: Page): Promise<number> {
  return page.evaluate<number>(`new Promise((resolve) => {
    const [user] = document.querySelectorAll('.filters input');
    const outcome = document.querySelectorAll('.filters select')[1];
    const status = document.querySelector('main > [role=status]');
    const fromMs = performance.now();
    const observer = new MutationObserver(() => {
      if (!/^[1-9]\\d* records, the newest first/.test(status.textContent)) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - fromMs), 0));
    });
    observer.observe(status, { childList: true, characterData: true, subtree: true });
    outcome.value = 'denied';
    user.value = 'user17';
    user.dispatchEvent(new Event('input', { bubbles: true }));
  })`);
}

async function each(times: number, run: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let at = 0; at < times; at += 1) values.push(await run());
  return median(values);
}

async function measure(browser: Browser, sandbox: Sandbox, times: number): Promise<Figure[]> {
  const cockpit = await Cockpit.start(sandbox);
  try {
    const pageFor = async (view: keyof typeof VIEWS): Promise<Page> => {
      const { page } = await openPage(browser, cockpit, `/${view}`);
      await page.addInitScript(watch(VIEWS[view]));
      return page;
    };
    const figures: Figure[] = [];
    for (const view of ['cards', 'people', 'log'] as const) {
      process.stderr.write(`the page in Cockpit, ${view}\n`);
      const page = await pageFor(view);
      const firstMs = await each(times, () => firstView(page, cockpit.url, view));
      figures.push(figure(`console-${view}-first-view-ms`, firstMs, 'ms', 500));
      if (view === 'cards')
        figures.push(
          figure('console-insertion-ms', await each(times, () => insertion(page, sandbox)), 'ms', 1000),
        );
      if (view === 'people') {
        await page.getByText(/^100\d\d accounts$/).waitFor();
        figures.push(figure('console-people-scroll-longest-task-ms', await scrolled(page), 'ms', 100));
      }
      if (view === 'log') {
        const filterMs = await each(times, async () => {
          await firstView(page, cockpit.url, view);
          return filtered(page);
        });
        figures.push(figure('console-log-filter-ms', filterMs, 'ms'));
      }
      await page.context().close();
    }
    return figures;
  } finally {
    await cockpit.stop();
  }
}

/** @param times of each; the median counts, of a scroll the longest task */
export async function consoleFigures(times: number): Promise<Figure[]> {
  await buildConsole();
  // The log is read by sc_auth, which starts in half the time as the package has it.
  await bundlePrograms();
  process.env['SCAUTH_TEST_BUNDLE'] = BUNDLE;
  const sandbox = await Sandbox.start().finally(() => delete process.env['SCAUTH_TEST_BUNDLE']);
  try {
    const lines = Array.from(
      { length: ACCOUNTS },
      (_, at) => `person${at}:x:${20_000 + at}:100::/:/bin/bash\n`,
    );
    appendFileSync(sandbox.path('/etc/passwd'), lines.join(''));
    makeLog(`${sandbox.path(sandbox.environment()['SCAUTH_AUDIT_LOG'] ?? '')}.1`, RECORDS);
    const browser = await startBrowser();
    try {
      return await measure(browser, sandbox, times);
    } finally {
      await browser.close();
    }
  } finally {
    await sandbox.stop();
  }
}
