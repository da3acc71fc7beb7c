// The page in Cockpit, its view of the log: what happens shows at once, what is chosen is what sc_auth finds, 100,000 records
// are gone through with few of them in the page, and the seal is what sc_auth says. All of it also without scauthd.

import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import type { Browser, Page } from 'playwright-core';
import { makeLog } from '../../bench/audit-log.ts';
import { lookAt, openPage, startBrowser, type Tab } from '../../kit/console/browser.ts';
import { buildConsole, Cockpit } from '../../kit/console/cockpit.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const MANY = 100_000;
const HOSTILE = '<img src=x onerror=alert(1)><b>Mallory</b> \u202Eecila';

let sandbox: Sandbox;
let root: Cockpit;
let browser: Browser;
let tab: Tab;
let page: Page;
let file: string;

test.before(async () => {
  await buildConsole();
  sandbox = await Sandbox.start();
  const { stdout } = await sandbox.exec(['sc_auth', 'identities']);
  const hash = /^([0-9A-F]{40})\t/m.exec(stdout)?.[1] ?? '';
  await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  file = sandbox.path(sandbox.environment()['SCAUTH_AUDIT_LOG'] ?? '');
  root = await Cockpit.start(sandbox);
  browser = await startBrowser();
  tab = await openPage(browser, root, '/log');
  ({ page } = tab);
});
test.after.always(async () => {
  await browser.close();
  await root.stop();
  await sandbox.stop();
});

