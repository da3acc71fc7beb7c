// The page in Cockpit, its view of the policy: the plan, a required card from the trial to its end, two administrators, the
// pairing prompt, and the settings as they are in force and in the files.

import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import test from 'ava';
import type { Browser, Locator, Page } from 'playwright-core';
import { lookAt, openPage, startBrowser, type Tab } from '../../kit/console/browser.ts';
import { buildConsole, Cockpit } from '../../kit/console/cockpit.ts';
import { enforced, requireAccountPhase } from '../../kit/person/enforcement.ts';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const CODE = /([0-9A-Z]{5}-){4}[0-9A-Z]{5}/;
const MANY = 10_000;

let sandbox: Sandbox;
let root: Cockpit;
let browser: Browser;
let tab: Tab;
let page: Page;
let dialog: Locator;

test.before(async () => {
  await buildConsole();
  sandbox = await Sandbox.start({ config: '[login]\npin_attempts = 2\n' });
  mkdirSync(sandbox.path('/etc/scauth/scauth.d'), { mode: 0o755, recursive: true });
  requireAccountPhase(sandbox);
  await person.addUser(sandbox, 'bob');
  await person.pairCard(sandbox);
  root = await Cockpit.start(sandbox);
  browser = await startBrowser();
  tab = await openPage(browser, root, '/policy');
  ({ page } = tab);
  dialog = page.getByRole('dialog');
});
test.after.always(async () => {
  await browser.close();
  await root.stop();
  await sandbox.stop();
});

function part(name: string, of = page): Locator {
  return of.getByRole('region', { name });
}

const required = (of = page): Locator => part('Is a card required?', of);

async function press(name: string, of: Locator | Page = page): Promise<void> {
  await of.getByRole('button', { name, exact: true }).click();
}

/** A file of the settings' folder. */
function settingsFile(name: string, text: string): void {
  const path = sandbox.path(`/etc/scauth/${name}`);
  writeFileSync(path, text);
  chmodSync(path, 0o644);
}

test.serial(
  'at first: not required, who would be shut out and why, each setting; no fault for axe',
  async (t) => {
    t.timeout(240_000);
    await required().getByText('Enforcement is off').waitFor();
    const plan = part('Who would get in');
    await plan.getByText('3 accounts: 2 shut out, 0 with one card only.').waitFor();
    const out = await plan.getByRole('listitem').allInnerTexts();
    t.is(out.length, 2);
    t.regex(out.join('\n'), /ada\s+shut out\s+has never logged in by card[^]*bob\s+shut out\s+has no card/);
    t.regex(
      await part('The dialog that offers to pair').innerText(),
      /On this machine\s+on Nobody has switched it/,
    );
    const settings = part('Settings');
    t.deepEqual(await settings.locator('.key-name').allInnerTexts(), ['login.pin_attempts']);
    t.deepEqual(await lookAt(tab, 'policy'), []);
    await settings.getByRole('combobox').selectOption('all');
    const { stdout } = await sandbox.exec(['sc_auth', 'config', 'schema']);
    const { properties } = JSON.parse(stdout) as { properties: Record<string, { properties: object }> };
    const names = Object.entries(properties).flatMap(([table, { properties: keys }]) =>
      Object.keys(keys).map((key) => `${table}.${key}`),
    );
    t.deepEqual(await settings.locator('.key-name').allInnerTexts(), names);
    t.deepEqual(await lookAt(tab, 'policy-settings'), []);
    t.deepEqual(tab.faults, []);
  },
);

test.serial(
  'a setting: value, unit, meaning as the man page has it, default, and where it stands',
  async (t) => {
    const settings = part('Settings');
    await settings.getByRole('searchbox').fill('pin_attempts');
    const one = settings.locator('details');
    await settings.getByText('1 of ').waitFor();
    await one.locator('summary').click();
    const text = await one.innerText();
    t.regex(text, /login\.pin_attempts\s+2\s+not the default\s+scauth\.toml/);
    t.regex(text, /How often one login asks for the PIN before the password gets its turn\. Unit: prompts\./);
    t.regex(text, /Default: 1/);
    t.regex(text, /Stands in \/etc\/scauth\/scauth\.toml, line 2/);
    await settings.getByRole('searchbox').fill('');
    await settings.getByRole('combobox').selectOption('set');
    t.deepEqual(await settings.locator('.key-name').allInnerTexts(), ['login.pin_attempts']);
    await settings.getByRole('combobox').selectOption('all');
  },
);

