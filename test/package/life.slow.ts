// The life of the package on a real Debian: installed with apt, used with sudo and the software card, upgraded in the
// middle of a login, removed, purged. A password opens sudo after each step.

import anyTest, { type TestFn } from 'ava';
import { makePackages, type Packages } from './packages.ts';
import { PASSWORD, PIN, USER, World } from './world.ts';

const test = anyTest as TestFn<{ world: World; packages: Packages }>;
const PIN_PROMPT = /Enter PIN for '[^\n]*': $/;
const PASSWORD_PROMPT = /[Pp]assword[^\n]*: $/;
const INSTALL = 'apt-get install -y';

let world: World;
let packages: Packages;
let filesBefore: string[];
let pamBefore: string;

test.before(async () => {
  packages = await makePackages();
  world = await World.start();
  filesBefore = world.fileList();
  pamBefore = await world.pamFiles();
});
test.after.always(async () => {
  await world.stop();
});

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

test.serial('without pcscd scauthd starts, and says what is missing', async (t) => {
  await world.startScauthd();
  const { code, output } = await world.run('sc_auth list-smartcards');
  t.is(code, 1);
  t.regex(output, /pcscd/);
  await world.stopScauthd();
});

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
  const pairing = world.pty(['sc_auth', 'pair'], USER);
  await pairing.expect(/Enter = \w+[^\n]*: $/);
  pairing.send('\n');
  await pairing.expect(PASSWORD_PROMPT);
  pairing.send(`${PASSWORD}\n`);
  await pairing.expect(PIN_PROMPT);
  pairing.send(`${PIN}\n`);
  t.is((await pairing.exit).code, 0, pairing.screen);
  const sudo = world.pty(['sudo', 'id', '-u'], USER);
  await sudo.expect(PIN_PROMPT);
  sudo.send(`${PIN}\n`);
  t.is((await sudo.exit).code, 0, sudo.screen);
  t.regex(sudo.screen, /^0\r?$/m);
});

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
    // There is no systemd in this root: what its restart does is done here.
    await world.stopScauthd();
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
  t.deepEqual(world.fileList(), filesBefore);
  t.is((await world.run('getent passwd scauth-driver')).code, 2);
});
