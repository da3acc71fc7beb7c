// The page in Cockpit with a scauthd that does not know a method: whichever it is, the view that calls it says which version is
// needed, and nothing breaks. The real scauthd answers; the method's name is changed on its way.

import test from 'ava';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { startBrowser } from '../../kit/console/browser.ts';
import { buildConsole, Cockpit } from '../../kit/console/cockpit.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const NEEDED = /This scauthd is older than the page[^]*needs scauth \d+\.\d+\.\d+ or later/;
const PATIENCE_MS = 30_000;

let sandbox: Sandbox;
let browser: Browser;

test.before(async () => {
  await buildConsole();
  sandbox = await Sandbox.start();
  const { stdout } = await sandbox.exec(['sc_auth', 'identities']);
  const hash = /^([0-9A-F]{40})\t/m.exec(stdout)?.[1] ?? '';
  await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  browser = await startBrowser();
});
test.after.always(async () => {
  await browser.close();
  await sandbox.stop();
});

interface Seen {
  readonly page: Page;
  /** Methods that were called. */
  readonly called: ReadonlySet<string>;
  readonly faults: readonly string[];
}

/** @param unknown a method that scauthd does not get to see by its name */
async function openAt(context: BrowserContext, { url }: Cockpit, place: string, unknown = ''): Promise<Seen> {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const called = new Set<string>();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  await page.routeWebSocket(/./, (ws) => {
    const server = ws.connectToServer();
    ws.onMessage((message) => {
      const text = message.toString();
      for (const [, name = ''] of text.matchAll(/"io\.scauth\.(\w+)"/g)) called.add(name);
      const changed = text.replace(`"io.scauth.${unknown}"`, '"io.scauth.Unheard"');
      server.send(typeof message === 'string' ? changed : Buffer.from(changed));
    });
  });
  await page.goto(`${url}#/${place}`);
  return { page, called, faults };
}

for (const user of ['root', 'ada']) {
  test.serial(`each method of each view, as ${user}`, async (t) => {
    t.timeout(600_000);
    const cockpit = await Cockpit.start(sandbox, user);
    t.teardown(() => cockpit.stop());
    const context = await browser.newContext();
    const first = await openAt(context, cockpit, '');
    await first.page.locator('.bar a').first().waitFor();
    const links = await first.page
      .locator('.bar a')
      .evaluateAll((all) => all.map((link) => (link as unknown as { hash: string }).hash.slice('#/'.length)));
    t.true(links.length >= 4);
    await first.page.close();
    let tried = 0;
    for (const place of [...links, 'people/ada']) {
      const { page, called, faults } = await openAt(context, cockpit, place);
      await page.locator('body[data-agent=there]').waitFor();
      await page
        .locator('main[aria-busy=true], main [aria-busy=true]')
        .first()
        .waitFor({ state: 'detached' });
      await page.waitForLoadState('networkidle');
      t.is(await page.getByText(NEEDED).count(), 0, place);
      t.deepEqual(faults, [], place);
      await page.close();
      t.true(called.has('Monitor'), place);
      for (const method of called) {
        const seen = await openAt(context, cockpit, place, method);
        await t.notThrowsAsync(seen.page.getByText(NEEDED).first().waitFor(), `${place}: ${method}`);
        t.deepEqual(seen.faults, [], `${place}: ${method}`);
        await seen.page.close();
        tried += 1;
      }
    }
    t.true(tried > 12, String(tried));
    t.log(`${tried} methods`);
  });
}

test.serial('an act: the question says so, and stays', async (t) => {
  const cockpit = await Cockpit.start(sandbox);
  t.teardown(() => cockpit.stop());
  const context = await browser.newContext();
  const { page, faults } = await openAt(context, cockpit, 'policy', 'SetPairingPrompt');
  await page.getByRole('button', { name: 'Switch it off', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Switch it off', exact: true }).click();
  await dialog.getByRole('alert').getByText(NEEDED).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  t.deepEqual(faults, []);
});
