// The package is put there, upgraded or taken away, and something ends it in the middle: a signal at each command of its
// scripts and in the middle of unpacking, a full disk; or there is no pcscd. A password opens sudo at every moment, and a
// second run repairs.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { REPOSITORY } from '../sandbox/namespace.ts';
import { makePackages, type Packages } from './packages.ts';
import { PASSWORD, PIN, USER, withoutStaged, World } from './world.ts';

const test = anyTest as TestFn<{ world: World }>;
/** As after a kill: dpkg left its lock and a database to be put right. */
const REPAIR = 'rm -f /var/lib/dpkg/lock*; dpkg --configure -a';
/** The debconf answer with which the installation itself changes the PAM files. */
const YES = `echo 'scauth scauth/card-logins boolean true' | debconf-set-selections`;

let packages: Packages;

test.before(async () => {
  packages = await makePackages();
});
test.beforeEach(async (t) => {
  t.context.world = await World.start();
});
test.afterEach.always(async (t) => {
  await t.context.world.stop();
});

/** PAM files but for the package's own service file, which changes nobody's login. */
async function othersFiles(world: World): Promise<string> {
  return withoutStaged(await world.pamFiles()).replace(/^== scauth[^\n]*\n[^=]*(?=^== )/gm, '');
}

/** Each place at which a maintainer script can be ended: before a command at the left margin or in one block. */
function* endings(name: string): Generator<{ at: string; text: string }> {
  const lines = readFileSync(join(REPOSITORY, 'install/package/debian', name), 'utf8').split('\n');
  for (const [index, line] of lines.entries()) {
    const before = lines[index - 1] ?? '';
    if (!/^ {0,2}[a-z$]\w*/.test(line) || /^ *(fi|else|elif|then|done|esac|set)\b/.test(line)) continue;
    // confmodule starts the script anew; only what comes after it runs once.
    if (before.endsWith('\\') || before.endsWith('||') || /confmodule/.test(line)) continue;
    yield {
      at: `${name}:${index + 1}: ${line.trim()}`,
      text: lines.toSpliced(index, 0, `kill -${index % 2 === 0 ? 'KILL' : 'TERM'} $$`).join('\n'),
    };
  }
}

/** Puts a script that ends itself into dpkg's database; the real one is put back by `mend`. */
function endThere(world: World, name: string, text: string): { mend: () => void } {
  const path = world.path(`/var/lib/dpkg/info/scauth.${name}`);
  const real = readFileSync(path);
  writeFileSync(path, text);
  return {
    mend: () => {
      writeFileSync(path, real);
    },
  };
}

test.serial('a signal at each command of postinst, which turns card logins on', async (t) => {
  const { world } = t.context;
  await world.must(YES);
  await world.must(`dpkg --unpack ${packages.later}`);
  let count = 0;
  for (const { at, text } of endings('postinst')) {
    const script = endThere(world, 'postinst', text);
    const cut = await world.run('dpkg --configure scauth');
    script.mend();
    // A branch that is not taken here has no end.
    if (cut.code !== 0) {
      count++;
      t.true(await world.passwordWorks(), `ended at ${at}\n${cut.output}`);
      await world.must(REPAIR);
    }
    t.true(await world.passwordWorks(), `repaired after ${at}`);
    t.regex(await world.must('scauth-pam status'), /are on/, at);
    // As after unpacking.
    await world.must(
      `scauth-pam disable --yes --no-rehearsal; perl -0pi -e 's/(Package: scauth\\nStatus: install ok )installed/$1unpacked/' /var/lib/dpkg/status`,
    );
  }
  t.true(count > 10, `${count} places`);
  t.false(await world.wrongPasswordWorks());
});

test.serial(
  'a signal at each command of prerm and postrm: the module goes only when nothing names it',
  async (t) => {
    const { world } = t.context;
    const before = await world.pamFiles();
    let count = 0;
    for (const name of ['prerm', 'postrm']) {
      for (const { at, text } of endings(name)) {
        count++;
        await world.must(`dpkg --install ${packages.later}; scauth-pam enable --yes --no-rehearsal`);
        const script = endThere(world, name, text);
        const cut = await world.run(`dpkg --${name === 'prerm' ? 'remove' : 'purge'} scauth`);
        t.true(await world.passwordWorks(), `ended at ${at}\n${cut.output}`);
        const { output } = await world.run(
          'ls /usr/lib/*/security/pam_scauth.so; grep -l pam_scauth.so /etc/pam.d/common-*',
        );
        t.false(/common-/.test(output) && /No such file/.test(output), `${at}\n${output}`);
        if (/postrm/.test((await world.run('ls /var/lib/dpkg/info/scauth.*')).output) && cut.code !== 0)
          script.mend();
        await world.must(`rm -f /var/lib/dpkg/lock*; dpkg --purge scauth`);
        t.is(await world.pamFiles(), before, `purged after ${at}`);
      }
    }
    t.true(count > 8, `${count} places`);
  },
);

