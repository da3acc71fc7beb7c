// The page in Cockpit, its view of people: 10,000 accounts, one person's cards, and each act with what it will do.

import { appendFileSync } from 'node:fs';
import test from 'ava';
import type { Browser, Page } from 'playwright-core';
import { lookAt, openPage, startBrowser, type Tab } from '../../kit/console/browser.ts';
import { buildConsole, Cockpit } from '../../kit/console/cockpit.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const MANY = 10_000;

let sandbox: Sandbox;
let root: Cockpit;
let browser: Browser;
let tab: Tab;
let page: Page;
let hash: string;

test.before(async () => {
  await buildConsole();
  sandbox = await Sandbox.start({ moreCards: ['rsa2048'], enforced: true });
  const { stdout } = await sandbox.exec(['sc_auth', 'identities']);
  hash = /^([0-9A-F]{40})\t/m.exec(stdout)?.[1] ?? '';
  await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  root = await Cockpit.start(sandbox);
  browser = await startBrowser();
  tab = await openPage(browser, root, '/people');
  ({ page } = tab);
});
test.after.always(async () => {
  await browser.close();
  await root.stop();
  await sandbox.stop();
});

async function open(user: string): Promise<void> {
  await page.evaluate((name) => {
    (globalThis as unknown as { location: { hash: string } }).location.hash = `#/people/${name}`;
  }, user);
  await page.getByRole('heading', { name: user, exact: true }).waitFor();
}

async function pairings(): Promise<{ user: string; hash: string; lost?: boolean }[]> {
  const { stdout } = await sandbox.exec(['sc_auth', 'list', '--json']);
  return (JSON.parse(stdout) as { pairings: { user: string; hash: string; lost?: boolean }[] }).pairings;
}

test.serial('a person: the way in, the card, whether it is the only one', async (t) => {
  t.timeout(240_000);
  await page.getByRole('link', { name: /^ada/ }).click();
  const text = await page.getByRole('article').innerText();
  t.regex(text, /only card/);
  t.true(text.includes(hash));
  t.regex(await page.locator('main').innerText(), /Nothing is in the way of a login by card/);
  t.deepEqual(await lookAt(tab, 'person'), []);
});

