// The page in Cockpit, its view of the way in: a whole chain, a broken one with its repair, and the machine as a whole.

import test from 'ava';
import type { Browser } from 'playwright-core';
import { lookAt, openPage, startBrowser, type Tab } from '../../kit/console/browser.ts';
import { buildConsole, Cockpit } from '../../kit/console/cockpit.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

let sandbox: Sandbox;
let root: Cockpit;
let browser: Browser;
let tab: Tab;

test.before(async () => {
  await buildConsole();
  sandbox = await Sandbox.start();
  const { stdout } = await sandbox.exec(['sc_auth', 'identities']);
  const hash = /^([0-9A-F]{40})\t/m.exec(stdout)?.[1] ?? '';
  await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  root = await Cockpit.start(sandbox);
  browser = await startBrowser();
  tab = await openPage(browser, root, '/way-in');
});
test.after.always(async () => {
  await browser.close();
  await root.stop();
  await sandbox.stop();
});

async function go(user: string, service: string): Promise<void> {
  const { page } = tab;
  await page.getByLabel('Account').fill(user);
  await page.getByLabel('PAM service').fill(service);
  await page.getByRole('button', { name: 'Go the way' }).click();
}

test.serial('a whole way: from the PAM file to the card, each link is whole', async (t) => {
  t.timeout(240_000);
  const { page } = tab;
  await go('ada', 'sudo');
  await page.getByRole('heading', { name: /^proof/ }).waitFor();
  const links = await page.locator('.chain h3').allInnerTexts();
  t.regex(links[0] ?? '', /^PAM\s+whole/);
  t.true(links.length > 8);
  t.true(links.every((text) => text.endsWith('whole')));
  t.deepEqual(await lookAt(tab, 'way-in'), []);
});

test.serial('a broken one ends with what is wrong and what to do', async (t) => {
  const { page } = tab;
  await go('root', 'sudo');
  await page.locator('.link.broken').waitFor();
  t.is(await page.locator('.link.broken').count(), 1);
  t.regex(await page.locator('.link').last().innerText(), /broken/);
  t.deepEqual(await page.locator('.link.broken code').allInnerTexts(), ['sc_auth pair', 'sc_auth list']);
  t.deepEqual(await lookAt(tab, 'way-in-broken'), []);
});

test.serial(
  'an account that is not there, and words that a shell would run, are refused as names',
  async (t) => {
    const { page, faults } = tab;
    await go('nobody-here', 'sudo');
    await page.locator('.chain .notice.bad').waitFor();
    await go('$(touch /run/owned); ada --user=root', 'sudo');
    await page.locator('.chain .notice.bad').waitFor();
    t.is((await sandbox.exec(['test', '-e', '/run/owned'])).code, 1);
    t.deepEqual(faults, []);
  },
);

test.serial('the machine: what wants a look first, with its repair to copy', async (t) => {
  t.timeout(240_000);
  const { page } = tab;
  await page.getByRole('button', { name: 'Look at the machine' }).click();
  await page.getByText(/things? (want|are)/).waitFor();
  const { stdout } = await sandbox.exec(['sc_auth', 'doctor', '--json']);
  const { checks } = JSON.parse(stdout) as { checks: { name: string; state: string }[] };
  const wrong = checks.filter(({ state }) => state !== 'ok').map(({ name }) => name);
  const shown = await page.locator('ul.plain').first().locator('h3 bdi').allInnerTexts();
  t.deepEqual(shown, wrong);
  t.regex(
    (await page.locator('ul.plain code').allInnerTexts()).join('\n'),
    /^sudo systemctl restart scauthd$/m,
  );
  await page.locator('summary').click();
  t.is(await page.locator('ul.plain > li').count(), checks.length);
  t.deepEqual(await lookAt(tab, 'doctor'), []);
});

test.serial('without scauthd the way says where it ends', async (t) => {
  const { page } = tab;
  await sandbox.stopAgent();
  await go('ada', 'sudo');
  await page.locator('.link.broken').waitFor();
  t.regex(await page.locator('.link.broken').innerText(), /^(socket|agent)/);
});