test.serial('dpkg itself killed in the middle of unpacking, at several files', async (t) => {
  const { world } = t.context;
  const before = await world.pamFiles();
  for (const file of [
    '/etc/pam.d/scauth.dpkg-new',
    '/usr/lib/scauth/node.dpkg-new',
    '/usr/lib/x86_64-linux-gnu/security/pam_scauth.so.dpkg-new',
    '/usr/lib/scauth/app',
  ]) {
    for (const debian of [packages.first, packages.later]) {
      await world.run(
        `dpkg --unpack ${debian} & pid=$!; until [ -e ${file} ] || ! kill -0 $pid 2>/dev/null; do :; done; kill -KILL $pid; wait`,
      );
      t.true(await world.passwordWorks(), `${debian}, at ${file}`);
      t.is(await othersFiles(world), before);
    }
    await world.run(REPAIR);
    await world.must(`apt-get install -y ${packages.later}`);
    t.regex(await world.must('sc_auth --version'), /^sc_auth \d/);
    await world.must('dpkg --purge scauth');
  }
});

test.serial('a full disk at the installation, at the upgrade and at the removal', async (t) => {
  const { world } = t.context;
  const before = await world.pamFiles();
  const fill = (leave: string): Promise<string> =>
    world.must(`dd if=/dev/zero of=/fill bs=1M 2>/dev/null; truncate -s -${leave} /fill`);
  await world.must(YES);
  for (const leave of ['4K', '40M', '100M', '118M']) {
    await fill(leave);
    const full = await world.run(`apt-get install -y ${packages.first}`);
    t.true(await world.passwordWorks(), `installing, ${leave} left: ${full.output}`);
    await world.must('rm /fill');
    if (full.code === 0) await world.must('apt-get purge -y scauth');
    await world.run(REPAIR);
    if (full.code !== 0) await world.run('dpkg --purge scauth');
    t.is(await world.pamFiles(), before, leave);
  }
  await world.must(`apt-get install -y ${packages.first}`);
  t.regex(await world.must('scauth-pam status'), /are on/);
  await fill('40M');
  const upgrade = await world.run(`apt-get install -y ${packages.later}`);
  t.not(upgrade.code, 0);
  t.true(await world.passwordWorks(), upgrade.output);
  await world.must(`rm /fill; ${REPAIR}; apt-get install -y ${packages.later}`);
  t.true(await world.passwordWorks());
  t.regex(await world.must('dpkg-query -W scauth'), /\+later/);
  await fill('4K');
  const removal = await world.run('dpkg --purge scauth');
  t.true(await world.passwordWorks(), removal.output);
  await world.must(`rm -f /fill; ${REPAIR}`);
  await world.run('dpkg --purge scauth');
  t.is(await world.pamFiles(), before);
});

test.serial('no pcscd: all goes well but the card, and the card too as soon as there is one', async (t) => {
  const { world } = t.context;
  await world.must('mv /usr/sbin/pcscd /usr/sbin/pcscd-gone');
  await world.must(`${YES}; apt-get install -y ${packages.first}`);
  t.regex(await world.must('scauth-pam status'), /are on/);
  t.true(await world.passwordWorks(), 'without scauthd');
  await world.startScauthd();
  t.true(await world.passwordWorks(), 'with scauthd');
  t.regex((await world.run('sc_auth list-smartcards')).output, /pcscd/);
  await world.must('mv /usr/sbin/pcscd-gone /usr/sbin/pcscd');
  await world.startReader();
  await world.must('until sc_auth identities | grep -q Unpaired; do sleep 0.1; done', { user: USER });
  const hash = /^([0-9A-F]{40})\t/m.exec(await world.must('sc_auth identities'))?.[1] ?? '';
  await world.must(`sc_auth pair -u ${USER} -h ${hash}`);
  const sudo = world.pty(['sudo', 'id', '-u'], USER);
  await sudo.expect(/Enter PIN for '[^\n]*': $/);
  sudo.send(`${PIN}\n`);
  t.is((await sudo.exit).code, 0, sudo.screen);
  t.false(sudo.screen.includes(PASSWORD));
});
