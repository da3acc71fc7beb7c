// The package's life on Debian 13, booted: its own systemd runs scauthd, pcscd 2 and polkitd by their units, with all that
// those take away. So polkit is asked, about the processes that are really there, and its answer counts.

import { renameSync } from 'node:fs';
import test from 'ava';
import { beginLife, end, install, page, pair, sudoByCard, unpair, use } from './life.ts';
import { USER } from './world.ts';

const RULE = '/usr/share/polkit-1/rules.d/scauth-pcscd.rules';
const ACCOUNT = 'scauth-driver';
const PROBE = '/usr/lib/scauth/node /usr/lib/scauth/app/agent/cli/doctor/reach-pcscd.js';
/** As drivers have it that do not talk to pcscd. */
const NUMBERED = 1_885_000_000;

const world = beginLife('trixie');

function probeAs(user: string | number): string {
  return `setpriv --reuid=${user} --regid=nogroup --clear-groups ${PROBE}`;
}

/** What pcscd says to a process of this user. */
function reach(user: string | number): Promise<string> {
  return world().must(probeAs(user));
}

/** polkitd reads its rules anew when a file changes. */
async function untilReach(answer: string): Promise<void> {
  await world().must(`until [ "$(${probeAs(ACCOUNT)})" = ${answer} ]; do sleep 0.1; done`);
}

async function doctor(): Promise<string> {
  return (await world().run('sc_auth doctor')).output;
}

install();
page();
use();

test.serial('S14: pcscd and polkitd are the real ones, by their units', async (t) => {
  t.regex(await world().must('pcscd --version'), /version 2\./);
  for (const unit of ['pcscd', 'polkit', 'scauthd'])
    t.is(await world().must(`systemctl is-active ${unit}`), 'active\n', unit);
  const pid = (await world().must('systemctl show --property MainPID --value pcscd')).trim();
  t.notRegex(world().read(`/proc/${pid}/cmdline`), /disable-polkit/);
  // U: the settings are read again, by the same process.
  const scauthd = 'systemctl show --property MainPID --value scauthd';
  const before = await world().must(scauthd);
  await world().must('systemctl reload scauthd && systemctl is-active scauthd');
  t.is(await world().must(scauthd), before);
});

test.serial(
  'scauth-fleet runs by its unit with what that leaves it, and writes where scauthd reads',
  async (t) => {
    const settings = '/etc/scauth/scauth.d/fleet.toml';
    await world().must("mkdir /srv/scauth && echo 'scauth-book 1 head 1 signed' >/srv/scauth/book");
    await world().must(`printf '[fleet]\\nurl = ["file:///srv/scauth/book"]\\npoll = 3600\\n' >${settings}`);
    t.not((await world().run('systemctl is-enabled scauth-fleet')).code, 0, 'the package does not enable it');
    await world().must('systemctl start scauth-fleet');
    await world().must('until cmp /srv/scauth/book /var/lib/scauth-fleet/book; do sleep 0.2; done');
    const pid = (await world().must('systemctl show --property MainPID --value scauth-fleet')).trim();
    t.is((await world().must(`ps -o user= -p ${pid}`)).trim(), 'scauth-fleet');
    t.regex(world().read(`/proc/${pid}/status`), /^CapEff:\t0+$/m);
    t.is(
      await world().must(`nsenter --target ${pid} --mount ls -A /var/lib/scauth`),
      '',
      'it is not there for it',
    );
    await world().must("echo 'scauth-book 1 head 2 signed' >/srv/scauth/book");
    // The next poll is an hour away.
    await world().must('systemctl reload scauth-fleet');
    await world().must('until cmp /srv/scauth/book /var/lib/scauth-fleet/book; do sleep 0.2; done');
    t.is((await world().must('systemctl show --property MainPID --value scauth-fleet')).trim(), pid);
    // In its first moments the signal ends it, which systemd takes for a clean end.
    await world().must("echo 'scauth-book 1 head 3 signed' >/srv/scauth/book");
    await world().must('systemctl restart scauth-fleet && systemctl reload scauth-fleet');
    await world().must('until cmp /srv/scauth/book /var/lib/scauth-fleet/book; do sleep 0.2; done');
    t.is(await world().must('systemctl is-active scauth-fleet'), 'active\n');
    await world().must(`systemctl stop scauth-fleet && rm -r /srv/scauth ${settings}`);
  },
);

test.serial('S14: a card works through OpenSC’s module, whose process polkit lets in', async (t) => {
  const settings = '/etc/scauth/scauth.d/opensc.toml';
  await world().must(`printf '[tokens]\ndisabled = ["org.scauth.piv"]\n' >${settings}`);
  await world().must('systemctl restart scauthd');
  await unpair();
  await pair(t);
  await sudoByCard(t);
  t.regex(await world().must(`pgrep --uid ${ACCOUNT}`), /^\d+/, 'the module runs as its account');
  t.regex(await doctor(), /^ok +drivers and pcscd +pcscd lets org\.scauth\.pkcs11 in/m);
  await world().must(`rm ${settings}; systemctl restart scauthd`);
  await unpair();
  await pair(t);
});

test.serial('S14: the rule lets in the account of PKCS#11 modules, and nobody else', async (t) => {
  t.is(await reach(ACCOUNT), 'reached');
  for (const user of [USER, 'nobody', 'daemon', NUMBERED]) t.is(await reach(user), 'refused', String(user));
});

test.serial(
  'S14: without the rule doctor says that modules see no reader, and with it that they do',
  async (t) => {
    const [here, away] = [world().path(RULE), world().path(`${RULE}.away`)];
    renameSync(here, away);
    await untilReach('refused');
    t.regex(
      await doctor(),
      /^BROKEN +drivers and pcscd +org\.scauth\.pkcs11 \(uid \d+\) sees no reader[^]*reinstall/m,
    );
    renameSync(away, here);
    await untilReach('reached');
    t.regex(await doctor(), /^ok +drivers and pcscd /m);
  },
);

end();