async function begin(place = '/log'): Promise<void> {
  // Another view first: the same address would be the same view.
  await page.evaluate('location.hash = "#/cards"');
  await page.getByRole('article').first().waitFor();
  await page.evaluate(`location.hash = ${JSON.stringify(`#${place}`)}`);
  await page.locator('main > p[role=status]', { hasText: /records|No record/ }).waitFor();
}

function rows(): ReturnType<Page['locator']> {
  return page.getByRole('list', { name: 'Log' }).getByRole('listitem');
}

/** What sc_auth counts. */
async function found(...args: string[]): Promise<number> {
  const { stdout } = await sandbox.exec(['sc_auth', 'audit', 'stats', ...args, '--json']);
  return (JSON.parse(stdout) as { records: number }).records;
}

test.serial('what has happened, the newest first; what happens shows without a click', async (t) => {
  await page.getByText(/^\d+ records, the newest first/).waitFor();
  t.is(await rows().count(), await found());
  t.true((await rows().allInnerTexts()).some((text) => /Card paired\s+ada/.test(text)));
  await sandbox.card.eject();
  await rows().first().getByText('Card taken out').waitFor();
  await sandbox.card.insert();
  await rows().first().getByText('Card put in').waitFor();
  t.is(await rows().count(), await found());
});

test.serial('a record as a whole: by keyboard, and what is like it with one click', async (t) => {
  t.timeout(240_000);
  const row = rows().filter({ hasText: 'Card paired' });
  await row.getByRole('button').focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  const text = await dialog.innerText();
  t.regex(text, /Person\s+ada/);
  t.regex(text, /Its account \(uid\)\s+0/);
  t.regex(text, /Seal\s+not checked/);
  t.deepEqual(await lookAt(tab, 'log-record'), []);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await row.getByRole('button').click();
  await dialog.getByRole('button', { name: 'Only ada' }).click();
  t.is(await page.getByLabel('Person').inputValue(), 'ada');
  await rows().first().getByText('Card paired').waitFor();
  await page.waitForFunction(
    `document.querySelectorAll('[aria-label="Log"] > *').length === ${await found('--user', 'ada')}`,
  );
  t.deepEqual(tab.faults, []);
});

test.serial('the seal: whole, which records it covers, and what was changed afterwards', async (t) => {
  t.timeout(240_000);
  await begin();
  await page.getByText('Seal of the log').first().click();
  const seal = page.locator('details', { hasText: 'Check the seal' });
  await seal.getByRole('button', { name: 'Check the seal' }).click();
  await seal.getByText('The log is whole').waitFor();
  t.regex(await seal.innerText(), /Can be trusted\s+records 0 to \d+/);
  await rows().first().getByRole('button').click();
  t.regex(await page.getByRole('dialog').innerText(), /Seal\s+right, as checked/);
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  t.deepEqual(await lookAt(tab, 'log-seal'), []);

  const whole = readFileSync(file, 'latin1');
  writeFileSync(file, whole.replace('"ada"', '"eve"'), 'latin1');
  await seal.getByRole('button', { name: 'Check the seal' }).click();
  await seal.getByText('The log is NOT whole').waitFor();
  t.regex(await seal.innerText(), /the seal is not right \(changed, made up or sealed later\)/);
  await page.getByLabel('Person').fill('eve');
  await rows().first().getByText('eve').waitFor();
  await rows().first().getByRole('button').click();
  t.regex(await page.getByRole('dialog').innerText(), /Seal\s+not among the records that can be trusted/);
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  writeFileSync(file, whole, 'latin1');

  // Where the key was taken away, as it should be, it is not asked for here.
  renameSync(`${file}.key`, `${file}.away`);
  await seal.getByRole('button', { name: 'Check the seal' }).click();
  await seal.getByText('sudo sc_auth audit verify --key FILE').waitFor();
  t.is(await page.locator('input[type=password]').count(), 0);
  renameSync(`${file}.away`, `${file}.key`);
  t.deepEqual(tab.faults, []);
});

test.serial('names that would be markup, or run backwards, are text', async (t) => {
  const line = JSON.stringify({
    time: Date.now(),
    message: HOSTILE,
    metadata: { event_code: HOSTILE },
    status_id: 2,
    status_code: HOSTILE,
    user: { name: HOSTILE.repeat(500) },
    service: { name: HOSTILE },
    unmapped: { pkhh: HOSTILE, token: HOSTILE, detail: HOSTILE, rhost: HOSTILE },
  });
  await begin();
  appendFileSync(file, `${line}\n`);
  await rows().first().getByText('Mallory').first().waitFor();
  await rows().first().getByRole('button').click();
  await page.getByRole('dialog').getByText('Mallory').first().waitFor();
  t.is(await page.locator('main img, dialog img, main b, dialog b').count(), 0);
  t.notRegex(await page.locator('body').innerText(), /[\u202A-\u202E\u2066-\u2069]/);
  await page.keyboard.press('Escape');
  await page.getByText('Charts', { exact: true }).click();
  await page.getByRole('button', { name: 'Draw' }).click();
  await page.getByText('All records by what happened').waitFor();
  t.is(await page.locator('main img, main b').count(), 0);
  t.deepEqual(tab.faults, []);
  writeFileSync(file, readFileSync(file, 'utf8').replace(`${line}\n`, ''));
});

test.serial(
  `${MANY} records in a rotated file: chosen, gone through by keyboard, and few of them in the page`,
  async (t) => {
    t.timeout(240_000);
    makeLog(`${file}.1`, MANY);
    const all = await found();
    t.true(all > MANY);
    await begin();
    await page.getByText(/^\d+ records so far/).waitFor();
    t.true((await rows().count()) < 60);
    t.deepEqual(await lookAt(tab, 'log'), []);

    // What is chosen is what sc_auth finds, in the same order.
    await page.getByLabel('Person').fill('user17');
    await page.getByLabel('How it ended').selectOption('denied');
    const count = await found('--user', 'user17', '--outcome', 'denied');
    t.true(count > 0);
    await page.getByText(new RegExp(`^${count} records, the newest first`)).waitFor();
    await page.getByLabel('Service').fill('nothing-here');
    await page.getByText(/^No record fits/).waitFor();
    await page.getByLabel('Service').fill('');
    await page.getByLabel('Person').fill('');
    await page.getByLabel('How it ended').selectOption('');
    await page.getByLabel('When').selectOption('between');
    await page.getByLabel('From', { exact: true }).fill('2025-01-03');
    await page.getByLabel('To', { exact: true }).fill('2025-01-03');
    // A record each half minute.
    await page.getByText(/^\d+ records/).waitFor();
    const place = (): Promise<number[]> =>
      page.evaluate<number[]>(
        "['aria-posinset', 'aria-setsize'].map((name) => Number(document.activeElement.closest('[role=listitem]').getAttribute(name)))",
      );
    await rows().first().getByRole('button').focus();
    for (let known = 0; known < 2880;) {
      await page.keyboard.press('End');
      const [at = 0, of = -1] = await place();
      known = at === of ? at : known;
      await page.waitForTimeout(100);
    }
    await page.getByText(/^2880 records, the newest first/).waitFor();
    t.true((await rows().count()) < 60);
    t.deepEqual(tab.faults, []);
  },
);

test.serial('the page keeps 20,000 records, and goes on with older ones when it is asked to', async (t) => {
  t.timeout(240_000);
  await begin();
  const end = page.getByRole('button', { name: 'Go on with older ones' });
  await rows().first().getByRole('button').focus();
  while (!(await end.isVisible())) {
    await page.keyboard.press('End');
    await page.waitForTimeout(50);
  }
  const kept = Number(/^(\d+) records so far/.exec(await page.getByText(/records so far/).innerText())?.[1]);
  t.true(kept >= 20_000 && kept < 20_500, String(kept));
  const oldest = await rows().last().locator('time').innerText();
  await end.click();
  await page.getByText(/^100 records so far/).waitFor();
  t.true((await rows().first().locator('time').innerText()) <= oldest);
  await page.getByRole('button', { name: 'Begin anew with the newest' }).click();
  await rows().first().getByText('Card put in').waitFor();
  t.deepEqual(tab.faults, []);
});

test.serial('the charts of the report: of the records that are chosen', async (t) => {
  t.timeout(240_000);
  await begin('/log/user/user17');
  await page.getByText('Charts', { exact: true }).click();
  await page.getByRole('button', { name: 'Draw' }).click();
  await page.getByRole('img', { name: /^Logins over time, 2025-01-01 to 2025-02-0\d/ }).waitFor();
  const { stdout } = await sandbox.exec(['sc_auth', 'audit', 'stats', '--user', 'user17', '--json']);
  const { outcomes, days } = JSON.parse(stdout) as {
    outcomes: { name: string; count: number }[];
    days: { granted: number; denied: number; unavailable: number; cancelled: number }[];
  };
  const chart = page.locator('figure');
  const drawn = days.flatMap((day) =>
    [day.granted, day.denied, day.unavailable, day.cancelled].filter((count) => count > 0),
  ).length;
  t.is(await chart.locator('rect').count(), drawn);
  await chart.getByText('The numbers of this picture').click();
  const granted = (await chart.locator('tbody td:nth-child(2)').allInnerTexts()).reduce(
    (sum, text) => sum + Number(text),
    0,
  );
  t.is(granted, outcomes.find(({ name }) => name === 'granted')?.count ?? -1);
  await chart.getByText('The numbers of this picture').click();
  t.deepEqual(await lookAt(tab, 'log-charts'), []);
  // A person's page leads to what has happened to them.
  await page.evaluate('location.hash = "#/people/ada"');
  await page.getByRole('link', { name: 'What has happened' }).click();
  await rows().first().getByText('ada').waitFor();
  t.is(await page.getByLabel('Person').inputValue(), 'ada');
  t.deepEqual(tab.faults, []);
});

test.serial('a log that is rotated while one looks, and without scauthd', async (t) => {
  rmSync(`${file}.1`);
  await begin();
  const before = await rows().count();
  renameSync(file, `${file}.1`);
  await sandbox.card.eject();
  await rows().first().getByText('Card taken out').waitFor();
  t.true((await rows().count()) > before);
  await sandbox.stopAgent();
  await page.getByText('scauthd does not answer', { exact: false }).waitFor();
  await page.getByLabel('What').selectOption('card-out');
  const out = await found('--kind', 'card-out');
  await page.getByText(new RegExp(`^${out} records, the newest first`)).waitFor();
  t.deepEqual([...new Set(await rows().locator('.what').allInnerTexts())], ['Card taken out']);
  await sandbox.startAgent();
  t.deepEqual(tab.faults, []);
});

test.serial('a user is told who reads it, and no record', async (t) => {
  const cockpit = await Cockpit.start(sandbox, sandbox.user);
  t.teardown(() => cockpit.stop());
  const own = await openPage(browser, cockpit, '/log');
  await own.page.getByRole('heading', { name: 'Only an administrator reads the audit log' }).waitFor();
  t.is(await own.page.getByRole('list', { name: 'Log' }).count(), 0);
  t.deepEqual(own.faults, []);
});