test.serial(
  'a second card is paired by its hash: who may log in is said before, and no PIN is asked for',
  async (t) => {
    await page.getByRole('button', { name: 'Pair a card' }).click();
    const dialog = page.getByRole('dialog');
    t.regex(await dialog.innerText(), /whoever has this card and its PIN logs in as ada/);
    t.is(await dialog.locator('input[type=password]').count(), 0);
    t.deepEqual(await lookAt(tab, 'pair'), []);
    await dialog.getByRole('button', { name: 'Pair a card' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('one of several').first().waitFor();
    t.is((await pairings()).filter(({ user }) => user === 'ada').length, 2);
  },
);

test.serial('lost and found, exempt and not: each is done by scauthd, and shows', async (t) => {
  const second = (await pairings()).find((one) => one.hash !== hash)?.hash ?? '';
  const card = page.getByRole('article').filter({ hasText: second });
  await card.getByRole('button', { name: 'Say it is lost' }).click();
  const dialog = page.getByRole('dialog');
  t.regex(await dialog.innerText(), /is refused everywhere[^]*has one more card/);
  await dialog.getByRole('button', { name: 'Say it is lost' }).click();
  await card.getByText('lost', { exact: true }).waitFor();
  t.is((await pairings()).find((one) => one.hash === second)?.lost, true);
  // What depended on it is told in the dialog, which stays for that.
  if ((await dialog.count()) > 0) await dialog.getByRole('button', { name: 'Close' }).click();
  await card.getByRole('button', { name: 'Take “lost” back' }).click();
  await dialog.getByRole('button', { name: 'Take “lost” back' }).click();
  await card.getByRole('button', { name: 'Say it is lost' }).waitFor();
  t.not((await pairings()).find((one) => one.hash === second)?.lost, true);

  await page.getByRole('button', { name: 'Exempt from the card' }).click();
  await dialog.getByLabel('Why').fill('<b>in the post</b>');
  await dialog.getByRole('button', { name: 'Exempt from the card' }).click();
  await page.getByText('exempt until').waitFor();
  const status = await sandbox.exec(['sc_auth', 'enforce', 'status', '--json']);
  t.regex(status.stdout, /<b>in the post<\/b>/);
  await page.getByRole('button', { name: 'End the exemption' }).click();
  await dialog.getByRole('button', { name: 'End the exemption' }).click();
  await page.getByText('exempt until').waitFor({ state: 'detached' });
});

test.serial(
  'unpaired: what is left is said; a second administrator was quicker, and the page says so',
  async (t) => {
    const second = (await pairings()).find((one) => one.hash !== hash)?.hash ?? '';
    const card = page.getByRole('article').filter({ hasText: second });
    await card.getByRole('button', { name: 'Unpair' }).click();
    const dialog = page.getByRole('dialog');
    t.regex(await dialog.innerText(), /no longer logs ada in[^]*ada has one more card/);
    await sandbox.exec(['sc_auth', 'unpair', '-u', 'ada', '-h', second]);
    await dialog.getByRole('button', { name: 'Unpair' }).click();
    await dialog.getByRole('alert').getByText('There is no such pairing').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await card.waitFor({ state: 'detached' });
  },
);

test.serial('a person who has been removed meanwhile is said to be gone', async (t) => {
  await sandbox.exec(['useradd', '--create-home', 'grace']);
  await open('grace');
  await page.getByText('No card is paired with this account').waitFor();
  await sandbox.exec(['userdel', 'grace']);
  await open('ada');
  await open('grace');
  await page.getByRole('heading', { name: 'This account is not there' }).waitFor();
  t.deepEqual(tab.faults, []);
});

test.serial(
  `${MANY} accounts: searched, filtered, gone through by keyboard, and few of them in the document`,
  async (t) => {
    t.timeout(240_000);
    const lines = Array.from(
      { length: MANY },
      (_, index) => `person${index}:x:${20_000 + index}:100::/:/bin/bash\n`,
    );
    appendFileSync(sandbox.path('/etc/passwd'), lines.join(''));
    await page.evaluate('location.hash = "#/people"');
    await page.getByText(/^100\d\d accounts$/).waitFor();
    const rows = page.getByRole('list', { name: 'People' }).getByRole('listitem');
    t.true((await rows.count()) < 60);
    t.deepEqual(await lookAt(tab, 'people'), []);
    const place = (): Promise<number[]> =>
      page.evaluate<number[]>(
        "['aria-posinset', 'aria-setsize'].map((name) => Number(document.activeElement.closest('[role=listitem]').getAttribute(name)))",
      );
    await rows.first().getByRole('link').focus();
    await page.keyboard.press('End');
    const [last = 0, all = -1] = await place();
    t.is(last, all);
    t.true(last > MANY);
    await page.keyboard.press('ArrowUp');
    t.deepEqual(await place(), [last - 1, last]);
    await page.keyboard.press('Home');
    t.deepEqual(await place(), [1, last]);
    await page.getByRole('searchbox').fill('ADA');
    await page.getByText(/^1 of 100\d\d accounts$/).waitFor();
    await page.getByRole('searchbox').fill('');
    await page.getByRole('combobox').selectOption('one');
    await page.getByText(/^1 of 100\d\d accounts$/).waitFor();
    t.is(await rows.count(), 1);
    t.deepEqual(tab.faults, []);
  },
);

test.serial('a user sees their own page, and unpairs their own card alone', async (t) => {
  const cockpit = await Cockpit.start(sandbox, sandbox.user);
  t.teardown(() => cockpit.stop());
  const own = await openPage(browser, cockpit, '/people');
  await own.page.getByRole('heading', { name: sandbox.user, exact: true }).waitFor();
  t.is(await own.page.getByRole('button', { name: 'Exempt from the card' }).count(), 0);
  t.regex(await own.page.locator('main').innerText(), /sc_auth pair/);
  await own.page.evaluate('location.hash = "#/people/root"');
  await own.page.getByText('Only an administrator may do this').waitFor();
  await own.page.evaluate('location.hash = "#/people"');
  await own.page.getByRole('button', { name: 'Unpair' }).click();
  const dialog = own.page.getByRole('dialog');
  t.regex(await dialog.innerText(), /It is the only card of ada, who gets in by the password/);
  await dialog.getByRole('button', { name: 'Unpair' }).click();
  await own.page.getByText('No card is paired with this account').waitFor();
  t.deepEqual(
    (await pairings()).filter(({ user }) => user === 'ada'),
    [],
  );
  t.deepEqual(own.faults, []);
});
