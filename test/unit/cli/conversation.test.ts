// Upgraded calls without a terminal: where answers come from, what becomes of odd conversations, and that no
// secret gets into JSON, arguments or output.

import { closeSync, openSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { freeSecretSlots } from '../../../agent/base/secret.ts';
import { encodeFrame } from '../../../agent/protocol/frames.ts';
import { HASH, pairing, startFakeAgent, type Caller } from './fake-agent.ts';
import { runHere, runProcess } from './run-sc-auth.ts';

type Talk = (caller: Caller) => void | Promise<void>;

interface Played {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly parameters: unknown;
}

async function play(
  t: ExecutionContext,
  talk: Talk,
  how: (socket: string) => Promise<{ code: number | null; out: string; err: string }>,
): Promise<Played> {
  const agent = await startFakeAgent(async (call, caller) => {
    t.true(call.upgrade);
    caller.reply({});
    await talk(caller);
  });
  try {
    const outcome = await how(agent.path);
    t.deepEqual(agent.failures, []);
    return { ...outcome, parameters: agent.calls[0]?.parameters };
  } finally {
    await agent.close();
  }
}

const verify: Talk = async (caller) => {
  caller.send({ type: 'wait' });
  const pin = await caller.ask("Enter PIN for 'PIV:Alice': ");
  caller.send({ type: 'wait' });
  if (pin === '123456') caller.result({ token: 'org.scauth.piv:1234' });
  else caller.result({ error: 'wrong-pin', message: 'Wrong PIN. 2 tries left.', triesLeft: 2 });
};

test('verifypin: one line of standard input, with or without its end', async (t) => {
  for (const input of ['123456\n', '123456', '123456\r\n', '123456\nmore\n']) {
    const played = await play(t, verify, (socket) =>
      runProcess(socket, ['verifypin', '-t', 'org.scauth.piv:1234'], input),
    );
    t.deepEqual(played, {
      code: 0,
      out: 'PIN verified\n',
      err: '',
      parameters: { token: 'org.scauth.piv:1234' },
    });
  }
});

test('verifypin: a wrong PIN says how many tries are left', async (t) => {
  const wrong = await play(t, verify, (socket) => runProcess(socket, ['verifypin'], '999999\n'));
  t.deepEqual([wrong.code, wrong.out, wrong.err], [3, '', 'Wrong PIN. 2 tries left.\n']);
  const json = await play(t, verify, (socket) => runProcess(socket, ['verifypin', '--json'], '999999\n'));
  t.is(json.code, 3);
  t.deepEqual(JSON.parse(json.out), {
    error: 'wrong-pin',
    message: 'Wrong PIN. 2 tries left.',
    triesLeft: 2,
  });
  t.false(`${json.out}${json.err}${JSON.stringify(json.parameters)}`.includes('999999'));
});

test('verifypin: from a descriptor', async (t) => {
  const played = await play(t, verify, (socket) =>
    runProcess(socket, ['verifypin', '--pin-fd', '3'], '', ['123456\n']),
  );
  t.is(played.code, 0);
  const closed = await play(t, verify, (socket) => runProcess(socket, ['verifypin', '--pin-fd', '77']));
  t.is(closed.code, 2);
  t.is(closed.err, 'File descriptor 77 is not open.\n');
});

test('verifypin: from a file', async (t) => {
  // Descriptors of files are read by another way than pipes.
  const played = await play(t, verify, async (socket) => {
    const stdinFd = openSync(new URL('pin.txt', import.meta.url), 'r');
    try {
      return await runHere(socket, ['verifypin'], { stdinFd });
    } finally {
      closeSync(stdinFd);
    }
  });
  t.is(played.code, 0);
});

test('verifypin -p: works once, with a warning', async (t) => {
  let answers = 0;
  const insist: Talk = async (caller) => {
    for (let answer: string | null = ''; answer !== null;) {
      answer = await caller.ask('PIN: ');
      if (answer !== null) answers += 1;
    }
    caller.result({ error: 'cancelled', message: 'Cancelled.', triesLeft: null });
  };
  const played = await play(t, insist, (socket) =>
    runProcess(socket, ['verifypin', '-p', '123456'], '123456\n'),
  );
  t.is(played.code, 130);
  t.is(answers, 1);
  t.regex(played.err, /^Warning: a PIN on the command line shows in ps\./);
  t.false(played.err.includes('123456'));
});

test('a question that is no secret is never answered with one', async (t) => {
  const got: (string | null)[] = [];
  const lastTry: Talk = async (caller) => {
    got.push(await caller.ask('Only one try is left. Use it? Type yes: ', true));
    caller.result({ error: 'pin-reserve', message: 'The last try is kept.', triesLeft: 1 });
  };
  const argument = await play(t, lastTry, (socket) => runProcess(socket, ['verifypin', '-p', '123456']));
  const fd = await play(t, lastTry, (socket) =>
    runProcess(socket, ['verifypin', '--pin-fd', '3'], 'yes\n', ['123456\n']),
  );
  t.deepEqual([argument.code, fd.code, got], [3, 3, ['', '']]);
});

const pairTalk: Talk = async (caller) => {
  const password = await caller.ask('Password for alice: ');
  caller.send({ type: 'tell', kind: 'information', text: 'Now the card.' });
  const pin = await caller.ask("Enter PIN for 'User PIN (Alice)': ");
  if (password === 'secret word' && pin === '123456') caller.result({ pairing: pairing() });
  else
    caller.result({
      error: 'wrong-password',
      message: `Got ${password ?? '-'} and ${pin ?? '-'}.`,
      triesLeft: null,
    });
};

const asUser = { uid: 1000, userName: () => 'alice' };

/** A pipe cannot be had from Node without a child: a file of lines stands for standard input. */
async function pairFrom(t: ExecutionContext, file: string, talk: Talk): Promise<Played> {
  return await play(t, talk, async (socket) => {
    const stdinFd = openSync(new URL(file, import.meta.url), 'r');
    try {
      return await runHere(socket, ['pair', '-h', HASH], { ...asUser, stdinFd });
    } finally {
      closeSync(stdinFd);
    }
  });
}

test('pair as the user: password and PIN are two lines; remarks go to standard error', async (t) => {
  const played = await pairFrom(t, 'password-and-pin.txt', pairTalk);
  const { err, ...rest } = played;
  t.deepEqual(rest, {
    code: 0,
    out: `Paired ${HASH} with alice.\n`,
    parameters: { hash: HASH, keyring: 'no' },
  });
  // What is said of card logins depends on the PAM files of the machine that runs the tests.
  t.regex(err, /^Now the card\.\n(Card logins are [^\n]+\n)?$/);
});

test('pair as the user: two descriptors, each for its own kind of question', async (t) => {
  const passwordFd = openSync(new URL('password.txt', import.meta.url), 'r');
  const pinFd = openSync(new URL('pin.txt', import.meta.url), 'r');
  try {
    const args = ['pair', '-h', HASH, '--password-fd', String(passwordFd), '--pin-fd', String(pinFd)];
    const played = await play(t, pairTalk, (socket) => runHere(socket, args, asUser));
    t.is(played.code, 0);
  } finally {
    closeSync(passwordFd);
    closeSync(pinFd);
  }
});

test('the input ends before the answer: cancelled, and scauthd is told', async (t) => {
  let told: unknown = 'nothing';
  const talk: Talk = async (caller) => {
    told = await caller.ask('PIN: ');
    caller.end();
  };
  const played = await play(t, talk, (socket) => runProcess(socket, ['verifypin']));
  t.deepEqual([played.code, played.err, told], [130, 'Cancelled.\n', null]);
});

test('L5: an answer of 512 bytes is whole, a longer one is refused, an empty one is an answer', async (t) => {
  let got: string | null | undefined;
  const talk: Talk = async (caller) => {
    got = await caller.ask('PIN: ');
    caller.result({ error: 'pin-malformed', message: 'That cannot be a PIN.', triesLeft: null });
  };
  t.is((await play(t, talk, (socket) => runProcess(socket, ['verifypin'], `${'9'.repeat(512)}\n`))).code, 3);
  t.is(got, '9'.repeat(512));
  const long = await play(t, talk, (socket) => runProcess(socket, ['verifypin'], `${'9'.repeat(513)}\n`));
  t.deepEqual([long.code, long.err, got], [2, 'The answer is longer than 512 bytes.\n', null]);
  t.is((await play(t, talk, (socket) => runProcess(socket, ['verifypin'], '\n'))).code, 3);
  t.is(got, '');
});

test('a conversation that goes wrong ends with a sentence', async (t) => {
  const odd: readonly (readonly [string, Talk, number, RegExp])[] = [
    ['silence', () => undefined, 5, /^scauthd has not answered for 300 milliseconds\./],
    [
      'end',
      (caller) => {
        caller.end();
      },
      5,
      /^scauthd closed the connection/,
    ],
    [
      'garbage',
      (caller) => {
        caller.raw('garbage!garbage!');
      },
      1,
      /does not understand/,
    ],
    [
      'another version',
      (caller) => {
        caller.raw(Buffer.from('5343020400000000', 'hex'));
      },
      1,
      /does not understand/,
    ],
    [
      'a verdict',
      (caller) => {
        caller.send({ type: 'verdict', code: 'granted', user: null, authtok: null, message: null });
      },
      1,
      /does not understand/,
    ],
    [
      'half a frame',
      (caller) => {
        caller.raw(Buffer.from(encodeFrame({ type: 'wait' }).subarray(0, 5)));
        caller.end();
      },
      5,
      /^scauthd closed the connection/,
    ],
    [
      'tells without end',
      (caller) => {
        for (let i = 0; i < 70; i += 1) caller.send({ type: 'tell', kind: 'error', text: 'again' });
      },
      1,
      /does not understand/,
    ],
    [
      'a frame behind an ask',
      (caller) => {
        caller.raw(
          Buffer.concat(
            Array.from({ length: 2 }, () =>
              Buffer.from(encodeFrame({ type: 'ask', echo: false, text: 'PIN: ' })),
            ),
          ),
        );
      },
      1,
      /does not understand/,
    ],
    [
      'a result that is none',
      (caller) => {
        caller.result({});
      },
      1,
      /does not understand/,
    ],
    [
      'a result that is no object',
      (caller) => {
        caller.result([1]);
      },
      1,
      /does not understand/,
    ],
    [
      'an error without words',
      (caller) => {
        caller.result({ error: 'no-card' });
      },
      1,
      /does not understand/,
    ],
  ];
  for (const [what, talk, code, err] of odd) {
    const played = await play(t, talk, (socket) =>
      runHere(socket, ['verifypin'], { silenceTimeoutMs: what === 'silence' ? 300 : 10_000 }),
    );
    t.is(played.code, code, what);
    t.regex(played.err, err, what);
    t.is(played.out, '', what);
  }
});

test('waits keep a long conversation alive', async (t) => {
  const slow: Talk = async (caller) => {
    for (let i = 0; i < 25; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      caller.send({ type: 'wait' });
    }
    caller.result({ token: 'org.scauth.piv:1234' });
  };
  const played = await play(t, slow, (socket) => runHere(socket, ['verifypin'], { silenceTimeoutMs: 2_000 }));
  t.is(played.code, 0);
});

test('a refusal before anything is asked', async (t) => {
  const agent = await startFakeAgent((_call, caller) => {
    caller.fail('io.scauth.Failed', {
      code: 'no-card',
      message: 'No card is in. Put it in.',
      triesLeft: null,
    });
  });
  const { code, err } = await runHere(agent.path, ['verifypin']);
  await agent.close();
  t.deepEqual([code, err], [4, 'No card is in. Put it in.\n']);
});

test('a hostile remark does not reach the terminal', async (t) => {
  const talk: Talk = (caller) => {
    caller.send({ type: 'tell', kind: 'error', text: 'a\x1b[2Jb\nsecond line' });
    caller.result({ error: 'no-card', message: 'c\x1b[2Jd', triesLeft: null });
  };
  const played = await play(t, talk, (socket) => runHere(socket, ['verifypin']));
  t.is(played.err, 'a?[2Jb\nsecond line\nc?[2Jd\n');
});

test.serial('every path gives its secret buffers back', async (t) => {
  // Other tests of this file are over: serial tests run first, so nothing else holds a slot.
  const before = freeSecretSlots();
  await pairFrom(t, 'password-and-pin.txt', pairTalk);
  await pairFrom(t, 'password-and-pin.txt', (caller) => {
    caller.end();
  });
  await pairFrom(t, 'password-and-pin.txt', async (caller) => {
    await caller.ask('Password: ');
    caller.end();
  });
  await play(t, verify, (socket) => runHere(socket, ['verifypin', '-p', '123456']));
  await runHere('/nowhere', ['verifypin', '-p', '123456']);
  t.is(freeSecretSlots(), before);
});
