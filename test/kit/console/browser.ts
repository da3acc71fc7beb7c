// Debian's Chromium without a screen, on the page in Cockpit: what it did that a page should not, what axe-core finds, and
// pictures of it in test/artifacts.

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { REPOSITORY } from '../sandbox/namespace.ts';
import type { Cockpit } from './cockpit.ts';

const ARTEFACTS = join(REPOSITORY, 'test/artifacts');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** As soon as Cockpit's own start allows. */
const PATIENCE_MS = 30_000;

const LOOKS = {
  light: { dark: false, width: 1100, height: 900 },
  dark: { dark: true, width: 1100, height: 900 },
  phone: { dark: false, width: 360, height: 740 },
} as const;

export interface Tab {
  readonly page: Page;
  /** Errors of scripts, refusals of the page's policy, dialogs, and requests to elsewhere. */
  readonly faults: string[];
  /** The header Content-Security-Policy. */
  readonly policy: string;
}

export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
}

/** @param place behind the # of the address */
export async function openPage(browser: Browser, { url }: Cockpit, place = ''): Promise<Tab> {
  const context = await browser.newContext({ viewport: LOOKS.light });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const faults: string[] = [];
  const origin = new URL(url).origin;
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    // Cockpit's host has no favicon here.
    if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico'))
      faults.push(message.text());
  });
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const to = new URL(request.url());
    if (to.origin !== origin && !to.href.startsWith(origin.replace(/^http/, 'ws'))) faults.push(to.href);
  });
  const answer = await page.goto(`${url}#${place}`);
  return { page, faults, policy: answer?.headers()['content-security-policy'] ?? '' };
}

/** A picture light, dark and on a phone, and for each what axe-core finds and how much wider it is than the screen. */
export async function lookAt({ page }: Tab, name: string): Promise<string[]> {
  mkdirSync(ARTEFACTS, { recursive: true });
  const found: string[] = [];
  for (const [look, { dark, width, height }] of Object.entries(LOOKS)) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    await page.screenshot({ path: join(ARTEFACTS, `console-${name}-${look}.png`), fullPage: true });
    const tooWide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    if (tooWide > 0) found.push(`${look}: ${tooWide} pixels wider than the screen`);
    await page.evaluate(AXE);
    const violations = await page.evaluate<string[]>(
      'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" ")}`))',
    );
    found.push(...violations.map((violation) => `${look}: ${violation}`));
  }
  await page.setViewportSize(LOOKS.light);
  await page.emulateMedia({ colorScheme: 'light' });
  return found;
}
