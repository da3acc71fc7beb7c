// An account that pam_faillock keeps out: a right PIN opens nothing then, no program says why, and explain does, to the person
// themselves, with a command that ends it.
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { OURS, UNIX } from '../../kit/person/broken-pam-files.ts';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const FAILLOCK = 'pam_faillock.so deny=2 dir=/run/faillock';
/** As pam_faillock(8) shows it, with our line in front of the password. */
const PREAUTH = `auth required ${FAILLOCK} preauth`;
const BEHIND = `${UNIX.replace('required', '[success=1 default=bad]')}
auth [default=die] ${FAILLOCK} authfail
auth sufficient ${FAILLOCK} authsucc
auth required pam_deny.so
account required pam_unix.so
session required pam_unix.so
`;

test('a locked account is named by explain, with what ends it', async (t) => {
  const sandbox = await Sandbox.start();
  t.teardown(() => sandbox.stop());
  await person.pairCard(sandbox);
  const stack = (...first: readonly string[]): void => {
    writeFileSync(sandbox.path('/etc/pam.d/sudo'), `${first.join('\n')}\n${BEHIND}`);
  };
  stack(PREAUTH, OURS);
  await person.expectCardLogin(sandbox);
  const explain = () => sandbox.exec(['sc_auth', 'explain'], { user: sandbox.user });
  t.is((await explain()).code, 0);

  const pty = person.startSudo(sandbox);
  for (let n = 0; n < 2; n++) {
    await pty.expect(person.PIN_PROMPT);
    pty.send('\n');
    await pty.expect(person.PASSWORD_PROMPT);
    pty.send('wrong\n');
  }
  await person.interrupt(pty);
  const refused = person.startSudo(sandbox);
  await refused.expect(person.PIN_PROMPT);
  refused.send(`${sandbox.pin}\n`);
  await refused.expect(person.PASSWORD_PROMPT);
  refused.send(`${sandbox.password}\n`);
  t.notRegex((await person.interrupt(refused)).screen, person.ROOT);

  const { code, stdout } = await explain();
  t.is(code, 1);
  t.regex(
    stdout,
    /BROKEN {2}PAM +pam_faillock\.so \(\/etc\/pam\.d\/sudo, line 1\) keeps ada out after 2 failed logins/,
  );
  t.regex(stdout, /What to do: Wait (\d|10) minutes, or ask your administrator: /);
  // As administrators.md says: in front of the lock the card opens all the same.
  stack(OURS, PREAUTH);
  t.is((await explain()).code, 0);
  await person.expectCardLogin(sandbox);
  stack(PREAUTH, OURS);

  const [, reset = ''] = /: sudo (faillock .*--reset)$/m.exec(stdout) ?? [];
  t.is((await sandbox.exec(['sh', '-c', reset])).code, 0, reset);
  t.is((await explain()).code, 0);
  await person.expectCardLogin(sandbox);
});
