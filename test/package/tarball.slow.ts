// The tarball on a system that has no package of ours: installed, started, used with PAM's line written by hand, and
// taken away again.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { REPOSITORY } from '../sandbox/namespace.ts';
import { makePackages } from './packages.ts';
import { World } from './world.ts';

const test = anyTest as TestFn<{ world: World }>;

test('install.sh puts it there, twice is no harm, uninstall.sh --purge leaves nothing', async (t) => {
  const { tarball } = await makePackages();
  const world = await World.start();
  try {
    const files = world.fileList();
    const pam = await world.pamFiles();
    await world.must(`sh ${tarball}/install.sh`);
    await world.must(`sh ${tarball}/install.sh`);
    t.is((await world.pamFiles()).replace(/^== scauth\n[^=]*(?=^== )/m, ''), pam);
    t.regex(await world.must('sc_auth --version'), /^sc_auth \d/);
    await world.must(`sed -i '1a auth sufficient pam_scauth.so' /etc/pam.d/sudo`);
    t.true(await world.passwordWorks());
    await world.must(
      'install -d /run/scauth; /usr/local/sbin/scauthd & until sc_auth list; do sleep 0.1; done; kill $!',
    );
    // As the page for administrators has it, on a system with authselect's profiles.
    const page = readFileSync(join(REPOSITORY, 'install/doc/administrators.md'), 'utf8');
    const command = /^sudo (\/opt\/scauth\/authselect\/make-profile \w+)/m.exec(page)?.[1] ?? '';
    await world.must(
      `mkdir -p /usr/share/authselect/default/sssd; cd /usr/share/authselect/default/sssd
       printf 'auth required pam_env.so\nauth sufficient pam_unix.so\nauth required pam_deny.so\n' | tee system-auth >password-auth
       ${command}`,
    );
    t.regex(
      world.read('/etc/authselect/custom/scauth/system-auth'),
      /env\.so\nauth +sufficient +pam_scauth\.so/,
    );
    await world.must('rm -r /usr/share/authselect /etc/authselect');
    await world.must('/opt/scauth/uninstall.sh --purge');
    t.true(await world.passwordWorks());
    t.is(await world.pamFiles(), pam);
    const own = (list: string[]): string[] =>
      list.filter((file) => !/^\/etc\/(passwd|shadow|group|gshadow|sub[ug]id)-$/.test(file));
    t.deepEqual(
      own(world.fileList()).filter((file) => !files.includes(file)),
      [],
    );
  } finally {
    await world.stop();
  }
});
