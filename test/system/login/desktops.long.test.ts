// Display managers by Debian's own PAM files, with our profile put in by the real scauth-pam: whose question comes first, what a
// program that hides prompts is told, where a PIN goes that nobody asked for, and the way on to the password. The client is
// test/unit/pam/greeter.c; the programs with a screen are in test/package/desktops.slow.ts.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { buildPam } from '../../unit/pam/build.ts';
import { SHARE } from '../../kit/sandbox/etc.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { greet, makeRuntimeFolder, sessionOf } from '../../kit/person/greeter.ts';
import { putDebianFiles, registerGdm, scauthPam } from '../../kit/person/debian-pam.ts';
import * as person from '../../kit/person/person.ts';
import { PIN_PROMPT, ROOT } from '../../kit/person/person.ts';

/** PAM's styles, as the client prints them. */
const ASK = 'ask=1';
const ASK_NAME = 'ask=2';
const INFORMATION = 'told=4';
const ERROR = 'told=3';
const PIN_QUESTION = /^ask=1:PIN of 'Ada Lovelace' \(Enter: password\): $/;
const PIN_TOLD = `${INFORMATION}:PIN of 'Ada Lovelace' (Enter: password).`;

let sandbox: Sandbox;

test.before(async () => {
  buildPam();
  sandbox = await Sandbox.start();
  await person.pairCard(sandbox);
  await putDebianFiles(sandbox, ['gdm3', 'lightdm', 'sddm', 'libpam-kwallet5', 'libpam-gnome-keyring']);
  await registerGdm(sandbox);
  await makeRuntimeFolder(sandbox);
});
test.after.always(() => sandbox.stop());
test.beforeEach(() => person.freshCard(sandbox));

const file = (name: string): string => sandbox.path(`/etc/pam.d/${name}`);
const read = (name: string): string => readFileSync(file(name), 'utf8');

/** By the link of update-alternatives, which leads elsewhere from outside. */
const gnomeCard = async (): Promise<string> =>
  (await sandbox.exec(['cat', '/etc/pam.d/gdm-smartcard'])).stdout;

interface Seen {
  /** What was asked and told, in order. */
  readonly talk: readonly string[];
  readonly output: string;
  readonly user: string | null;
}

/** Authenticates and comes through the account phase, as far as that goes. */
async function at(
  service: string,
  answers: readonly string[],
  user: string | null = null,
  env: Readonly<Record<string, string>> = {},
): Promise<Seen> {
  const { stdout, stderr } = await greet(sandbox, ['true'], answers, user, service, env);
  const lines = stdout.split('\n');
  return {
    talk: lines.filter((line) => /^(ask|told)=/.test(line)),
    output: stdout + stderr + sandbox.agentLog(),
    user: /^account=0$/m.test(stdout) ? (/^user=(.*)$/m.exec(stdout)?.[1] ?? null) : null,
  };
}

const asked = ({ talk }: Seen): string[] => talk.filter((line) => line.startsWith('ask='));

test.serial('C1: before, GNOME with a card in lets nobody in; enable makes gdm-smartcard ours', async (t) => {
  t.is((await at('gdm-smartcard', [sandbox.pin, sandbox.password], sandbox.user)).user, null);
  const { stderr } = await scauthPam(sandbox, 'enable');
  t.regex(await gnomeCard(), /scauth-pam enable/, stderr);
  t.regex(stderr, /pam_kwallet5\.so gets no password from a login by card[^\n]*sc_auth keyring enable/);
  t.regex(read('common-auth'), /pam_scauth\.so only_secret$/m);
  const doctor = await sandbox.exec(['sc_auth', 'doctor', '--json']);
  const { checks } = JSON.parse(doctor.stdout) as {
    checks: { name: string; state: string; detail: string }[];
  };
  const pam = checks.filter(({ name }) => name === 'PAM');
  t.deepEqual([...new Set(pam.map(({ state }) => state))], ['ok'], JSON.stringify(pam));
  t.regex(pam[0]?.detail ?? '', /gdm-smartcard/);
});

test.serial('C1: no question before ours, and the card says whose it is', async (t) => {
  const seen = await at('gdm-smartcard', [sandbox.pin]);
  t.is(seen.user, sandbox.user, seen.output);
  t.regex(asked(seen)[0] ?? '', PIN_QUESTION);
  t.is(asked(seen).length, 1);
});

test.serial("C1: GNOME's session knows the card by the name that p11-kit shows there", async (t) => {
  // As gdm-session-worker hands pam_getenvlist(3) on; gsd-smartcard looks for the token of this name.
  const named = async (service: string, answer = sandbox.pin): Promise<string | undefined> => {
    const answers = [answer, sandbox.password];
    const { stdout } = await greet(sandbox, ['env'], answers, sandbox.user, service);
    t.regex(stdout, /^open-session=0$/m, stdout);
    return /^PKCS11_LOGIN_TOKEN_NAME=(.*)$/m.exec(stdout)?.[1];
  };
  const { stdout } = await sandbox.exec(['p11-kit', 'list-modules']);
  const openSc = /^opensc-pkcs11:[^]*?^ +token: (.*)$/m.exec(stdout)?.[1];
  t.is(openSc, 'Ada Lovelace', stdout);
  t.is(await named('gdm-smartcard'), openSc);
  t.is(await named('lightdm'), openSc);
  t.is(await named('gdm-smartcard', person.WRONG_PIN), undefined, 'the password opened it');
  // What the desktop has not loaded it would take for gone.
  await sandbox.exec(['mount', '-t', 'tmpfs', 'none', '/usr/share/p11-kit/modules']);
  t.is(await named('gdm-smartcard'), undefined);
  await sandbox.exec(['umount', '/usr/share/p11-kit/modules']);
});

