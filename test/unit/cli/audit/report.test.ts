// sc_auth audit report in a real browser: Debian's Chromium opens the page from the disk, light and dark. No text of the
// log becomes markup, nothing is fetched, axe-core finds no fault; the screenshots are left in test/artifacts.

import { mkdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { chromium } from 'playwright-core';
import type { AuditEvent } from '../../../../agent/model/audit-event.ts';
import { eventsWith, examples, hostileTexts, login } from '../../../kit/audit/events.ts';
import { temporaryFolder } from '../../base/folders.ts';
import { append, audit, START_MS } from './log.ts';

const ARTEFACTS = resolve(import.meta.dirname, '../../../artifacts');
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const HOUR = 3_600_000;

/** Two months of an office. */
async function office(path: string): Promise<void> {
  const reasons = ['bad-proof', 'not-paired', 'remote-not-allowed'] as const;
  for (let day = 0; day < 60; day += 1) {
    const events: AuditEvent[] = Array.from({ length: 4 + ((day * 7) % 12) }, (_, index) => {
      const user = ['alice', 'bob', 'carol', 'dave'][(day + index) % 4] ?? '';
      const service = ['sudo', 'gdm-password', 'swaylock', 'login'][(day * index) % 4] ?? '';
      const reason = reasons[day % 3] ?? 'bad-proof';
      const kind = (day * 5 + index * 3) % 9;
      if (kind === 0) return login({ kind: 'denied', reason } as never, { user, service });
      if (kind === 1) return login({ kind: 'unavailable', reason: 'no-card' }, { user, service });
      if (kind === 2) return login({ kind: 'cancelled' }, { user, service });
      return login({ kind: 'granted' }, { user, service });
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
}

async function browse(page: string, name: string, dark: boolean): Promise<Seen> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    // The page forbids scripts; the inspection's own come in past that, so what would have run is looked at first.
    const context = await browser.newContext({
      colorScheme: dark ? 'dark' : 'light',
      bypassCSP: true,
      viewport: { width: 1100, height: 900 },
    });
    const tab = await context.newPage();
    const seen = { requests: [] as string[], errors: [] as string[], dialogs: [] as string[] };
    tab.on('request', (request) => seen.requests.push(request.url()));
    tab.on('pageerror', (error) => seen.errors.push(error.message));
    tab.on('dialog', (dialog) => {
      seen.dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await tab.goto(pathToFileURL(page).href);
    await tab.screenshot({ path: join(ARTEFACTS, `${name}-${dark ? 'dark' : 'light'}.png`), fullPage: true });
    await tab.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
    const elements = await tab.evaluate<Record<string, number>>(
      "Object.fromEntries(['script','img','iframe','a','link','object','[onerror]','[onload]'].map((name) => [name, document.querySelectorAll(name).length]))",
    );
    const texts = await tab.evaluate<string>('document.body.innerText');
    await tab.addScriptTag({ path: AXE });
    const violations = await tab.evaluate<string[]>(
      'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" ")}`))',
    );
    return { ...seen, violations, elements, texts };
  } finally {
    await browser.close();
  }
}

async function report(t: ExecutionContext, name: string, path: string, ...args: string[]): Promise<Seen> {
  mkdirSync(ARTEFACTS, { recursive: true });
  const page = join(temporaryFolder(t), 'report.html');
  const { code, err } = await audit(path, 'report', '--html', page, ...args);
  t.is(code, 0, err);
  t.is(statSync(page).mode & 0o777, 0o600);
  const light = await browse(page, name, false);
  const dark = await browse(page, name, true);
  for (const seen of [light, dark]) {
    t.deepEqual(seen.violations, []);
    t.deepEqual(seen.errors, []);
    t.deepEqual(seen.dialogs, []);
    t.deepEqual(seen.requests, [pathToFileURL(page).href]);
    t.deepEqual(
      Object.values(seen.elements).filter((count) => count > 0),
      [],
    );
  }
  return light;
}

test.serial(
  'the report of two months: pictures, tables, the word on the seal; no fault for axe-core',
  async (t) => {
    t.timeout(120_000);
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
    t.regex(texts, /bad-proof\s+\d/);
    t.regex(texts, /break-glass-used/);
    t.regex(texts, /clock-set-back/);
  },
);

test.serial('hostile names stay text in the report, and a broken seal is said', async (t) => {
  t.timeout(120_000);
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

async function otherKey(t: ExecutionContext): Promise<string> {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  await append(path, [login({ kind: 'granted' })]);
  return `${path}.key`;
}
