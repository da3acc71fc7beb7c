// What may go wrong while the PAM files are changed or the package is put there: a stack edited by hand, a broken
// profile, a kill at each step, a full disk. A password opens sudo at every moment, and a second run repairs.

import { writeFileSync } from 'node:fs';
import anyTest, { type TestFn } from 'ava';
import { makePackages } from './packages.ts';
import { USER, World } from './world.ts';

const test = anyTest as TestFn<{ world: World }>;
const SCRIPT = '/usr/sbin/scauth-pam';
/** Where scauth-pam changes something; each is a comment in it. */
const STEPS = ['keep', 'stage', 'live', 'done'];

let first: string;

test.before(async () => {
  ({ first } = await makePackages());
});
test.beforeEach(async (t) => {
  t.context.world = await World.start();
});
test.afterEach.always(async (t) => {
  await t.context.world.stop();
});

const install = (world: World): Promise<string> => world.must(`apt-get install -y ${first}`);

test.serial(
  'a stack that was edited by hand: the card goes in front, and undo gives back the same bytes',
  async (t) => {
    const { world } = t.context;
    await world.must(
      `sed -i 's/^auth.*pam_unix.so.*/auth [success=2 default=ignore] pam_succeed_if.so user = nobody\\nauth [success=1 default=ignore] pam_unix.so/' /etc/pam.d/common-auth`,
    );
    const before = await world.pamFiles();
    t.true(await world.passwordWorks());
    await install(world);
    const said = await world.must('scauth-pam enable --yes');
    t.regex(said, /edited by hand/);
    t.regex(
      world.read('/etc/pam.d/common-auth'),
      /^auth\t\[success=3 default=ignore\]\tpam_scauth\.so\nauth \[success=2/m,
    );
    t.true(await world.passwordWorks());
    await world.must('sh /usr/lib/scauth/undo');
    t.is((await world.pamFiles()).replace(/^== scauth\n[^=]*(?=^== )/m, ''), before);
    await world.must('scauth-pam enable --yes && apt-get purge -y scauth');
    t.is(await world.pamFiles(), before);
    t.true(await world.passwordWorks());
  },
);

test.serial('a line that an administrator wrote into sudo goes with the package', async (t) => {
  const { world } = t.context;
  await install(world);
  await world.must(`sed -i '1a auth sufficient pam_scauth.so' /etc/pam.d/sudo && scauth-pam enable --yes`);
  t.true(await world.passwordWorks());
  await world.must('apt-get remove -y scauth');
  t.is((await world.run(`grep -l '^[^#]*pam_scauth' /etc/pam.d/*`)).output, '');
  t.true(await world.passwordWorks());
});

test.serial('a change that would shut people out is refused by the rehearsal', async (t) => {
  const { world } = t.context;
  await install(world);
  const before = await world.pamFiles();
  // As an administrator might: nobody without a card.
  await world.must(`sed -i 's/\\[success=end default=ignore\\]/requisite/' /usr/share/pam-configs/scauth`);
  const refused = await world.run('scauth-pam enable --yes');
  t.is(refused.code, 3, refused.output);
  t.regex(refused.output, /with the new stack a password does not open scauth-rehearsal/);
  // And one that lets everybody in.
  await world.must(
    `sed -i 's/requisite.*pam_scauth.so/[success=end default=ignore] pam_permit.so/' /usr/share/pam-configs/scauth; sed -i 's/^Account:/Account:\\n\\toptional pam_scauth.so/' /usr/share/pam-configs/scauth; printf 'auth optional pam_scauth.so\\n' >>/etc/pam.d/common-auth`,
  );
  const open = await world.run('scauth-pam enable --yes');
  t.is(open.code, 3, open.output);
  t.regex(open.output, /a wrong password opens the machine/);
  await world.must(`sed -i '$d' /etc/pam.d/common-auth`);
  t.is(await world.pamFiles(), before);
  t.true(await world.passwordWorks());
});

test.serial('killed at each step: the password works, and a second run repairs', async (t) => {
  const { world } = t.context;
  await install(world);
  const before = await world.pamFiles();
  const script = world.read(SCRIPT);
  for (const command of ['enable', 'disable']) {
    for (const step of STEPS) {
      const count = script.split(`# step: ${step}`).length - 1;
      t.true(count > 0, step);
      await world.must(`scauth-pam ${command === 'enable' ? 'disable' : 'enable'} --yes --no-rehearsal`);
      const from = await world.pamFiles();
      // At its second passage where there is one: some files are new, some are not.
      const kill = `if [ -e /tmp/passed ] || [ ${step} = done ]; then kill -KILL $$; fi; : >/tmp/passed\n`;
      await world.must('rm -f /tmp/passed');
      writeFileSync(
        world.path('/tmp/killed'),
        script.replace(new RegExp(`# step: ${step}.*\n`), () => kill),
      );
      const killed = await world.run(`sh /tmp/killed ${command} --yes --no-rehearsal`);
      t.is(killed.code, 137, `${command} ${step}: ${killed.output}`);
      t.true(await world.passwordWorks(), `${command} killed at ${step}`);
      if (step === 'keep' || step === 'stage') t.is(await world.pamFiles().then(withoutStaged), from);
      await world.must(`scauth-pam ${command} --yes --no-rehearsal`);
      t.true(await world.passwordWorks());
      t.regex(await world.must('scauth-pam status'), command === 'enable' ? /are on/ : /are off/);
      t.notRegex(await world.must('ls /etc/pam.d /var/lib/pam'), /scauth-new/);
    }
  }
  await world.must('scauth-pam undo');
  t.is(await world.pamFiles(), before);
});

/** Without files that were to be renamed into place: PAM does not look at them. */
function withoutStaged(files: string): string {
  return files.replace(/^== \S+\.scauth-new\n[^]*?(?=^== )/gm, '');
}

test.serial('a full disk: nothing is changed, and the second run does it', async (t) => {
  const { world } = t.context;
  await install(world);
  const before = await world.pamFiles();
  for (const leave of [0, 8, 32, 64, 96, 128]) {
    // Everything but so many KiB.
    await world.must(`rm -f /fill; dd if=/dev/zero of=/fill bs=1M 2>/dev/null; truncate -s -${leave}K /fill`);
    const full = await world.run('scauth-pam enable --yes');
    t.true(await world.passwordWorks(), `${leave} KiB left: ${full.output}`);
    await world.must('rm -f /fill');
    if (full.code === 0) {
      t.true(leave > 8);
      await world.must('scauth-pam undo');
    }
    t.is(withoutStaged(await world.pamFiles()), before, `${leave} KiB left`);
  }
  await world.must('scauth-pam enable --yes');
  t.true(await world.passwordWorks());
  await world.must('dd if=/dev/zero of=/fill bs=64K 2>/dev/null || true');
  await world.run('scauth-pam undo');
  t.true(await world.passwordWorks());
  await world.must('rm -f /fill && scauth-pam undo');
  t.is(await world.pamFiles(), before);
});

test.serial('an installation that runs out of disk, or is killed, is repaired by the next', async (t) => {
  const { world } = t.context;
  const before = await world.pamFiles();
  await world.must('dd if=/dev/zero of=/fill bs=1M 2>/dev/null; truncate -s -40M /fill');
  const full = await world.run(`apt-get install -y ${first}`);
  t.not(full.code, 0);
  t.true(await world.passwordWorks());
  await world.must('rm /fill');
  t.is(withoutStaged(await world.pamFiles()).replace(/^== scauth[^\n]*\n[^=]*(?=^== )/gm, ''), before);
  // Killed as soon as the first file is there, and again before it is configured.
  await world.run(
    `dpkg --unpack ${first} & pid=$!; until [ -e /usr/lib/scauth/app ] || ! kill -0 $pid; do :; done; kill -KILL $pid; wait`,
  );
  t.true(await world.passwordWorks());
  await world.run('rm -f /var/lib/dpkg/lock*; dpkg --configure -a');
  await world.must(`dpkg --unpack ${first}`);
  t.true(await world.passwordWorks());
  await world.must(`apt-get install -y ${first} && scauth-pam enable --yes`);
  t.true(await world.passwordWorks());
  t.regex(await world.must('sc_auth --version'), /^sc_auth \d/);
  // Killed while it is removed.
  await world.run(
    `dpkg --remove scauth & pid=$!; until ! grep -q pam_scauth /etc/pam.d/common-auth; do :; done; kill -KILL $pid; wait`,
  );
  t.true(await world.passwordWorks());
  await world.must('rm -f /var/lib/dpkg/lock*; dpkg --configure -a; dpkg --purge scauth');
  t.is(await world.pamFiles(), before);
});

test.serial('debconf: yes turns card logins on at the installation, and nothing else does', async (t) => {
  const { world } = t.context;
  await world.must(`echo 'scauth scauth/card-logins boolean true' | debconf-set-selections`);
  const said = await install(world);
  t.regex(said, /rehearsed: a password opens/);
  t.regex(await world.must('scauth-pam status'), /are on/);
  t.true(await world.passwordWorks());
});

test.serial('undo works from outside, with nothing but a shell', async (t) => {
  const { world } = t.context;
  const before = await world.pamFiles();
  await install(world);
  await world.must('scauth-pam enable --yes');
  await world.must(
    `mkdir /mnt/system && mount --rbind / /mnt/system && mv /usr/lib/scauth/node /usr/lib/scauth/gone`,
  );
  await world.must('dash /mnt/system/usr/lib/scauth/undo --root /mnt/system');
  await world.must('umount -l /mnt/system');
  t.is((await world.pamFiles()).replace(/^== scauth\n[^=]*(?=^== )/m, ''), before);
  t.true(await world.passwordWorks());
});

test.serial('somebody without root changes nothing', async (t) => {
  const { world } = t.context;
  await install(world);
  const before = await world.pamFiles();
  const { code, output } = await world.run('/usr/sbin/scauth-pam enable --yes', { user: USER });
  t.is(code, 1);
  t.regex(output, /sudo scauth-pam enable/);
  t.is(await world.pamFiles(), before);
});