test.serial('C1: a wrong PIN costs one try and leads to the password, asked for once', async (t) => {
  const seen = await at('gdm-smartcard', [person.WRONG_PIN, sandbox.password], sandbox.user);
  t.is(seen.user, sandbox.user, seen.output);
  t.deepEqual(asked(seen).slice(1), [`${ASK}:Password: `]);
  t.true(seen.talk.includes(`${ERROR}:Wrong PIN. 2 tries left.`));
  t.is(await sandbox.card.getTries(), 2);
});

test.serial(
  'C1: GNOME 50 announces messages in JSON; what asks for a PIN stays a plain prompt',
  async (t) => {
    // gdm-pam-extensions-common.h: what the worker says that it knows. Whoever uses none of it gets the prompt of before.
    const extensions = ['ChoiceList', 'CustomJSON'].map(
      (name) => `org.gnome.DisplayManager.UserVerifier.${name}`,
    );
    const env = { GDM_SUPPORTED_PAM_EXTENSIONS: extensions.join(' ') };
    const right = await at('gdm-smartcard', [sandbox.pin], null, env);
    t.is(right.user, sandbox.user, right.output);
    t.is(right.talk.length, 1, right.output);
    t.regex(right.talk[0] ?? '', PIN_QUESTION);
    const wrong = await at('gdm-smartcard', [person.WRONG_PIN, sandbox.password], sandbox.user, env);
    t.is(wrong.user, sandbox.user, wrong.output);
    t.deepEqual(wrong.talk.slice(1), [`${ERROR}:Wrong PIN. 2 tries left.`, `${ASK}:Password: `]);
  },
);

test.serial(
  'C1: another’s card, and a card that nobody has paired: the password at once, no PIN',
  async (t) => {
    await person.addUser(sandbox, 'bob');
    const other = await at('gdm-smartcard', ['bob'], 'bob');
    t.deepEqual([other.user, asked(other)], ['bob', [`${ASK}:Password: `]], other.output);
    const { stdout } = await sandbox.exec(['sc_auth', 'list', '-u', sandbox.user]);
    const hash = /[0-9A-F]{40}/.exec(stdout)?.[0] ?? '';
    await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user, '--all']);
    const nobody = await at('gdm-smartcard', ['bob', 'bob']);
    await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
    t.is(nobody.user, 'bob', nobody.output);
    t.deepEqual(
      asked(nobody).map((line) => line.slice(0, ASK.length)),
      [ASK_NAME, ASK],
    );
    t.is(await sandbox.card.verifyCount(), 0);
  },
);

test.serial(
  'C2: lightdm: a message says PIN before the prompt, and what is wanted after a wrong one',
  async (t) => {
    const right = await at('lightdm', [sandbox.pin], sandbox.user);
    t.is(right.user, sandbox.user, right.output);
    t.is(right.talk[0], PIN_TOLD);
    t.regex(right.talk[1] ?? '', PIN_QUESTION);
    const wrong = await at('lightdm', [person.WRONG_PIN, sandbox.password], sandbox.user);
    t.is(wrong.user, sandbox.user, wrong.output);
    t.deepEqual(wrong.talk.slice(2), [
      `${ERROR}:Wrong PIN. 2 tries left. Now your password.`,
      `${ASK}:Password: `,
    ]);
    const none = await at('gdm-password', [sandbox.pin], sandbox.user);
    t.is(none.user, sandbox.user);
    t.is(none.talk.length, 1, 'who shows prompts is told nothing twice');
  },
);

/** What a program that answers each prompt with the PIN is asked at sddm's files, and PAM_AUTHTOK behind us. */
async function atSddm(line: string): Promise<{ seen: Seen; authtok: string | null }> {
  const [sddm, common] = [read('sddm'), read('common-auth')];
  const out = `${SHARE}/authtok`;
  await sandbox.exec(['rm', '-f', out]);
  writeFileSync(file('common-auth'), common.replace('pam_scauth.so only_secret', line));
  const exec = `auth optional pam_exec.so quiet expose_authtok /usr/bin/tee ${out}`;
  writeFileSync(file('sddm'), sddm.replace(/^(-auth.*kwallet5.*)$/m, `$1\n${exec}`));
  try {
    const seen = await at('sddm', Array<string>(6).fill(sandbox.pin), sandbox.user);
    const place = sandbox.path(out);
    return { seen, authtok: existsSync(place) ? readFileSync(place, 'latin1').replaceAll('\0', '') : null };
  } finally {
    writeFileSync(file('sddm'), sddm);
    writeFileSync(file('common-auth'), common);
  }
}

