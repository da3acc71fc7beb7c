// A machine without pcscd, or where it does not run: passwords open it, scauthd and sc_auth say what is missing, and the
// card works as soon as pcscd is there, without a restart.

import test from 'ava';
import { makePackages, type Packages } from './packages.ts';
import { PIN, USER, World } from './world.ts';

let world: World;
let packages: Packages;

test.before(async () => {
  packages = await makePackages();
  world = await World.start();
  await world.must('dpkg --purge --force-depends pcscd');
});
test.after.always(async () => {
  await world.stop();
});

test.serial('apt does not install it without pcscd, and nothing changes', async (t) => {
  const before = await world.pamFiles();
  const { code, output } = await world.run(`apt-get install -y ${packages.light}`);
  t.not(code, 0);
  t.regex(output, /pcscd/);
  t.is(await world.pamFiles(), before);
  t.is((await world.run('dpkg-query -W scauth')).code, 1);
  t.true(await world.passwordWorks());
});

test.serial(
  'installed by force: the password works with card logins on, without scauthd and with it',
  async (t) => {
    await world.must(`dpkg --install --force-depends ${packages.light}; scauth-pam enable --yes`);
    t.regex(await world.must('scauth-pam status'), /are on/);
    t.true(await world.passwordWorks());
    await world.startScauthd();
    t.true(await world.passwordWorks());
  },
);

test.serial('sc_auth says what to do', async (t) => {
  for (const command of ['sc_auth identities', 'sc_auth list-smartcards', 'sc_auth pair']) {
    const { code, output } = await world.run(command, { user: USER });
    t.not(code, 0, command);
    t.regex(output, /pcscd[^\n]*systemctl start[^\n]*apt install/, `${command}: ${output}`);
  }
  t.regex((await world.run('sc_auth doctor')).output, /pcscd[^]*apt/);
});

test.serial('with pcscd the card is seen, paired and used, and nothing is restarted', async (t) => {
  await world.must(
    'cd /run/sandbox/base; for file in usr/sbin/pcscd usr/lib/pcsc; do cp -an --parents $file /; done',
  );
  await world.startReader();
  await world.must('until sc_auth identities | grep -q Unpaired; do sleep 0.1; done', { user: USER });
  const hash = /^([0-9A-F]{40})\t/m.exec(await world.must('sc_auth identities', { user: USER }))?.[1] ?? '';
  await world.must(`sc_auth pair -u ${USER} -h ${hash}`);
  const sudo = world.pty(['sudo', 'id', '-u'], USER);
  await sudo.expect(/Enter PIN for '[^\n]*': $/);
  sudo.send(`${PIN}\n`);
  t.is((await sudo.exit).code, 0, sudo.screen);
  t.regex(sudo.screen, /^0\r?$/m);
});