test.serial('a file that waits: what will change is said, then it comes into force', async (t) => {
  settingsFile('scauth.d/60-local.toml', '[login]\ntry_reserve = 3\n[piv]\nisolate = true\n');
  await page.reload();
  const settings = part('Settings');
  await settings.getByText('2 settings in the files are not in force').waitFor();
  await settings.getByRole('combobox').selectOption('waits');
  t.deepEqual(await settings.locator('.key-name').allInnerTexts(), ['login.try_reserve', 'piv.isolate']);
  await press('Put them in force');
  t.regex(
    await dialog.innerText(),
    /login\.try_reserve: 1 becomes 3\.\s+piv\.isolate comes into force when scauthd is started/,
  );
  t.deepEqual(await lookAt(tab, 'policy-reload'), []);
  await press('Put them in force', dialog);
  await dialog.waitFor({ state: 'detached' });
  await settings.getByText('1 setting in the files is not in force').waitFor();
  t.deepEqual(await settings.locator('.key-name').allInnerTexts(), ['piv.isolate']);
});

test.serial('a file that contradicts itself is named; what is in force stays', async (t) => {
  settingsFile('scauth.d/60-local.toml', '[login]\ntry_reserve = 3\n[trust]\nlevel = 2\n');
  await page.reload();
  const settings = part('Settings');
  await settings.getByText('trust.level is 2 and trust.authorities is empty').waitFor();
  t.deepEqual(await lookAt(tab, 'policy-problem'), []);
  await settings.getByRole('searchbox').fill('trust.level');
  const level = settings.locator('summary', { has: page.getByText('trust.level', { exact: true }) });
  t.regex(await level.innerText(), /trust\.level\s+0\s+default/);
  settingsFile('scauth.d/60-local.toml', '');
});

test.serial('the pairing prompt of the machine', async (t) => {
  await page.reload();
  const prompt = part('The dialog that offers to pair');
  await press('Switch it off', prompt);
  t.regex(await dialog.innerText(), /opens for nobody any more/);
  await press('Switch it off', dialog);
  await prompt.getByText('An administrator has switched it for this machine').waitFor();
  // By keyboard one goes on where one was.
  await prompt.locator('button:focus', { hasText: 'Switch it on' }).waitFor();
  const { stdout } = await sandbox.exec(['sc_auth', 'pairing_ui', '-s', 'status', '--json']);
  t.like(JSON.parse(stdout), { enabled: false, level: 'machine' });
});

test.serial(
  'required: refused while people or services are not ticked, and nothing is chosen for the person',
  async (t) => {
    t.timeout(240_000);
    writeFileSync(
      sandbox.path('/etc/pam.d/polkit-1'),
      'auth required pam_unix.so\naccount required pam_unix.so\n',
    );
    const plan = part('Who would get in');
    await press('Look at the PAM files', plan);
    const open = plan.locator('.panel', { hasText: 'polkit-1' });
    await open.getByText('a password opens it').waitFor();
    t.regex(await open.locator('code').innerText(), /account .*pam_scauth\.so/);
    await plan.locator('summary', { hasText: 'that ask for the card' }).click();
    t.regex(
      await plan
        .locator('.panel')
        .filter({ hasText: /^sudo / })
        .innerText(),
      /asks for the card/,
    );
    t.deepEqual(await lookAt(tab, 'policy-services'), []);
    await press('Require the card …');
    await dialog.getByText('2 of 3 accounts would be shut out').waitFor();
    const text = await dialog.innerText();
    t.regex(text, /A password alone opens nothing any more/);
    t.regex(text, /trial of 30 minutes/);
    t.regex(text, /Leave polkit-1 open to a password/);
    t.is(await dialog.locator('input:checked').count(), 0);
    t.deepEqual(await lookAt(tab, 'policy-on'), []);
    // Without a choice for a scauthd that does not run the browser does not send it.
    await press('Switch it on for a trial', dialog);
    t.is(await dialog.locator('input:invalid').count(), 2);
    await dialog.getByRole('radio', { name: /^open/ }).check();
    await press('Switch it on for a trial', dialog);
    await dialog.getByRole('alert').getByText('A password would still open: polkit-1').waitFor();
    await dialog.getByRole('checkbox', { name: 'Leave polkit-1 open to a password' }).check();
    await press('Switch it on for a trial', dialog);
    await dialog
      .getByRole('alert')
      .getByText(/would shut out: ada, bob/)
      .waitFor();
    t.like(await enforced(sandbox, 'status'), { state: 'off' });
    await press('Cancel', dialog);
  },
);

