// The life of the package on a real Debian: installed with apt, used with sudo, login and the software card, upgraded in
// the middle of a login, removed, purged. A password opens sudo after each step. life.slow.ts and debian-13.slow.ts put
// the parts together, each for its release.

import test, { type ExecutionContext } from 'ava';
import type { Release } from './base.ts';
import { makePackages, type Packages } from './packages.ts';
import { PASSWORD, PIN, USER, World } from './world.ts';

const PIN_PROMPT = /Enter PIN for '[^\n]*': $/;
const PASSWORD_PROMPT = /[Pp]assword[^\n]*: $/;
const INSTALL = 'apt-get install -y';

let world: World;
let packages: Packages;
let filesBefore: string[];
let pamBefore: string;

/** @returns the world, which is there when tests run */
export function beginLife(release: Release): () => World {
  test.before(async () => {
    packages = await makePackages();
    world = await World.start(release);
    filesBefore = world.fileList();
    pamBefore = await world.pamFiles();
  });
  test.after.always(async () => {
    await world.stop();
  });
  return () => world;
}

export async function pair(t: ExecutionContext): Promise<void> {
  const pairing = world.pty(['sc_auth', 'pair'], USER);
  await pairing.expect(/Enter = \w+[^\n]*: $/);
  pairing.send('\n');
  await pairing.expect(PASSWORD_PROMPT);
  pairing.send(`${PASSWORD}\n`);
  await pairing.expect(PIN_PROMPT);
  pairing.send(`${PIN}\n`);
  t.is((await pairing.exit).code, 0, pairing.screen);
}

/** Takes the pairing away, and waits until the card is offered for one; another driver may read it now. */
export async function unpair(): Promise<void> {
  await world.must(`sc_auth unpair -u ${USER}`);
  await world.must('until sc_auth identities | grep -q Unpaired; do sleep 0.1; done', { user: USER });
}

/** sudo asks for the PIN, and opens. */
export async function sudoByCard(t: ExecutionContext): Promise<void> {
  const sudo = world.pty(['sudo', 'id', '-u'], USER);
  await sudo.expect(PIN_PROMPT);
  sudo.send(`${PIN}\n`);
  t.is((await sudo.exit).code, 0, sudo.screen);
  t.regex(sudo.screen, /^0\r?$/m);
}

export function install(): void {
  test.serial('apt installs it, and no PAM file of others changes', async (t) => {
    await world.must(`${INSTALL} ${packages.first}`);
    const pam = await world.pamFiles();
    t.is(pam.replace(/^== scauth\n[^=]*(?=^== )/m, ''), pamBefore);
    t.true(await world.passwordWorks());
    t.regex(await world.must('sc_auth --version'), /^sc_auth \d/);
    t.is(
      (await world.must('scauth-pam status')).trim(),
      'Card logins are off. Turn them on: sudo scauth-pam enable',
    );
  });
}

/** Cockpit itself is not there: what is looked at is the package. */
export function page(): void {
  test.serial('the page for Cockpit comes with its package, and goes with it', async (t) => {
    await world.must(`dpkg --force-depends --install ${packages.page}`);
    t.regex(world.read('/usr/share/cockpit/scauth/manifest.json'), /"label": "Smart cards"/);
    t.regex(world.read('/usr/share/cockpit/scauth/index.html'), /src="page\.js"/);
    await world.must('dpkg --purge scauth-cockpit');
    t.not((await world.run('test -e /usr/share/cockpit -o -e /usr/share/doc/scauth-cockpit')).code, 0);
  });
}

export function use(): void {
  test.serial('enable shows a diff, rehearses it and keeps the password', async (t) => {
    await world.startReader();
    await world.startScauthd();
    t.regex(await world.must('scauth-pam diff'), /^\+auth\s+\[success=2 default=ignore\]\s+pam_scauth\.so/m);
    t.is((await world.run('grep -c scauth /etc/pam.d/common-auth')).output.trim(), '0');
    const said = await world.must('scauth-pam enable --yes');
    t.regex(said, /^\+auth/m);
    t.regex(said, /rehearsed: a password opens scauth-rehearsal[^\n]* sudo/);
    t.regex(said, /card logins are on/);
    t.true(await world.passwordWorks());
    t.regex(await world.must('scauth-pam enable --yes'), /nothing to change/);
    t.is((await world.run('getent passwd scauth-rehearsal')).code, 2);
  });

  test.serial('the getting-started page is true: pair, then sudo with card and PIN', async (t) => {
    await pair(t);
    await sudoByCard(t);
  });

  test.serial('login asks for the PIN, and opens a shell', async (t) => {
    // login asks for the name of its terminal: script makes one that is of this world.
    const login = world.pty(['script', '-qc', `exec login ${USER}`, '/dev/null'], 'root');
    await login.expect(PIN_PROMPT);
    login.send(`${PIN}\n`);
    await login.expect(/\$ $/);
    login.send('unset HISTFILE; whoami; exit\n');
    await login.exit;
    t.regex(login.screen, new RegExp(`^${USER}\\r?$`, 'm'));
  });
}

/** Upgraded, removed, installed again, purged. */
export function end(): void {
  test.serial(
    'an upgrade in the middle of a login does not break it, and keeps pairings and settings',
    async (t) => {
      await world.must('echo "# mine" >>/etc/scauth/scauth.toml');
      const before = await world.must('sc_auth list');
      const pam = await world.pamFiles();
      const sudo = world.pty(['sudo', 'id', '-u'], USER);
      await sudo.expect(PIN_PROMPT);
      await world.must(`${INSTALL} ${packages.later}`);
      t.regex(await world.must('dpkg-query -W scauth'), /\+later/);
      // Without systemd, what its restart does is done here.
      if (!world.booted) await world.stopScauthd();
      await world.startScauthd();
      sudo.send(`${PIN}\n`);
      await sudo.expect(PIN_PROMPT);
      sudo.send(`${PIN}\n`);
      t.is((await sudo.exit).code, 0, sudo.screen);
      t.is(await world.must('sc_auth list'), before);
      t.regex(world.read('/etc/scauth/scauth.toml'), /^# mine$/m);
      t.is(await world.pamFiles(), pam);
    },
  );

  test.serial(
    'removal takes the lines out, and the password works; a second installation finds the pairings',
    async (t) => {
      const pairings = await world.must('sc_auth list');
      await world.stopScauthd();
      await world.must('apt-get remove -y scauth');
      t.true(await world.passwordWorks());
      t.is((await world.run(`grep -l '^[^#]*pam_scauth' /etc/pam.d/*`)).output.trim(), '');
      await world.must(`${INSTALL} ${packages.later}`);
      await world.startScauthd();
      t.is(await world.must('sc_auth list'), pairings);
      await world.stopScauthd();
    },
  );

  test.serial('purge gives back the files and PAM as they were before', async (t) => {
    await world.must('scauth-pam enable --yes');
    await world.must('apt-get purge -y scauth');
    t.true(await world.passwordWorks());
    t.is(await world.pamFiles(), pamBefore);
    const files = world.fileList();
    t.deepEqual(
      [
        files.filter((file) => !filesBefore.includes(file)),
        filesBefore.filter((file) => !files.includes(file)),
      ],
      [[], []],
    );
    for (const account of ['scauth-driver', 'scauth-fleet'])
      t.is((await world.run(`getent passwd ${account}`)).code, 2);
  });
}
