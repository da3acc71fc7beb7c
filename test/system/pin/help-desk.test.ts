// A help desk gives a new PIN over the telephone: sc_auth setup --escrow, a blocked PIN, a challenge at sudo's prompt, the
// officer's own card, its answer; and what an answer is not good for.
import test, { type ExecutionContext } from 'ava';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { makeCertificate, toPem } from '../../kit/card/certificate.ts';
import { testAuthority } from '../../kit/card/profile.ts';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const PIN = '271828';
const OFFICER_PIN = '864213';
/** The sandbox's own; /tmp is the machine's. */
const FOLDER = '/run/help-desk';
const OFFER = /PIN blocked\. Type yes [^\n]*, desk for one by your help desk, or Enter [^\n]*: $/;
const ANSWER_PROMPT = /Their answer: $/;
const CHALLENGE = /for your help desk: (\S{4}-\S{4})/;
const ANSWER = /who is calling: (\S{4}-\S{4}-\S{4}-\S{4})/;
const NEW_PROMPT = /Enter new PIN for '[^\n]*': $/;
const AGAIN = /Enter new PIN again: $/;

/** A card that was set up with an officer's certificate, whose own card is in the second reader. */
async function started(t: ExecutionContext, officer: string): Promise<Sandbox> {
  const cardArgs = ['--factory', '--extended', '--puk', '12345678'];
  const sandbox = await Sandbox.start({ card: 'p256', pin: '123456', cardArgs });
  t.teardown(() => sandbox.stop());
  await sandbox.exec(['install', '-d', '-m', '0777', FOLDER]);
  const theirs = await sandbox.addCard(['--pin', OFFICER_PIN, '--key', `${officer}:2`, '--serial', '7']);
  theirs.close();
  const read = await sandbox.exec([
    'yubico-piv-tool',
    '-r',
    'Virtual PCD 00 01',
    '-a',
    'read-certificate',
    '-s',
    '9d',
  ]);
  const { publicKey } = new X509Certificate(read.stdout);
  // keyAgreement, keyEncipherment
  const usage = officer === 'p256' ? '03020308' : '03020520';
  const only = [['2.5.29.15', Buffer.from(usage, 'hex')]] as const;
  const certificate = makeCertificate(publicKey, { cn: 'Officer', only }, testAuthority('Test CA'));
  writeFileSync(sandbox.path(`${FOLDER}/officer.pem`), toPem(certificate));
  const made = await sandbox.exec(
    [
      'sc_auth',
      'setup',
      '-u',
      sandbox.user,
      '--reader',
      'Virtual PCD 00 00',
      '--escrow',
      `${FOLDER}/officer.pem`,
    ],
    { cwd: FOLDER, input: `${PIN}\n${PIN}\n` },
  );
  t.is(made.code, 0, `${made.stderr}\n${sandbox.logs()}`);
  return sandbox;
}

async function block(sandbox: Sandbox): Promise<void> {
  await sandbox.card.setTries(0);
  await person.reinsertCard(sandbox);
}

/** At the desk, which has only what was left with it. */
function answer(sandbox: Sandbox, challenge: string) {
  const argv = [
    'sc_auth',
    'answer-challenge',
    '--desk-file',
    `${FOLDER}/desk-12345678.json`,
    '--challenge',
    challenge,
  ];
  return sandbox.exec(argv, { input: `${OFFICER_PIN}\n` });
}

/** `sc_auth unblock --help-desk` until it asks for the answer. */
async function askDesk(sandbox: Sandbox) {
  const listed = await sandbox.exec(['sc_auth', 'list-smartcards', '--json']);
  const { tokens } = JSON.parse(listed.stdout) as { tokens: { id: string; reader: string }[] };
  const id = tokens.find(({ reader }) => reader === 'Virtual PCD 00 00')?.id ?? '';
  const pty = sandbox.pty(['sc_auth', 'unblock', '--help-desk', '-t', id], { user: sandbox.user });
  await pty.expect(ANSWER_PROMPT);
  return { pty, challenge: CHALLENGE.exec(pty.screen)?.[1] ?? '' };
}

for (const kind of ['p256', 'rsa2048'])
  test.serial(`an officer with ${kind}: the challenge at sudo, the answer, a new PIN, and in`, async (t) => {
    const sandbox = await started(t, kind);
    const part = readFileSync(sandbox.path(`${FOLDER}/desk-12345678.json`), 'utf8');
    t.regex(part, /"user": "ada"/);
    await block(sandbox);
    const pty = person.startSudo(sandbox);
    await pty.expect(OFFER);
    pty.send('desk\n');
    await pty.expect(ANSWER_PROMPT);
    const challenge = CHALLENGE.exec(pty.screen)?.[1] ?? '';
    const misheard = await answer(
      sandbox,
      challenge.replace(/^./, (one) => (one === '7' ? '8' : '7')),
    );
    t.is(misheard.code, 2, misheard.stderr);
    const told = await answer(sandbox, challenge.toLowerCase());
    const [, code = ''] = ANSWER.exec(told.stderr) ?? [];
    t.not(code, '', told.stderr);
    pty.send(`${code.toLowerCase()}\n`);
    await pty.expect(NEW_PROMPT);
    pty.send('161803\n');
    await pty.expect(AGAIN);
    pty.send('161803\n');
    await pty.expect(person.ROOT);
    const again = await person.sudo(sandbox, [person.PIN_PROMPT, '161803']);
    t.is(again.code, 0, again.screen);

    // Nothing of it is written down, and the answer is good for nothing any more.
    t.regex(sandbox.auditLog(), /help-desk/);
    for (const text of [sandbox.auditLog(), sandbox.agentLog()]) t.false(text.includes(code));
    await block(sandbox);
    const next = await askDesk(sandbox);
    t.not(next.challenge, challenge);
    next.pty.send(`${code}\n`);
    await next.pty.expect(/That is no answer to this challenge[\s\S]*Their answer: $/);
    await person.interrupt(next.pty);
    t.is((await sandbox.card.state()).pukTriesLeft, 3, 'no PUK was sent');
  });

test.serial(
  'answered twice, wrong answers, another card: no PUK is sent, and the next challenge has to wait',
  async (t) => {
    const sandbox = await started(t, 'p256');
    await block(sandbox);
    // Two prompts for one challenge: the second answer comes too late.
    const [one, other] = [await askDesk(sandbox), await askDesk(sandbox)];
    t.is(one.challenge, other.challenge);
    const told = await answer(sandbox, one.challenge);
    const [, code = ''] = ANSWER.exec(told.stderr) ?? [];
    one.pty.send(`${code}\n`);
    await one.pty.expect(NEW_PROMPT);
    other.pty.send(`${code}\n`);
    await other.pty.expect(/This answer does not open the card/);
    await person.interrupt(one.pty);

    // An answer of another officer's part for the same challenge is well formed, and wrong.
    const path = sandbox.path(`${FOLDER}/desk-12345678.json`);
    const part = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
    const foreign = await sandbox.exec(
      [
        'sh',
        '-c',
        `sed 's/"hash": "${part['hash'] ?? ''}"/"hash": "${'0'.repeat(40)}"/' desk-12345678.json >foreign.json
sc_auth answer-challenge --desk-file foreign.json --challenge '${one.challenge}'`,
      ],
      { cwd: FOLDER, input: `${OFFICER_PIN}\n` },
    );
    t.not(foreign.code, 0, 'a part is for its card');
    t.notRegex(foreign.stderr, ANSWER);
    const log = await sandbox.card.log();
    t.is(log.filter(({ ins }) => ins === 0x2c).length, 0);
  },
);