test.serial('required for a trial: sc_auth rehearses, and the code is shown once', async (t) => {
  t.timeout(240_000);
  requireAccountPhase(sandbox);
  await person.expectCardLogin(sandbox);
  await press('Require the card …');
  await dialog.getByText('1 of 3 accounts would be shut out').waitFor();
  await dialog.getByRole('checkbox', { name: 'Shut out bob' }).check();
  await dialog.getByRole('radio', { name: /^closed/ }).check();
  await press('Switch it on for a trial', dialog);
  // Who closes it meanwhile gets the code all the same.
  await dialog.getByText('Trying it in a copy of the PAM files').waitFor();
  await page.evaluate('document.querySelector("dialog").close()');
  await dialog.getByText('Enforcement is on trial until').waitFor({ timeout: 120_000 });
  const code = (await dialog.locator('code').innerText()).trim();
  t.regex(code, CODE);
  t.deepEqual(await lookAt(tab, 'policy-code'), []);
  await press('Close', dialog);
  await required().getByText('on trial', { exact: true }).waitFor();
  t.false((await page.content()).includes(code));
  const status = await enforced(sandbox, 'status');
  t.like(status, { state: 'trial', by: 'root', breakGlass: true });
  const { stdout } = await sandbox.exec(['cat', '/etc/scauth/scauth.d/50-enforcement.toml']);
  t.regex(stdout, /agent_absent = "closed"/);
});

test.serial('another code, and a confirmation that is refused without a card login', async (t) => {
  await press('New break-glass code');
  t.regex(await dialog.innerText(), /code of before opens nothing any more/);
  await press('New break-glass code', dialog);
  await dialog.locator('code').waitFor();
  t.regex(await dialog.locator('code').innerText(), CODE);
  await press('Close', dialog);
  await press('Confirm now');
  await press('Confirm now', dialog);
  await dialog
    .getByRole('alert')
    .getByText(/by card/)
    .waitFor();
  t.like(await enforced(sandbox, 'status'), { state: 'trial' });
  await press('Cancel', dialog);
});

test.serial('a login by card elsewhere confirms it, and the page shows that by itself', async (t) => {
  await person.expectCardLogin(sandbox);
  await required().getByText('required', { exact: true }).waitFor();
  t.is(await required().getByRole('button', { name: 'Confirm now' }).count(), 0);
  t.deepEqual(await lookAt(tab, 'policy-required'), []);
});

test.serial(
  'two administrators: what one does the other sees, and is refused where it is too late',
  async (t) => {
    const other = await openPage(browser, root, '/policy');
    const theirs = other.page.getByRole('dialog');
    await press('New break-glass code', required(other.page));
    await press('Require it no longer', required());
    t.regex(await dialog.innerText(), /password is enough again at once/);
    await press('Require it no longer', dialog);
    await required().getByText('not required', { exact: true }).waitFor();
    await required(other.page).getByText('not required', { exact: true }).waitFor();
    await press('New break-glass code', theirs);
    await theirs.getByRole('alert').getByText('enforcement is off').waitFor();
    t.is(await theirs.locator('code').count(), 0);
    t.deepEqual(other.faults, []);
    await other.page.close();
  },
);

test.serial('an exemption that is given elsewhere shows, with a hostile reason as text', async (t) => {
  const reason = '<img src=x onerror=alert(1)> \u202Eecila';
  await enforced(sandbox, 'exempt', 'bob', '--until', '2w', '--reason', reason);
  const row = required().getByRole('listitem');
  await row.waitFor();
  t.regex(
    await row.innerText(),
    /bob\s+until \d{4}-\d\d-\d\d \d\d:\d\d, by root: <img src=x onerror=alert\(1\)>/,
  );
  t.is(await page.locator('img').count(), 0);
  t.notRegex(await page.locator('main').innerText(), /[\u202A-\u202E\u2066-\u2069]/);
  await enforced(sandbox, 'unexempt', 'bob');
  await required().getByText('Nobody is exempt').waitFor();
  t.deepEqual(tab.faults, []);
});

