// The package is put there, turned on, upgraded or taken away, and something ends it in the middle: a signal at each
// command of its scripts, a power cut at a change of a file, a full disk. Passwords open sudo, su and login at every
// moment, no PAM file is half a file, and a second run repairs. The trials of a test start from the same world (layer.sh);
// from test to test the world goes on: without the package, unpacked, card logins on, card logins off.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { REPOSITORY } from '../kit/sandbox/namespace.ts';
import { makePackages, type Packages } from './packages.ts';
import { World } from './world.ts';

const PRELOADED = 'env LD_PRELOAD=/run/sandbox/app/build/cut.so';
const SCRIPTS = '/var/lib/dpkg/info/scauth';
/** A change of what logins depend on is worth a trial; rmdir and the like that find nothing are none. */
const OURS =
  /^(open|rename|unlink|link) .*(pam\.d\/|pam-configs\/|lib\/pam\/|security\/pam_scauth|sbin\/scauth-pam|dpkg\/status$)/;
/** Of dpkg's changes so many of each kind: it makes thousands. */
const SAMPLE = 8;
/** So many trials at a time. */
const AT_ONCE = 2;

let world: World;
let packages: Packages;

test.before(async () => {
  packages = await makePackages();
  const cut = join(REPOSITORY, 'build/cut.so');
  const source = join(import.meta.dirname, 'cut.c');
  execFileSync('gcc', ['-O2', '-Wall', '-shared', '-fPIC', '-o', cut, source, '-ldl']);
  world = await World.start();
  // How it is without the package, and with card logins on: what every trial is compared with.
  await world.must('mkdir -p /run/sandbox/known');
  await world.trial(`list_files >$known/files; cp -a /etc/pam.d $known/off; ways_in off
    must on dpkg --install ${packages.light}; must on scauth-pam enable --yes; cp -a /etc/pam.d $known/on
    ways_in on; must off scauth-pam disable --yes; pam_is off off`);
});
test.after.always(async () => {
  await world.stop();
});

/** Ends `command` at its first step, its second and so on, until it runs to its end. @returns how many there were */
async function endAtEach(before: string, command: string, after: string): Promise<number> {
  let next = 1;
  let whole = Infinity;
  const trials = async (): Promise<void> => {
    while (next < whole) {
      const at = next++;
      const signal = at % 2 === 0 ? 'KILL' : 'TERM';
      const said = await world.trial(`${before}
        cut_at ${at} ${signal} ${command}
        [ $cut = yes ] || { [ $ended = 0 ] || fail "it ended with $ended"; echo whole; exit 0; }
        ways_in "$at"; whole "$at"
        ${after}`);
      if (said === 'whole\n') whole = Math.min(whole, at);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, trials));
  return whole - 1;
}

/** At most `SAMPLE` of them, from the whole length. */
function sampleOf(steps: readonly number[]): number[] {
  const every = Math.ceil(steps.length / SAMPLE);
  return steps.filter((_, index) => index % every === 0);
}

/** Which of the changes of files that `command` makes are worth a trial. */
async function changesOf(command: string): Promise<number[]> {
  const said = await world.trial(`CUT_AT=0 must all ${PRELOADED} ${command}; sed 's/ *$//' $CUT_STEPS`);
  const changes = said.trimEnd().split('\n');
  const steps = changes.map((_, index) => index + 1);
  const ours = steps.filter((step) => OURS.test(changes[step - 1] ?? ''));
  if (!command.startsWith('dpkg')) return ours;
  const others = steps.filter((step) => !ours.includes(step));
  return [...sampleOf(ours), ...sampleOf(others)];
}

