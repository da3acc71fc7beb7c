// Programs that show no prompt: each question is told first, in a message that says PIN, and so is that a password follows.

import test from 'ava';
import { hidesPrompts, replacesPrompt } from '../../../../agent/stories/login/hidden-prompts.ts';
import type { PasswordInstead } from '../../../../agent/stories/login/login-parts.ts';
import { parseUsername } from '../../../../agent/model/request.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import { servicesShowing } from '../../../../policy/services.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';
import { alice, FakeToken, pairing, PIN } from '../../../kit/story/fakes.ts';
import { attacker, pairedTable, runLogin, victim } from '../../../kit/story/run-login.ts';

const SILENT = 0x8000;
const PROMPT = "PIN of 'Fake:Key (alice)' (Enter: password): ";
const MESSAGE = "PIN of 'Fake:Key (alice)' (Enter: password).";
const card = () => new FakeToken(victim);

for (const service of servicesShowing('messages')) {
  test.serial(`C2: ${service}: a message says PIN before the prompt does`, async (t) => {
    const seen = await runLogin(t, { tokens: [card()], answers: [PIN], request: { service } });
    t.is(seen.outcome, 'granted');
    t.deepEqual(seen.asked, [PROMPT]);
    t.deepEqual([seen.told, seen.kinds], [[MESSAGE], ['information']]);
  });
}

test.serial('C2: information is left out where the program wants silence; then it is an error', async (t) => {
  const request = { service: 'lightdm', flags: SILENT };
  const seen = await runLogin(t, { tokens: [card()], answers: [PIN], request });
  t.deepEqual([seen.told, seen.kinds], [[MESSAGE], ['error']]);
});

test.serial(
  'C2: after a wrong PIN one message says so and what is asked now, for the last one covers',
  async (t) => {
    const policy = { login: { pinAttempts: 2 } };
    const again = await runLogin(t, {
      ...{ tokens: [card()], answers: ['000000', PIN], policy, request: { service: 'lightdm' } },
    });
    t.is(again.outcome, 'granted');
    t.deepEqual(again.told, [MESSAGE, 'Wrong PIN. 2 tries left.', `Wrong PIN. 2 tries left. ${MESSAGE}`]);
    const last = await runLogin(t, { tokens: [card()], answers: ['000000'], request: { service: 'kde' } });
    t.is(last.told.at(-1), 'Wrong PIN. 2 tries left. Now your password.');
  },
);

test.serial('C2: Enter: that a password is wanted is told, unless none will do', async (t) => {
  for (const [instead, told] of [
    ['yes', [MESSAGE, 'Now your password.']],
    ['no', ["PIN of 'Fake:Key (alice)'."]],
  ] as const) {
    const parts = { passwordInstead: (): PasswordInstead => instead };
    const seen = await runLogin(t, {
      tokens: [card()],
      answers: [''],
      request: { service: 'lightdm' },
      parts,
    });
    t.is(seen.outcome, 'unavailable password-instead');
    t.deepEqual(seen.told, told);
  }
  // A password that was typed is handed on, and nobody is asked for it.
  const typed = await runLogin(t, {
    ...{ tokens: [card()], answers: ['correct horse'], request: { service: 'lightdm' } },
  });
  t.deepEqual([typed.told, typed.password], [[MESSAGE], 'correct horse']);
});

