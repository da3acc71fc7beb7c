// The login keyring by an RSA-2048 card, in one stack with the modules of both desktops: gnome-keyring-daemon reads a
// stored item, and the real pam_kwallet5.so gets the same password. kwalletd is played: it keeps what it is handed.

import { pbkdf2Sync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { buildPam } from '../../unit/pam/build.ts';
import { SHARE } from '../../kit/sandbox/etc.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import {
  greet,
  makeRuntimeFolder,
  READ_ITEM,
  sessionOf,
  storeItem,
  unpackedModule,
} from '../../kit/person/greeter.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT } from '../../kit/person/person.ts';

const STORED = 'kept by RSA';
/** kwallet-pam, pam_kwallet.c: KWALLET_PAM_ITERATIONS, KWALLET_PAM_KEYSIZE. */
const KWALLET_ITERATIONS = 50_000;
const KWALLET_KEY_BYTES = 56;

let sandbox: Sandbox;

test.before(async () => {
  buildPam();
  sandbox = await Sandbox.start({ card: 'rsa2048' });
  const gnome = unpackedModule('libpam-gnome-keyring', 'pam_gnome_keyring.so');
  const kde = unpackedModule('libpam-kwallet5', 'pam_kwallet5.so');
  const kwalletd = `${SHARE}/kwalletd`;
  // kwalletd5 --pam-login PIPE SOCKET: the key comes by the pipe.
  const script = `#!/bin/bash
head -c ${KWALLET_KEY_BYTES} <&"$2" >"$HOME/kwallet-key.new"
mv "$HOME/kwallet-key.new" "$HOME/kwallet-key"
`;
  writeFileSync(sandbox.path(kwalletd), script, { mode: 0o755 });
  writeFileSync(
    sandbox.path('/etc/pam.d/lightdm'),
    `auth      [success=1 default=ignore]  pam_scauth.so
auth      required    pam_unix.so try_first_pass nodelay
auth      optional    ${gnome}
auth      optional    ${kde} kwalletd=${kwalletd}
account   required    pam_unix.so
session   required    pam_unix.so
session   optional    ${gnome} auto_start
session   optional    ${kde} force_run kwalletd=${kwalletd}
`,
  );
  await makeRuntimeFolder(sandbox);
});
test.after.always(() => sandbox.stop());

function homeFile(name: string): Buffer {
  return readFileSync(sandbox.path(`${SHARE}/home/${sandbox.user}/${name}`));
}

test.serial(
  'sealed by RSA at pairing, released by the login: GNOME’s keyring and KDE’s wallet get the password',
  async (t) => {
    // The keyring is made at the first login by password, as ever.
    await person.pullCard(sandbox);
    const made = await greet(sandbox, sessionOf(storeItem(STORED)), [sandbox.password], sandbox.user);
    t.is(made.code, 0, made.stdout + made.stderr);
    await person.insertCard(sandbox);
    const pty = sandbox.pty(['sc_auth', 'pair'], { user: sandbox.user });
    const paired = await person.answer(pty, [
      [/Enter = \w+[^\n]*: $/, '1'],
      [PASSWORD_PROMPT, sandbox.password],
      [PIN_PROMPT, sandbox.pin],
      // C3: pam_kwallet5 would ask for the password.
      [/Press Enter for yes, or type no: $/, ''],
    ]);
    t.is(paired.code, 0, paired.screen);
    await sandbox.exec(['rm', '-f', `${SHARE}/home/${sandbox.user}/kwallet-key`]);
    await sandbox.card.clearLog();

    const wallet = 'until [ -e ~/kwallet-key ]; do :; done; echo "wallet=$PAM_KWALLET5_LOGIN"';
    const { stdout, stderr, code } = await person.untilReleased(sandbox, () =>
      greet(sandbox, sessionOf(`${wallet}; ${READ_ITEM}`), [sandbox.pin]),
    );
    t.is(code, 0, stdout + stderr + sandbox.agentLog());
    t.true(stdout.includes(`item=${STORED}`), stdout);
    // The daemon that PAM starts is found by this.
    t.regex(stdout, /wallet=\/[^\n]*kwallet5/);
    const salt = homeFile('.local/share/kwalletd/kdewallet.salt');
    const ofPassword = pbkdf2Sync(sandbox.password, salt, KWALLET_ITERATIONS, KWALLET_KEY_BYTES, 'sha512');
    t.deepEqual(homeFile('kwallet-key'), ofPassword);
    // One signature, and the decipherment with 9D.
    const names = await person.apduNames(sandbox);
    t.true(names.filter((name) => name === 'GENERAL AUTHENTICATE').length >= 2);
    t.false(await sandbox.card.isVerified());
  },
);
