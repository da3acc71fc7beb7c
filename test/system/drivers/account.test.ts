// As whom drivers run that talk to pcscd by themselves: an account that pcscd's polkit knows by name. That the real pcscd
// and polkitd of Debian 13 let it in, and nobody else, is shown by test/package/debian-13.slow.ts.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { numberedUser, systemAccount } from '../../../agent/token/plugin/confine.ts';
import { findDrivers, type InstalledDriver } from '../../../agent/token/plugin/manifest.ts';
import { PKCS11_ACCOUNT } from '../../../agent/daemon/drivers.ts';
import { rootTest, temporaryFolder } from '../../unit/base/folders.ts';
import { REPOSITORY } from '../../kit/sandbox/namespace.ts';
import { manifest } from './install-driver.ts';

const systemd = (file: string): string => readFileSync(join(REPOSITORY, 'install/systemd', file), 'utf8');

test('S14: the account that is made is the one that polkit lets in, and the one that modules run as', (t) => {
  t.is(/^u (\S+) /m.exec(systemd('scauth.sysusers'))?.[1], PKCS11_ACCOUNT);
  const rule = systemd('scauth-pcscd.rules');
  t.deepEqual(
    [...rule.matchAll(/subject\.\w+ === '([^']+)'/g)].map(([, name]) => name),
    [PKCS11_ACCOUNT],
  );
});

test('S14: an account for a driver is one of the system, not root, not a person', (t) => {
  const passwd = join(temporaryFolder(t), 'passwd');
  const lines = ['root:x:0:0', 'card:x:995:994', 'wheel:x:990:0', 'ada:x:1000:1000', 'odd:x:x:1', 'short:x'];
  writeFileSync(passwd, `${lines.map((line) => `${line}::/:/bin/sh`).join('\n')}\n`);
  t.deepEqual(systemAccount('card', passwd), { uid: 995, gid: 994 });
  for (const name of ['root', 'wheel', 'ada', 'odd', 'short', 'nobody-has-it', ''])
    t.is(systemAccount(name, passwd), null, name);
});

function install(
  t: ExecutionContext,
  changes: Readonly<Record<string, unknown>>,
): InstalledDriver | undefined {
  const folder = join(temporaryFolder(t), 'drivers');
  mkdirSync(join(folder, 'one'), { recursive: true, mode: 0o755 });
  writeFileSync(join(folder, 'one/manifest.json'), manifest(changes));
  writeFileSync(join(folder, 'one/driver.py'), '#!/bin/sh\n');
  chmodSync(join(folder, 'one/driver.py'), 0o755);
  return findDrivers([], [folder])[0];
}

rootTest('S14: a token driver runs as the account of its manifest, which must be there', (t) => {
  // Debian has this one on each machine.
  const mail = install(t, { kind: 'token', account: 'mail' });
  t.deepEqual(mail?.running?.user, systemAccount('mail'));
  t.is(mail?.info.uid, 8);
  const plain = install(t, { kind: 'token' });
  t.deepEqual(plain?.running?.user, numberedUser(plain?.info.id ?? ''));
  for (const [changes, why] of [
    [{ kind: 'token', account: 'nobody-has-it' }, /no system account/],
    [{ kind: 'token', account: 'root' }, /no system account/],
    [{ kind: 'card', account: 'mail' }, /is for the kind "token"/],
    [{ kind: 'token', account: '8' }, /account must be the name/],
  ] as const) {
    const refused = install(t, changes);
    t.is(refused?.running, null);
    t.regex(refused?.info.problems.join() ?? '', why);
  }
});