test.serial('C2: each other question is told as well: the last try, which card, whose card', async (t) => {
  const request = { service: 'lightdm' };
  const few = await runLogin(t, {
    ...{ tokens: [new FakeToken(victim, { triesLeft: 1 })], answers: ['yes', PIN], request },
  });
  t.is(few.outcome, 'granted');
  t.regex(few.told[0] ?? '', /^Only 1 try left [^]*Type yes/);
  const two = pairedTable();
  two.rows.push(pairing(alice.name, attacker.publicKey));
  const tokens = [card(), new FakeToken(attacker, { id: 'org.scauth.fake:02', label: 'Other' })];
  const which = await runLogin(t, { tokens, pairings: two, answers: ['1', PIN], request });
  t.regex(which.told[0] ?? '', /^Which card\?/);
  const shared = pairedTable();
  shared.rows.push(pairing(parseUsername('bob'), victim.publicKey));
  const whose = await runLogin(t, {
    ...{ tokens: [card()], pairings: shared, answers: ['1', PIN], request: { ...request, user: null } },
  });
  t.regex(whose.told[0] ?? '', /^This card is paired with alice|^This card is paired with 1 alice/);
  // No message is longer than a relay takes, whatever it stands behind.
  for (const text of [...few.told, ...which.told, ...whose.told]) t.true(Buffer.byteLength(text) <= 512);
});

test('C2: the list of such services is a setting, and those that show all are told nothing twice', (t) => {
  const hides = (service: string, policy = defaultPolicy) =>
    hidesPrompts({ service, peer: { pid: process.pid, uid: 0, gid: 0 } }, policy, () => ['x']);
  t.true(hides('lightdm'));
  for (const service of ['gdm-password', 'login', 'sudo', 'i3lock', 'sddm']) t.false(hides(service), service);
  t.true(hides('my-greeter', policyWith({ prompt: { messageServices: ['my-greeter'] } })));
  t.false(hides('lightdm', policyWith({ prompt: { messageServices: [] } })));
});

test('C9: sudo that was told to ask in other words is known by its command line', (t) => {
  const replaced = [
    ['-p', 'Password: ', 'id'],
    ['-H', '-S', '-p', '[sudo via ansible, key=x] password:', '-u', 'root', '/bin/sh'],
    ['-pword', 'id'],
    ['-Sp', 'word', 'id'],
    ['-u', 'bob', '-p', 'word', 'id'],
    ['-ubob', '-p', 'word', 'id'],
    ['--prompt=word', 'id'],
    ['--prompt', 'word', 'id'],
    ['--pro', 'word', 'id'],
    ['--user', 'bob', '--prompt', 'word', 'id'],
    ['--user=bob', '-p', 'word', 'id'],
    ['LANG=C', '-p', 'word', 'id'],
    ['-hbox', '-p', 'word', 'id'],
    ['-h', '-p', 'word', 'id'],
  ];
  for (const args of replaced) t.true(replacesPrompt(['sudo', ...args]), args.join(' '));
  const kept = [
    [],
    ['id'],
    ['id', '-p'],
    ['mkdir', '-p', 'x'],
    ['-u', '-p', 'id'],
    ['-u', 'bob', 'mkdir', '-p', 'x'],
    ['-upeter', 'id'],
    ['--', '-p', 'word'],
    ['--preserve-env', 'id'],
    ['--preserve-env=PATH', 'id'],
    ['-', '-p'],
  ];
  for (const args of kept) t.false(replacesPrompt(['sudo', ...args]), args.join(' '));
});

test.serial('C9: and then it is told that a PIN is wanted, on a line of its own', async (t) => {
  const peer = { pid: 7, uid: 0, gid: 0 };
  const of = (service: string) =>
    hidesPrompts({ service, peer }, defaultPolicy, () => ['sudo', '-p', 'word', 'id']);
  t.true(of('sudo') && of('sudo-i'));
  t.false(of('su'), 'only sudo takes such words');
  // The policy says it here, since the process is none.
  const policy = { prompt: { messageServices: ['sudo'] } };
  const request = { service: 'sudo', flags: SILENT };
  const seen = await runLogin(t, { tokens: [card()], answers: ['000000'], policy, request });
  t.deepEqual(seen.told, [
    "Enter PIN for 'Fake:Key (alice)'.",
    'Wrong PIN. 2 tries left. Now your password.',
  ]);
  t.deepEqual(seen.kinds, ['error', 'error']);
});
