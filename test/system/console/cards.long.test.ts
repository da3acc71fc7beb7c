// The page in Cockpit, its view of cards: Debian's cockpit-ws and cockpit-bridge, Chromium, and the sandbox's scauthd.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import type { Browser } from 'playwright-core';
import { lookAt, openPage, startBrowser, type Tab } from '../../kit/console/browser.ts';
import { buildConsole, Cockpit } from '../../kit/console/cockpit.ts';
import { untilAgentSays } from '../../kit/person/person.ts';
import { identityOf, portOf } from '../../kit/sandbox/cards.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { AUTHORITY, LEAF, Pki } from '../../unit/trust/authority.ts';

/** Of our own script and style, gzipped. */
const MOST_BYTES = 60 * 1024;
/** As markup it would be an image that runs a script; behind it the text would run backwards. */
const HOSTILE = '<img src=x onerror=alert(1)><b>Mallory</b> \u202Eecila';

let folder: string;
let sandbox: Sandbox;
let root: Cockpit;
let browser: Browser;
let tab: Tab;

test.before(async () => {
  folder = await buildConsole();
  sandbox = await Sandbox.start({ moreCards: ['rsa2048'], readers: 4 });
  const { stdout } = await sandbox.exec(['sc_auth', 'identities']);
  const hash = /^([0-9A-F]{40})\t/m.exec(stdout)?.[1] ?? '';
  await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  root = await Cockpit.start(sandbox);
  browser = await startBrowser();
  tab = await openPage(browser, root);
});
test.after.always(async () => {
  await browser.close();
  await root.stop();
  await sandbox.stop();
});

