// sc_auth explain on PAM files of sudo in which a card does not open, and on unusual ones in which it does. Two of the former
// are in explain.test.ts too.
import { rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import type { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { OURS, pamFiles, UNIX } from '../../kit/person/broken-pam-files.ts';
import * as person from '../../kit/person/person.ts';
import { expectBroken, explain, paired, PATIENCE_MS } from './explained.ts';

let shared: Sandbox;
let sudoFile: string;

test.before(async () => {
  shared = await paired({ config: '' });
  sudoFile = shared.path('/etc/pam.d/sudo');
  writeFileSync(shared.path('/etc/pam.d/card'), `${OURS}\n`);
  writeFileSync(shared.path('/etc/pam.d/asks-first'), `# first\nauth required pam_unix.so\n`);
});
test.after.always(() => shared.stop());

function writeSudo(text: string): void {
  writeFileSync(sudoFile, `${text}\naccount required pam_unix.so\nsession required pam_unix.so\n`);
}

for (const [title, text, detail] of pamFiles)
  test.serial(`broken: ${title}`, async (t) => {
    t.timeout(PATIENCE_MS);
    if (text === null) rmSync(sudoFile);
    else writeSudo(text);
    await expectBroken(t, shared, 'PAM', detail);
  });

test.serial('PAM files that are unusual and good: nothing is in the way, and the card opens', async (t) => {
  t.timeout(PATIENCE_MS);
  for (const text of [
    `auth [success=1 default=ignore] pam_scauth.so\nauth requisite pam_deny.so\nauth required pam_permit.so`,
    `-auth \\\n  sufficient \\\n  pam_scauth.so # the card\n${UNIX}`,
    `AUTH\t[success=done new_authtok_reqd=done default=ignore]\tpam_scauth.so debug\n${UNIX}`,
  ]) {
    writeSudo(text);
    t.is((await explain(shared)).broken, null, text);
    await person.expectCardLogin(shared);
  }
});