/** Cuts the power at each of them. @returns how many there were */
async function cutAtChanges(command: string, after: string): Promise<number> {
  const changes = await changesOf(command);
  const left = [...changes];
  const trials = async (): Promise<void> => {
    for (let at = left.shift(); at !== undefined; at = left.shift()) {
      await world.trial(`cut_at ${at} KILL ${PRELOADED} ${command}
        [ $cut = yes ] && [ $ended = 137 ] || fail "not cut: $ended, $(count_steps) steps"
        ways_in "$at"; whole "$at"
        ${after}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, trials));
  return changes.length;
}

/** Fills the disk but for so much; the runtime alone takes 100 MiB. */
const fill = (left: string): string =>
  `dd if=/dev/zero of=/fill bs=1M 2>/dev/null; truncate -s -${left} /fill`;

// ---- without the package ----

test.serial('people log in by password all the while', async (t) => {
  const said = await world.trial(
    `(tries=0; until [ -e /tmp/enough ]; do ways_in "try $tries"; tries=$((tries + 1)); done; echo $tries) >/tmp/tries &
     must all dpkg --install ${packages.light}; must all scauth-pam enable --yes --no-rehearsal
     must all dpkg --install ${packages.lightLater}; must all scauth-pam undo
     must all scauth-pam enable --yes --no-rehearsal; must all dpkg --purge scauth
     touch /tmp/enough; wait; grep -qx '[0-9]*' /tmp/tries || fail "$(cat /tmp/tries)"; cat /tmp/tries`,
  );
  t.true(Number(said) > 3, said);
});

test.serial('the power goes while dpkg puts it there', async (t) => {
  const count = await cutAtChanges(
    `dpkg --install ${packages.light}`,
    `dpkg --configure -a >/dev/null 2>&1; must "$at" dpkg --install ${packages.light}; pam_is off "$at"
     must "$at" sc_auth --version; purged "$at"`,
  );
  t.log(`${count} trials`);
  t.true(count > 10, `${count} changes`);
});

test.serial('a full disk at the installation', async (t) => {
  for (const left of ['4K', '40M', '110M']) {
    await world.trial(
      `${fill(left)}; ! dpkg --install ${packages.later} >/tmp/said 2>&1 || fail 'it had room'
       ways_in full; whole full
       rm /fill; dpkg --configure -a >/dev/null 2>&1; must ${left} dpkg --install ${packages.later}
       pam_is off repaired; must ${left} sc_auth --version; purged ${left}`,
      250,
    );
  }
  t.pass();
});

// ---- unpacked ----

test.serial('a signal at each command of postinst and config, which turn card logins on', async (t) => {
  await world.must(
    `echo 'scauth scauth/card-logins boolean true' | debconf-set-selections; dpkg --unpack ${packages.light}`,
  );
  const count = await endAtEach(
    `with_cuts ${SCRIPTS}.postinst ${SCRIPTS}.config
     sed -i 's/enable --yes/& --no-rehearsal/' ${SCRIPTS}.postinst`,
    'dpkg --configure scauth',
    'must "$at" dpkg --configure -a; pam_is on "$at, repaired"',
  );
  t.log(`${count} trials`);
  t.true(count > 20, `${count} commands`);
});

// ---- card logins on ----

test.serial(
  'a signal at each command of prerm and postrm: the module goes when nothing names it',
  async (t) => {
    await world.must('dpkg --configure scauth; scauth-pam status | grep "are on"');
    const count = await endAtEach(
      `with_cuts ${SCRIPTS}.prerm ${SCRIPTS}.postrm`,
      'dpkg --purge scauth',
      'must "$at" dpkg --configure -a; purged "$at"',
    );
    t.log(`${count} trials`);
    t.true(count > 12, `${count} commands`);
  },
);

test.serial('the power goes at an upgrade: card logins stay on', async (t) => {
  const count = await cutAtChanges(
    `dpkg --install ${packages.lightLater}`,
    `pam_is on "$at"
     dpkg --configure -a >/dev/null 2>&1; must "$at" dpkg --install ${packages.lightLater}
     pam_is on "$at, repaired"; must "$at" sc_auth --version`,
  );
  t.log(`${count} trials`);
  t.true(count > 10, `${count} changes`);
});

test.serial('the power goes while it is purged', async (t) => {
  const count = await cutAtChanges('dpkg --purge scauth', 'must "$at" dpkg --configure -a; purged "$at"');
  t.log(`${count} trials`);
  t.true(count > 10, `${count} changes`);
});

test.serial('a full disk at the upgrade and at the removal', async (t) => {
  for (const left of ['4K', '40M']) {
    await world.trial(
      `${fill(left)}; ! dpkg --install ${packages.later} >/tmp/said 2>&1 || fail 'it had room'
       ways_in full; whole full
       rm /fill; dpkg --configure -a >/dev/null 2>&1; must ${left} dpkg --install ${packages.later}
       pam_is on repaired; must ${left} sc_auth --version; purged ${left}`,
      250,
    );
  }
  for (const left of ['0', '4K', '64K']) {
    await world.trial(
      `${fill(left)}; dpkg --purge scauth >/tmp/said 2>&1
       ways_in full; whole full
       rm -f /fill; must ${left} dpkg --configure -a; purged ${left}`,
      100,
    );
  }
  t.pass();
});

const AGAIN = (command: string, to: string): string =>
  `must "$at" scauth-pam ${command}; pam_is ${to} "$at, repaired"
   must "$at" scauth-pam undo; pam_is off "$at, undone"`;

test.serial('the power goes at each change of scauth-pam disable, and of undo', async (t) => {
  for (const command of ['disable --yes --no-rehearsal', 'undo']) {
    const count = await cutAtChanges(`scauth-pam ${command}`, AGAIN(command, 'off'));
    t.log(`${count} trials`);
    t.true(count > 10, `${command}: ${count} changes`);
  }
});

// ---- card logins off ----

test.serial('the power goes at each change of scauth-pam enable', async (t) => {
  await world.must('scauth-pam disable --yes --no-rehearsal');
  const command = 'enable --yes --no-rehearsal';
  const count = await cutAtChanges(`scauth-pam ${command}`, AGAIN(command, 'on'));
  t.log(`${count} trials`);
  t.true(count > 10, `${count} changes`);
});