test.serial('two cards: whose, what is on them and what is to be done; no fault for axe-core', async (t) => {
  t.timeout(240_000);
  const { page, policy, faults } = tab;
  const first = page.getByRole('article', { name: 'PIV (Ada Lovelace)', exact: true });
  await first.waitFor();
  const text = await first.innerText();
  t.regex(text, /\bada\b/);
  t.regex(text, /PIN\s+3 of 3 tries/);
  t.regex(text, /9A for logging in/);
  t.regex(text, /days left/);
  t.regex(text, /management key is the factory's/);
  const second = await page.getByRole('article', { name: 'PIV (Ada Lovelace 2)' }).innerText();
  t.regex(second, /nobody’s yet/);
  t.regex(second, /sc_auth pair -u USER/);
  for (const rule of ["default-src 'none'", "require-trusted-types-for 'script'", "form-action 'none'"])
    t.true(policy.includes(rule), policy);
  t.notRegex(policy, /unsafe/);
  t.deepEqual(await lookAt(tab, 'cards'), []);
  t.deepEqual(faults, []);
});

test.serial('the page is small', (t) => {
  const sizes = ['page.js', 'page-style.css'].map(
    (name) => gzipSync(readFileSync(join(folder, name))).length,
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  t.true(bytes <= MOST_BYTES, String(bytes));
  t.log(`${bytes} bytes`);
});

test.serial('a card that is taken out, and one that is put in, show without a click', async (t) => {
  const { page } = tab;
  await sandbox.card.eject();
  const gone = page.getByRole('article', { name: 'PIV (Ada Lovelace)', exact: true });
  await gone.waitFor({ state: 'detached' });
  const reader = page.getByRole('article', { name: 'Virtual PCD 00 00', exact: true });
  t.regex(await reader.innerText(), /Empty reader/);
  await sandbox.card.insert();
  await page.getByRole('article', { name: 'PIV (Ada Lovelace)', exact: true }).waitFor();
});

test.serial('scauthd goes: the page says so, keeps what it shows, and comes back by itself', async (t) => {
  const { page } = tab;
  const gone = page.getByText('scauthd does not answer', { exact: false });
  await sandbox.stopAgent();
  await gone.waitFor();
  t.is(await page.getByRole('article', { name: 'PIV (Ada Lovelace)', exact: true }).count(), 1);
  await sandbox.startAgent();
  await gone.waitFor({ state: 'detached' });
  await page.getByRole('article', { name: 'PIV (Ada Lovelace)', exact: true }).waitFor();
});

test.serial('a card with a hostile name is text, and its direction ends with it', async (t) => {
  const { page, faults } = tab;
  const control = await sandbox.addCard([...identityOf(3, 'p256'), '--cn', HOSTILE], portOf(2));
  t.teardown(() => {
    control.close();
  });
  const name = page.locator('article h2 bdi', { hasText: '<b>Mallory</b>' });
  await name.waitFor();
  t.is(await page.locator('img, b:has-text("Mallory")').count(), 0);
  t.notRegex(await page.locator('main').innerText(), /[\u202A-\u202E\u2066-\u2069]/);
  t.deepEqual(faults, []);
});

test.serial('a user sees the cards, and whose is theirs alone', async (t) => {
  await sandbox.exec(['useradd', 'bob']);
  const cockpit = await Cockpit.start(sandbox, 'bob');
  t.teardown(() => cockpit.stop());
  const { page, faults } = await openPage(browser, cockpit);
  const card = page.getByRole('article', { name: 'PIV (Ada Lovelace)', exact: true });
  await card.waitFor();
  t.notRegex(await card.innerText(), /\bada\b/);
  t.deepEqual(faults, []);
});

test.serial('the chain of a certificate: to the authority, or to where it ends and why', async (t) => {
  t.timeout(240_000);
  const { page, faults } = tab;
  const pki = new Pki();
  t.teardown(() => pki.close());
  pki.root('root', { extensions: AUTHORITY });
  pki.issue('middle', 'root', { extensions: AUTHORITY });
  pki.issue('ada', 'middle', { extensions: LEAF });
  const settle = async (...names: string[]): Promise<void> => {
    const from = sandbox.agentLog().length;
    const pem = names.map((name) => readFileSync(pki.file(`${name}.pem`), 'utf8')).join('');
    const file = `/etc/scauth/${names.join('-')}.pem`;
    writeFileSync(sandbox.path(file), pem, { mode: 0o644 });
    const settings = sandbox.path('/etc/scauth/scauth.toml');
    const toml = existsSync(settings) ? readFileSync(settings, 'utf8').replace(/\[trust\][^]*/, '') : '';
    writeFileSync(settings, `${toml}[trust]\nauthorities = ["${file}"]\n`);
    await sandbox.exec(['kill', '-HUP', String(sandbox.agentPid)]);
    await untilAgentSays(sandbox, 'new configuration: trust', from);
  };
  await settle('root', 'middle');
  await sandbox.card.setKey('9A', readFileSync(pki.file('ada.key'), 'utf8'));
  await sandbox.card.setCertificate('9A', readFileSync(pki.file('ada.pem'), 'utf8'));
  await sandbox.card.eject();
  await sandbox.card.insert();
  const key = page.locator('.key').filter({ hasText: 'CN=middle' }).first();
  await key.getByText('Chain: 3 certificates').click();
  t.deepEqual((await key.locator('ol bdi').allInnerTexts()).slice(0, 3), [
    'CN=ada,O=Test',
    'CN=middle,O=Test',
    'CN=root,O=Test',
  ]);
  t.regex(await key.locator('ol li').last().innerText(), /trusted authority/);
  t.deepEqual(await lookAt(tab, 'chain'), []);
  const { stdout } = await sandbox.exec(['sc_auth', 'show']);
  t.regex(stdout.replaceAll(/\n│ {2}/g, ''), /known here: CN=root,O=Test, valid until \d{4}-/);

  await settle('middle');
  await page.reload();
  await key.getByText('Chain: 2 certificates').click();
  t.regex(
    await key.locator('ol li').last().innerText(),
    /the issuer of an authority is not among the authorities.*CN=root/,
  );
  t.deepEqual(faults, []);
});
