// The tarball on a system that has no package of ours: installed, started, used with PAM's line written by hand, and
// taken away again.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { REPOSITORY } from '../kit/sandbox/namespace.ts';
import { makePackages } from './packages.ts';
import { World } from './world.ts';

const test = anyTest as TestFn<{ world: World }>;

test('install.sh puts it there, twice is no harm, uninstall.sh --purge leaves nothing', async (t) => {
  const { tarball } = await makePackages();
  const world = await World.start();
  try {
    const files = world.fileList();
    const pam = await world.pamFiles();
    // S19: nothing is changed on a system that lacks something.
    for (const [needs, why] of [
      ['glibc 9.99', /needs glibc 9\.99 or newer, and this system has 2/],
      [
        'library libnothere.so.1 libnothere1 b c d',
        /libnothere\.so\.1 is missing\. Install it: apt install libnothere1/,
      ],
    ] as const) {
      const refused = await world.run(
        `mkdir /tmp/t; ln -s ${tarball}/tree /tmp/t/tree; cp ${tarball}/*.sh /tmp/t; echo '${needs}' >/tmp/t/needs; sh /tmp/t/install.sh; code=$?; rm -r /tmp/t; exit $code`,
      );
      t.is(refused.code, 1);
      t.regex(refused.output, why);
      t.deepEqual(world.fileList(), files);
    }
    await world.must(`sh ${tarball}/install.sh`);
    await world.must(`sh ${tarball}/install.sh`);
    for (const file of [
      '/etc/logrotate.d/scauth',
      '/etc/polkit-1/rules.d/scauth-pcscd.rules',
      '/usr/local/sbin/scauth-pam',
    ])
      t.regex(world.read(file), /scauth/);
    t.regex(await world.must('scauth-pam status'), /^Card logins are off/);
    t.regex((await world.run('sc_auth doctor')).output, /ok +binaries/);
    // A module for a newer glibc: its table of names, one name of the same length in the place of another.
    await world.must(
      `m=$(ls /usr/lib/*/security/pam_scauth.so); v=$(grep -aoE 'GLIBC_2\\.[0-9]{2}' "$m" | sort -V | tail -n 1); cp -p "$m" /tmp/m; sed -i "s/$v/GLIBC_2.99/g" "$m"`,
    );
    t.regex((await world.run('sc_auth doctor')).output, /BROKEN +binaries .*GLIBC_2\.99' not found/);
    await world.must('cp -p /tmp/m /usr/lib/*/security/pam_scauth.so; rm /tmp/m');
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
       printf 'auth required pam_env.so\nauth sufficient pam_unix.so\nauth required pam_deny.so\naccount required pam_unix.so\n' | tee system-auth >password-auth
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
