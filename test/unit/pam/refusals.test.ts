// L1: whatever the agent does wrong, the module never says success and is never skipped, and the next module
// in the stack gets its turn. Each case runs alone and in two stacks, on the real libpam.
import { writeFileSync } from 'node:fs';

import test from 'ava';

import { HIGHEST_VERSION } from '../../../agent/protocol/frames.ts';
import { ask, frame, tell, verdict, VERDICT, WAIT, type Step } from './agent.ts';
import { buildPam } from './build.ts';
import { PAM, runPam, type RunOptions } from './client.ts';

interface Case extends RunOptions {
  readonly title: string;
  readonly code: number;
}

const GRANTED = verdict(VERDICT.granted);
const UNAVAILABLE = PAM.AUTHINFO_UNAVAIL;

function afterBegin(title: string, ...steps: Step[]): Case {
  return { title, code: UNAVAILABLE, agent: ['read', ...steps] };
}

/** The agent is silent at the end of these steps: the relay waits for one second and leaves. */
function silentAfter(title: string, ...steps: Step[]): Case {
  return { ...afterBegin(title, ...steps, 'hold'), moduleArguments: 'timeout=1' };
}

const CASES: readonly Case[] = [
  { title: 'no socket', code: UNAVAILABLE },
  {
    title: 'nobody listens at the socket',
    code: UNAVAILABLE,
    prepare: (folder) => {
      writeFileSync(folder.socketPath, '');
    },
  },
  { title: 'the agent closes at once', code: UNAVAILABLE, agent: [] },
  afterBegin('the agent closes after begin'),
  afterBegin('the agent closes after wait', WAIT),
  afterBegin('the agent closes after tell', tell('Hello')),
  afterBegin('the agent closes after ask', ask('PIN: ')),
  afterBegin('the agent closes after the answer', ask('PIN: '), 'read'),
  silentAfter('the agent is silent'),
  silentAfter('the agent is silent after the answer', ask('PIN: '), 'read'),
  silentAfter('the agent is silent in the middle of a frame', GRANTED.subarray(0, 10)),
  silentAfter(
    'a frame trickles in, each byte in time and the whole too late',
    ...[...GRANTED].flatMap((byte): Step[] => [Uint8Array.of(byte), { pauseMs: 150 }]),
  ),
  afterBegin('text of another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), GRANTED),
  afterBegin('zeros', Buffer.alloc(4096), GRANTED),
  afterBegin('a version that was not offered', frame(6, GRANTED.subarray(8), HIGHEST_VERSION + 1)),
  afterBegin('version 0', frame(6, GRANTED.subarray(8), 0)),
  afterBegin('a begin from the agent', frame(1, Buffer.from([1, 1, 1, 0, 0, 0, 0, 0, 0])), GRANTED),
  afterBegin('an answer from the agent', frame(5, Buffer.from([0, 0, 0])), GRANTED),
  afterBegin('the result frame of an upgraded call', frame(7, Buffer.from('{}')), GRANTED),
  afterBegin('an unknown frame', frame(99), GRANTED),
  afterBegin('a body above the cap', frame(4, Buffer.alloc(4097)), GRANTED),
  afterBegin('a length of four gigabytes', frame(6, GRANTED.subarray(8), 1, 0xffffffff), GRANTED),
  afterBegin('bytes after the last field', frame(6, Buffer.concat([GRANTED.subarray(8), Buffer.alloc(1)]))),
  afterBegin('a wait with a body', frame(4, Buffer.alloc(1)), GRANTED),
  afterBegin('verdict 0', verdict(0)),
  afterBegin('verdict 8', verdict(8)),
  afterBegin('permitted, which is not for this phase', verdict(VERDICT.permitted)),
  afterBegin('a grant for another user', verdict(VERDICT.granted, { user: 'mallory' })),
  afterBegin('a grant whose secret has a NUL byte', verdict(VERDICT.granted, { authtok: 'a\0b' })),
  afterBegin('65 messages', ...Array.from({ length: 65 }, () => tell('more')), GRANTED),
  afterBegin('65 questions', ...Array.from({ length: 65 }, (): Step[] => [ask('?'), 'read']).flat(), GRANTED),
  {
    title: 'a grant for nobody',
    code: UNAVAILABLE,
    agent: ['read', GRANTED],
    client: ['authenticate'],
  },
  {
    title: 'a grant after the application has changed the user',
    code: UNAVAILABLE,
    agent: ['read', ask('PIN: '), 'read', GRANTED],
    client: ['user=alice', 'conversation=other-user:mallory', 'authenticate'],
  },
  {
    title: 'work without end, although the heart beats',
    code: UNAVAILABLE,
    module: 'faults',
    agent: ['read', ...Array.from({ length: 60 }, (): Step[] => [WAIT, { pauseMs: 100 }]).flat(), GRANTED],
  },
  {
    title: 'user above the cap',
    code: UNAVAILABLE,
    agent: ['read', GRANTED],
    client: [`user=${'a'.repeat(513)}`, 'authenticate'],
  },
  {
    title: 'remote host above the cap',
    code: UNAVAILABLE,
    agent: ['read', GRANTED],
    client: ['user=alice', `rhost=${'h'.repeat(513)}`, 'authenticate'],
  },
  { title: 'unavailable', code: UNAVAILABLE, agent: ['read', verdict(VERDICT.unavailable)] },
  { title: 'denied', code: PAM.AUTH_ERR, agent: ['read', verdict(VERDICT.denied)] },
  {
    title: 'denied, with a user and a secret',
    code: PAM.AUTH_ERR,
    agent: ['read', verdict(VERDICT.denied, { user: 'root', authtok: 'x' })],
  },
  { title: 'card required', code: PAM.AUTH_ERR, agent: ['read', verdict(VERDICT.cardRequired)] },
  { title: 'unknown user', code: PAM.USER_UNKNOWN, agent: ['read', verdict(VERDICT.unknownUser)] },
  { title: 'cancelled', code: PAM.CONV_ERR, agent: ['read', verdict(VERDICT.cancelled)] },
  {
    title: 'conversation error',
    code: PAM.CONV_ERR,
    agent: ['read', ask('PIN: '), 'read', verdict(VERDICT.cancelled)],
    client: ['user=alice', 'conversation=error', 'authenticate'],
  },
];

const PERMIT = 'auth required pam_permit.so';
const DENY = 'auth required pam_deny.so';

test.before(buildPam);

for (const { title, code, ...options } of CASES) {
  test(`L1: ${title}: refused, and not skipped`, async (t) => {
    const alone = await runPam(options);
    t.is(alone.codes['authenticate'], code, alone.output);
    t.is(alone.exit, 0, alone.output);
    t.is(alone.leftOpen, '0', 'L14');

    // A module that is skipped leaves the decision to the next one: here that would be a success.
    const before = await runPam({ ...options, stack: ['auth required MODULE', PERMIT] });
    t.is(before.codes['authenticate'], code, before.output);
    const sufficient = await runPam({ ...options, stack: ['auth sufficient MODULE', DENY] });
    t.not(sufficient.codes['authenticate'], PAM.SUCCESS, sufficient.output);
    // And a refusal of ours does not lock anybody out of the password.
    const password = await runPam({ ...options, stack: ['auth sufficient MODULE', PERMIT] });
    t.is(password.codes['authenticate'], PAM.SUCCESS, password.output);
  });
}

for (let length = 0; length < GRANTED.length; length += 1) {
  test(`L1: the agent closes after ${length} bytes of a grant`, async (t) => {
    const run = await runPam({ agent: ['read', GRANTED.subarray(0, length)] });
    t.is(run.codes['authenticate'], UNAVAILABLE, run.output);
    t.is(run.exit, 0, run.output);
  });
}

test('the whole grant is a success: the refusals above are not for another reason', async (t) => {
  const run = await runPam({ agent: ['read', GRANTED] });
  t.is(run.codes['authenticate'], PAM.SUCCESS, run.output);
});

test('64 messages are still carried', async (t) => {
  const run = await runPam({ agent: ['read', ...Array.from({ length: 64 }, () => tell('more')), GRANTED] });
  t.is(run.codes['authenticate'], PAM.SUCCESS, run.output);
  t.is(run.seen.length, 64);
});

// Serial tests run before the others of the file: this one needs an agent that is not kept from its clock.
test.serial('each whole frame restarts the clock of the silence', async (t) => {
  const beats = Array.from({ length: 9 }, (): Step[] => [{ pauseMs: 700 }, WAIT]).flat();
  const run = await runPam({ agent: ['read', ...beats, GRANTED], moduleArguments: 'timeout=5' });
  t.is(run.codes['authenticate'], PAM.SUCCESS, run.output);
});
