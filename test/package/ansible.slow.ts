// The Ansible role of install/ansible with Debian's own ansible-core, as the package ships it, on a booted Debian 13: from
// nothing to a machine that logs in by card; the second run changes nothing.

import { writeFileSync } from 'node:fs';
import test from 'ava';
import { makePackages, type Packages } from './packages.ts';
import { USER, World, type Ended } from './world.ts';

/** Where the package ships the role; before it is installed the test has it from there by hand, as an administrator. */
const ROLES = '/usr/share/doc/scauth/ansible/roles';
const PLAYBOOK = '/root/play.yml';
const HASH = 'AB'.repeat(20);
const SETTINGS_FILE = '/etc/scauth/scauth.d/60-ansible.toml';

let world: World;
let packages: Packages;

test.before(async () => {
  packages = await makePackages();
  world = await World.start('trixie');
  await world.must(
    `mkdir /root/pkg && dpkg-deb --extract ${packages.light} /root/pkg && cp -r /root/pkg${ROLES} /root/roles`,
  );
  await world.must('groupadd cardholders');
});
test.after.always(async () => {
  await world.stop();
});

interface Recap {
  readonly changed: number;
  readonly failed: number;
  readonly ended: Ended;
}

/** Runs the role on the machine itself. @param vars of the role, beside the package */
async function play(vars: Readonly<Record<string, unknown>>, ...options: string[]): Promise<Recap> {
  const role = { role: 'scauth', vars: { scauth_deb: packages.light, ...vars } };
  writeFileSync(
    world.path(PLAYBOOK),
    JSON.stringify([{ hosts: 'localhost', connection: 'local', roles: [role] }]),
  );
  const ended = await world.run(`cd /root && ansible-playbook ${PLAYBOOK} ${options.join(' ')}`);
  const [, changed = 'NaN', failed = 'NaN'] = /changed=(\d+).*failed=(\d+)/.exec(ended.output) ?? [];
  return { changed: Number(changed), failed: Number(failed), ended };
}

const vars = {
  scauth_pairings: '/root/cards.csv',
  scauth_enforcement_plan: true,
  scauth_settings: {
    pairing: { users_may_pair: false },
    login: { services: ['sudo', 'login'] },
    enforcement: { required_groups: ['cardholders'], confirm_minutes: 5 },
  },
};
const pair = (list: string): void => {
  writeFileSync(world.path('/root/cards.csv'), list);
};

test.serial('from nothing: package, settings, PAM files and pairings', async (t) => {
  pair(`user,hash\n${USER},${HASH}\n`);
  const { failed, ended } = await play(vars);
  t.is(ended.code, 0, ended.output);
  t.is(failed, 0);
  t.regex(await world.must('scauth-pam status'), /^Card logins are on/);
  t.true((await world.must(`sc_auth list -u ${USER}`)).includes(HASH));
  t.regex(
    world.read(SETTINGS_FILE),
    /^\[enforcement\]\nconfirm_minutes = 5\nrequired_groups = \["cardholders"\]$/m,
  );
  t.regex(ended.output, /Nobody would be shut out|gets in/);
  // In force, and not only in the file.
  const denied = await world.run(`sc_auth pair -h ${HASH}`, { user: USER });
  t.is(denied.code, 3, denied.output);
  t.true(await world.passwordWorks());
});

test.serial('the second run changes nothing, and neither does a check', async (t) => {
  for (const options of [[], ['--check', '--diff']]) {
    const { changed, ended } = await play(vars, ...options);
    t.is(ended.code, 0, ended.output);
    t.is(changed, 0, ended.output);
  }
});

test.serial('a setting and a card more are two changes; a check names them and makes none', async (t) => {
  pair(`user,hash\n${USER},${HASH}\nroot,${'CD'.repeat(20)}\n`);
  const more = { ...vars, scauth_settings: { ...vars.scauth_settings, session: { removal: 'lock' } } };
  const pid = await world.must('systemctl show --property MainPID --value scauthd');
  t.is((await play(more, '--check')).changed, 3, 'with the reload');
  t.notRegex(world.read(SETTINGS_FILE), /removal/);
  t.is((await world.must('sc_auth list')).includes('CD'), false);
  const { changed, ended } = await play(more);
  t.is(ended.code, 0, ended.output);
  t.is(changed, 3);
  t.is(await world.must('systemctl show --property MainPID --value scauthd'), pid, 'reloaded, not restarted');
  t.is((await play(more)).changed, 0);
});

test.serial(
  'bad settings never get into the folder; a bad row is named, and the others are done',
  async (t) => {
    const before = world.read(SETTINGS_FILE);
    const bad = await play({ ...vars, scauth_settings: { login: { no_such_key: 1 } } });
    t.is(bad.failed, 1);
    t.regex(bad.ended.output, /no_such_key/);
    t.is(world.read(SETTINGS_FILE), before);
    pair(`user,hash\nnobody-here,${'EF'.repeat(20)}\n${USER},${'01'.repeat(20)}\n`);
    const rows = await play(vars);
    t.is(rows.failed, 1);
    t.regex(rows.ended.output, /unknown-user/);
    t.true((await world.must(`sc_auth list -u ${USER}`)).includes('01'.repeat(20)));
  },
);
