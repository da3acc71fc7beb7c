// What may go wrong while the PAM files are changed: a stack edited by hand, a broken profile, a full disk, a rescue
// system. A password opens sudo at every moment, and a second run repairs. Signals and power cuts: cut-off.slow.ts.

import anyTest, { type TestFn } from 'ava';
import { makePackages } from './packages.ts';
import { USER, withoutStaged, World } from './world.ts';

const test = anyTest as TestFn<{ world: World }>;

let light: string;

test.before(async () => {
  ({ light } = await makePackages());
});
test.beforeEach(async (t) => {
  t.context.world = await World.start();
});
test.afterEach.always(async (t) => {
  await t.context.world.stop();
});

const install = (world: World): Promise<string> => world.must(`apt-get install -y ${light}`);

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
      /^auth\t\[success=3 default=ignore\]\tpam_scauth\.so only_secret\nauth \[success=2/m,
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