test.serial('scauthd goes and comes back: the view stays, and goes on by itself', async (t) => {
  await part('Settings').getByRole('combobox').selectOption('all');
  await sandbox.stopAgent();
  await page.getByText('scauthd does not answer', { exact: false }).waitFor();
  t.true((await part('Settings').locator('.key-name').count()) > 50);
  // An act that comes too late for it is refused in its question.
  await press('Switch it on', part('The dialog that offers to pair'));
  await press('Switch it on', dialog);
  await dialog.getByRole('alert').getByText('scauthd does not answer').waitFor();
  await press('Cancel', dialog);
  settingsFile('scauth.d/60-local.toml', '[login]\ntry_reserve = 4\n');
  settingsFile('scauth.d/70-<img src=x onerror=alert(1)>\u202E.toml', '[login]\nwait = 5\n');
  await sandbox.startAgent();
  await page.getByText('scauthd does not answer', { exact: false }).waitFor({ state: 'detached' });
  await part('Settings').getByRole('searchbox').fill('try_reserve');
  await part('Settings').locator('summary', { hasText: '60-local.toml' }).waitFor();
  await part('Settings').getByRole('searchbox').fill('login.wait');
  await part('Settings').locator('summary', { hasText: '<img src=x onerror=alert(1)>?.toml' }).waitFor();
  t.is(await page.locator('img').count(), 0);
  t.deepEqual(tab.faults, []);
});

test.serial(
  `${MANY} accounts: the plan is counted, filtered, and few of it are in the document`,
  async (t) => {
    t.timeout(240_000);
    const lines = Array.from(
      { length: MANY },
      (_, index) => `person${index}:x:${20_000 + index}:100::/:/bin/bash\n`,
    );
    appendFileSync(sandbox.path('/etc/passwd'), lines.join(''));
    await page.reload();
    const plan = part('Who would get in');
    await plan.getByText(/^10003 accounts: 10001 shut out/).waitFor({ timeout: 120_000 });
    t.true((await plan.getByRole('listitem').count()) < 60);
    await plan.getByRole('searchbox').fill('person77');
    await plan.getByText('111 shown').waitFor();
    await plan.getByRole('combobox').selectOption('one');
    await plan.getByText('0 shown').waitFor();
    await press('Require the card …');
    await dialog
      .getByText('10001 of 10003 accounts would be shut out, so it will be refused')
      .waitFor({ timeout: 120_000 });
    t.is(await dialog.locator('input[type=checkbox]').count(), 0);
    await press('Cancel', dialog);
    t.deepEqual(tab.faults, []);
  },
);

test.serial(
  'a user: how it is, their own prompt, settings that everybody may read; no act of an administrator',
  async (t) => {
    await sandbox.exec(['sc_auth', 'pairing_ui', '-s', 'enable']);
    const cockpit = await Cockpit.start(sandbox, sandbox.user);
    t.teardown(() => cockpit.stop());
    const own = await openPage(browser, cockpit, '/policy');
    await required(own.page).getByText('Enforcement is off').waitFor();
    await own.page.getByText('You are not exempt').waitFor();
    t.is(await required(own.page).getByRole('button').count(), 0);
    t.is(await part('Who would get in', own.page).count(), 0);
    await part('Settings', own.page).locator('summary').first().waitFor();
    t.is(await part('Settings', own.page).getByRole('button').count(), 0);
    const prompt = part('The dialog that offers to pair', own.page);
    await prompt.getByRole('heading', { level: 3 }).nth(1).waitFor();
    t.deepEqual(await prompt.getByRole('heading', { level: 3 }).allInnerTexts(), [
      'For you',
      'For you, with PIV (Ada Lovelace)',
    ]);
    await press('Switch it off', prompt.locator('.panel').first());
    await press('Switch it off', own.page.getByRole('dialog'));
    await prompt.getByText('You have switched it for every card').first().waitFor();
    const seen = await sandbox.exec(['sc_auth', 'pairing_ui', '-s', 'status', '--json'], {
      user: sandbox.user,
    });
    t.like(JSON.parse(seen.stdout), { enabled: false, level: 'user' });
    t.deepEqual(await lookAt(own, 'policy-user'), []);
    chmodSync(sandbox.path('/etc/scauth/scauth.toml'), 0o600);
    await own.page.reload();
    await part('Settings', own.page).getByText('Only an administrator may do this').waitFor();
    t.deepEqual(own.faults, []);
  },
);