test.serial(
  'C3: sddm with pam_kwallet5, pam_gnome_keyring and pam_exec behind us: the PIN is asked for once',
  async (t) => {
    const { seen, authtok } = await atSddm('pam_scauth.so only_secret');
    t.is(seen.user, sandbox.user, seen.output);
    t.is(asked(seen).length, 1, seen.output);
    t.is(authtok, '');
    // What it is for.
    const without = await atSddm('pam_scauth.so');
    t.true(asked(without.seen).length > 1);
    t.is(without.authtok, sandbox.pin);
  },
);

const KEYRINGS = `${SHARE}/home/ada/.local/share/keyrings`;

test.serial('C3: pam_gnome_keyring makes no keyring of an empty password', async (t) => {
  await greet(sandbox, sessionOf('true'), [sandbox.pin], sandbox.user, 'lightdm');
  const made = await sandbox.exec(['sh', '-c', `ls ${KEYRINGS} 2>/dev/null | grep -c keyring$`]);
  t.is(made.stdout.trim(), '0', 'nothing is kept under no password');
});

test.serial(
  'C6: lightdm asks for a name before the card where none is chosen; moved, the card says it',
  async (t) => {
    const first = await at('lightdm', [sandbox.user, sandbox.pin]);
    t.is(first.user, sandbox.user, first.output);
    t.is(first.talk[0]?.slice(0, ASK_NAME.length), ASK_NAME);
    const explain = await sandbox.exec(['sc_auth', 'explain', '-u', sandbox.user, '-s', 'lightdm']);
    t.regex(explain.stdout, /a name is asked for first where none is chosen \(pam_nologin\.so/);
    const lightdm = read('lightdm');
    const nologin = 'auth      requisite pam_nologin.so\n';
    t.true(lightdm.includes(nologin));
    // As administrators.md says.
    writeFileSync(
      file('lightdm'),
      lightdm.replace(nologin, '').replace('@include common-auth\n', `@include common-auth\n${nologin}`),
    );
    const moved = await at('lightdm', [sandbox.pin]);
    writeFileSync(file('lightdm'), lightdm);
    t.is(moved.user, sandbox.user, moved.output);
    t.is(moved.talk[0], PIN_TOLD);
  },
);

test.serial('C6: a PIN that is typed for a name is in no log', async (t) => {
  // Refused before a session is looked at: the name goes into the record.
  writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), '[login]\nservices = ["sudo"]\n');
  const from = sandbox.agentLog().length;
  process.kill(sandbox.agentHostPid ?? 0, 'SIGHUP');
  await person.untilAgentSays(sandbox, 'new configuration', from);
  t.is((await at('lightdm', ['24681357', 'x'])).user, null);
  t.is((await at('lightdm', [sandbox.user, sandbox.password])).user, sandbox.user);
  await person.untilAudited(sandbox, 'service-not-allowed');
  const lines = person.auditLines(sandbox).filter(({ service }) => service?.name === 'lightdm');
  t.true(
    lines.some(({ user }) => user?.name === sandbox.user),
    'names of accounts are recorded',
  );
  t.false(sandbox.auditLog().includes('24681357'));
  t.false(sandbox.agentLog().includes('24681357'));
  writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), '');
  const again = sandbox.agentLog().length;
  process.kill(sandbox.agentHostPid ?? 0, 'SIGHUP');
  await person.untilAgentSays(sandbox, 'new configuration', again);
});

/** sudo of the sandbox's own file. */
async function sudo(t: ExecutionContext, args: readonly string[], prompt: RegExp, act?: () => Promise<void>) {
  const pty = sandbox.pty(['sudo', ...args, 'id', '-u'], { user: sandbox.user });
  await pty.expect(prompt);
  await act?.();
  pty.send(`${sandbox.pin}\n`);
  const { code, screen } = await person.untilEnd(pty);
  t.is(code, 0, screen);
  t.regex(screen, ROOT);
  return screen;
}

test.serial('C9: sudo -p hides the prompt; that a PIN is wanted stands on the line before it', async (t) => {
  const screen = await sudo(t, ['-p', 'BECOME word: '], /BECOME word: $/);
  t.regex(screen, /Enter PIN for 'Ada Lovelace'\.\r?\nBECOME word: /);
  const plain = await sudo(t, [], PIN_PROMPT);
  t.is(plain.match(/PIN/g)?.length, 1);
});

test.serial('C8: the card is pulled and put back at the prompt: it logs in', async (t) => {
  await sudo(t, [], PIN_PROMPT, async () => {
    await person.pullCard(sandbox);
    await person.insertCard(sandbox);
  });
  t.is(await sandbox.card.verifyCount(), 1);
});

test.serial('C1: disable takes gdm-smartcard back to what it was', async (t) => {
  await scauthPam(sandbox, 'disable');
  t.regex(await gnomeCard(), /pam_sss\.so/);
  t.notRegex(read('common-auth'), /pam_scauth/);
});
