// What a page meets from outside: names that want to be something else, and Cockpit's switch of privileges.

import { appendFileSync } from 'node:fs';
import test from 'ava';
import type { Browser, Page } from 'playwright-core';
import { openPage, startBrowser } from '../../kit/console/browser.ts';
import { buildConsole, Cockpit } from '../../kit/console/cockpit.ts';
import { identityOf, portOf } from '../../kit/sandbox/cards.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

/** As far as a login name can be: no space, slash, or character that turns the direction. Letters that run backwards can. */
const HOSTILE = `<b>Mallory"onclick='alert(1)'&lt;<b>\u05D0\u05D1\u05D2`;
/** No login name, and so nobody's. */
const NOBODY = 'mallory\u202Eecila';

let sandbox: Sandbox;
let root: Cockpit;
let browser: Browser;

test.before(async () => {
  await buildConsole();
  sandbox = await Sandbox.start({ readers: 4 });
  const { stdout } = await sandbox.exec(['sc_auth', 'identities']);
  const hash = /^([0-9A-F]{40})\t/m.exec(stdout)?.[1] ?? '';
  await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  root = await Cockpit.start(sandbox);
  browser = await startBrowser();
});
test.after.always(async () => {
  await browser.close();
  await root.stop();
  await sandbox.stop();
});

/** Nothing of a name became an element, and no name turns what stands beside it. */
async function isText(page: Page): Promise<boolean> {
  const elements = await page.locator('main img, main b:has-text("Mallory"), dialog img').count();
  return elements === 0 && !/[\u202A-\u202E\u2066-\u2069]/.test(await page.locator('body').innerText());
}

test.serial(
  'an account whose name is markup and runs backwards: in the list, as a person, and in a question',
  async (t) => {
    appendFileSync(
      sandbox.path('/etc/passwd'),
      `${HOSTILE}:x:54321:100::/:/bin/bash\n${NOBODY}:x:54322:100::/:/bin/bash\n`,
    );
    const { page, faults } = await openPage(browser, root, '/people');
    await page.getByRole('searchbox').fill('mallory');
    await page.getByText(/^1 of \d+ accounts$/).waitFor();
    t.true(await isText(page));
    await page.getByRole('list', { name: 'People' }).getByRole('link').click();
    await page.getByRole('heading', { name: /Mallory/ }).waitFor();
    t.true(await isText(page));
    const exempt = page.getByRole('button', { name: 'Exempt from the card' });
    if ((await exempt.count()) > 0) {
      await exempt.click();
      t.regex(await page.getByRole('dialog').innerText(), /<b>Mallory"onclick='alert\(1\)'&lt;<b>/);
      t.true(await isText(page));
    }
    t.deepEqual(faults, []);
  },
);

test.serial('a certificate whose name has 64 KiB is no longer on the page than any other', async (t) => {
  const { page, faults } = await openPage(browser, root, '/cards');
  await page.getByRole('article', { name: 'PIV (Ada Lovelace)', exact: true }).waitFor();
  const control = await sandbox.addCard(
    [...identityOf(3, 'p256'), '--cn', `Eve ${'x'.repeat(65_536)}`],
    portOf(2),
  );
  t.teardown(() => {
    control.close();
  });
  const reader = page.getByRole('article').nth(1);
  await reader.waitFor();
  await page.locator('article').filter({ hasNotText: 'Reading the card' }).nth(1).waitFor();
  t.true((await page.locator('main').innerText()).length < 10_000);
  const tooWide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  t.true(tooWide <= 0);
  t.is(await page.getByRole('article', { name: 'PIV (Ada Lovelace)', exact: true }).count(), 1);
  t.deepEqual(faults, []);
});

test.serial(
  "Cockpit's switch of privileges: by card and PIN a user becomes an administrator, and back",
  async (t) => {
    t.timeout(240_000);
    const cockpit = await Cockpit.start(sandbox, sandbox.user);
    t.teardown(() => cockpit.stop());
    const { page, faults } = await openPage(browser, cockpit, '/people');
    await page.getByRole('heading', { name: sandbox.user, exact: true }).waitFor();
    t.is(await page.getByRole('searchbox').count(), 0);
    // What the shell around the page does when the person presses its button and types.
    const asked = await page.evaluate<string>(`new Promise((resolve, reject) => {
    const proxy = cockpit.dbus(null, { bus: 'internal' }).proxy('cockpit.Superuser', '/superuser');
    proxy.addEventListener('Prompt', (event, message, prompt) => {
      resolve(prompt);
      proxy.Answer(${JSON.stringify(sandbox.pin)});
    });
    proxy.wait(() => proxy.Start('sudo').catch((error) => reject(new Error(error.message))));
  })`);
    t.regex(asked, /PIN/);
    await page.getByRole('searchbox').waitFor();
    await page.getByText(/^\d+ accounts$/).waitFor();
    await page.evaluate(`new Promise((resolve) => {
    const proxy = cockpit.dbus(null, { bus: 'internal' }).proxy('cockpit.Superuser', '/superuser');
    proxy.wait(() => proxy.Stop().then(resolve, resolve));
  })`);
    await page.getByRole('heading', { name: sandbox.user, exact: true }).waitFor();
    t.is(await page.getByRole('searchbox').count(), 0);
    t.deepEqual(faults, []);
  },
);
