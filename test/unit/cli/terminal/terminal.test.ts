// sc_auth on a real terminal: echo, keys, cancelling, and that the terminal is put back on each path.

import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { encodeFrame } from '../../../../agent/protocol/frames.ts';
import { encodeMessage } from '../../../../agent/protocol/varlink.ts';
import { HASH, identity, OTHER_HASH, pairing, startFakeAgent, type Script } from '../fake-agent.ts';
import { OnTerminal } from '../run-sc-auth.ts';

/** Runs sc_auth with `args`, then prints how the terminal was left. */
async function onTerminal(
  t: ExecutionContext,
  script: Script,
  command: string,
  act: (terminal: OnTerminal) => void | Promise<void>,
): Promise<{ code: number | null; screen: string }> {
  const agent = await startFakeAgent(script);
  const after =
    'code=$?; echo "[$code]"; stty -a | tr " " "\\n" | grep -xE -- "-?(echo|icanon|isig);?" | tr -d ";" | tr "\\n" " "; exit $code';
  const terminal = new OnTerminal(agent.path, `trap : INT; ${command}; ${after}`);
  try {
    await act(terminal);
    const code = await terminal.exit;
    t.deepEqual(agent.failures, []);
    t.regex(terminal.screen, /\bisig icanon echo\b/, 'the terminal is as it was');
    return { code, screen: terminal.screen };
  } finally {
    terminal.kill();
    await agent.close();
  }
}

function asking(expected: string, text = 'Enter PIN: '): { script: Script; got: (string | null)[] } {
  const got: (string | null)[] = [];
  return {
    got,
    script: async (_call, caller) => {
      caller.reply({});
      const answer = await caller.ask(text);
      got.push(answer);
      if (answer === expected) caller.result({ token: 'org.scauth.piv:1234' });
      else caller.result({ error: 'wrong-pin', message: 'Wrong PIN. 2 tries left.', triesLeft: 2 });
    },
  };
}

test('the PIN is not shown', async (t) => {
  const { script } = asking('123456');
  const { code, screen } = await onTerminal(t, script, '$SC_AUTH verifypin', async (terminal) => {
    await terminal.expect('Enter PIN: ');
    terminal.send('123456\r');
  });
  t.is(code, 0);
  t.regex(screen, /Enter PIN: \r\nPIN verified\r\n/);
  t.notRegex(screen, /123456/);
});

test('Backspace takes back a character, Ctrl-U the line; arrow keys are no text', async (t) => {
  const { script, got } = asking('1é2');
  await onTerminal(t, script, '$SC_AUTH verifypin', async (terminal) => {
    await terminal.expect('Enter PIN: ');
    terminal.send('wrong\x151é\x1b[A\x1bOP\x1b[3~ü\x7f23\x7f\t\r');
  });
  t.deepEqual(got, ['1é2']);
});

for (const [name, key] of [
  ['Ctrl-C', '\x03'],
  ['Ctrl-D', '\x04'],
] as const) {
  test(`L5: ${name} at the PIN cancels, and echo is on again`, async (t) => {
    const { script, got } = asking('123456');
    const { code, screen } = await onTerminal(t, script, '$SC_AUTH verifypin', async (terminal) => {
      await terminal.expect('Enter PIN: ');
      terminal.send(`1234${key}`);
    });
    t.is(code, 130);
    t.deepEqual(got, [null]);
    t.regex(screen, /Cancelled\.\r\n/);
    t.notRegex(screen, /1234/);
  });
}

test('Ctrl-C while scauthd works cancels', async (t) => {
  const { code } = await onTerminal(
    t,
    async (_call, caller) => {
      caller.reply({});
      caller.send({ type: 'tell', kind: 'information', text: 'Touch the card.' });
      await caller.answer();
    },
    '$SC_AUTH verifypin',
    async (terminal) => {
      await terminal.expect('Touch the card.');
      terminal.send('\x03');
    },
  );
  t.is(code, 130);
});

for (const [signal, code] of [
  ['TERM', 143],
  ['INT', 130],
  ['HUP', 129],
] as const) {
  test(`SIG${signal} at the PIN puts the terminal back`, async (t) => {
    const { script } = asking('123456');
    const outcome = await onTerminal(
      t,
      script,
      'sh -c \'echo "<$$>"; exec $SC_AUTH verifypin\'',
      async (terminal) => {
        await terminal.expect('Enter PIN: ');
        process.kill(Number(/<(\d+)>/.exec(terminal.screen)?.[1]), `SIG${signal}`);
      },
    );
    t.is(outcome.code, code);
  });
}

test('L20: scauthd ends while the PIN is typed: nothing of it is shown, also not later', async (t) => {
  const typed = Promise.withResolvers<undefined>();
  const { code, screen } = await onTerminal(
    t,
    async (_call, caller) => {
      caller.reply({});
      caller.send({ type: 'ask', echo: false, text: 'Enter PIN: ' });
      await typed.promise;
      caller.end();
    },
    '$SC_AUTH verifypin',
    async (terminal) => {
      await terminal.expect('Enter PIN: ');
      terminal.send('1234');
      // On a busy machine the end could overtake the keys on their way through the terminal, and what is typed behind
      // the command is shown by right. Nothing tells that they have arrived: that is what the test is about.
      await setTimeout(1000);
      typed.resolve(undefined);
    },
  );
  t.is(code, 5);
  t.regex(screen, /scauthd no longer waits for the answer\./);
  t.notRegex(screen, /1234/);
});

test('L20: what was typed before its question is not used', async (t) => {
  const got: (string | null)[] = [];
  const go = Promise.withResolvers<undefined>();
  const { screen } = await onTerminal(
    t,
    async (_call, caller) => {
      await go.promise;
      // Reply and question in one piece: the question is there before the keyboard is read for the first time.
      const ask = encodeFrame({ type: 'ask', echo: false, text: 'First: ' });
      caller.raw(Buffer.concat([encodeMessage({ parameters: {} }), ask]));
      got.push((await caller.answer())?.secret.toString() ?? null);
      got.push(await caller.ask('Second: '));
      caller.result({ token: 'org.scauth.piv:1234' });
    },
    '$SC_AUTH verifypin',
    async (terminal) => {
      terminal.send('too-early\r');
      await terminal.expect('too-early');
      go.resolve(undefined);
      await terminal.expect('First: ');
      terminal.send('one\rsame-burst\r');
      await terminal.expect('Second: ');
      terminal.send('two\r');
    },
  );
  t.deepEqual(got, ['one', 'two']);
  t.notRegex(screen, /burst|one\r|two/);
});

for (const [typed, shown] of [
  ['yex\x7fs', 'yes'],
  ['2', '2'],
  ['correct horse', ''],
  ['yesterday', ''],
  ['739154', ''],
] as const)
  test(`U: at a question that asks for no secret "${shown}" is shown of ${typed.length} keys`, async (t) => {
    const got: (string | null)[] = [];
    const { screen } = await onTerminal(
      t,
      async (_call, caller) => {
        caller.reply({});
        got.push(await caller.ask('Only 1 try left. Type yes to use it: ', true));
        caller.result({ token: 'org.scauth.piv:1234' });
      },
      '$SC_AUTH verifypin',
      async (terminal) => {
        await terminal.expect('use it: ');
        terminal.send(`${typed}\r`);
      },
    );
    t.deepEqual(got, [typed.replace('x\x7f', '')]);
    t.true(screen.includes(`use it: ${shown}\r\n`), screen);
    // Nothing before Enter: half a password is a password's half.
    if (shown === '') t.false(screen.split('use it: ')[1]?.includes(typed.slice(0, 3)));
  });

const twoKeys: Script = (call, caller) => {
  if (call.method.endsWith('AddPairing'))
    caller.reply({ pairing: pairing({ hash: String(call.parameters['hash']) }) });
  else caller.reply({ identities: [identity(), identity({ hash: OTHER_HASH, label: 'PIV:\x1b[2Jsecond' })] });
};

test('pair without a hash: the person chooses by number', async (t) => {
  const { code, screen } = await onTerminal(t, twoKeys, '$SC_AUTH pair -u alice', async (terminal) => {
    await terminal.expect('Which one? 1-2, Enter = none: ');
    terminal.send('7\r');
    await terminal.expect('That is none of the numbers.');
    await terminal.expect('Which one?');
    terminal.send('2\r');
  });
  t.is(code, 0);
  t.true(screen.includes(`Unpaired identities:\r\n1\t${HASH}\t`));
  t.true(screen.includes(`2\t${OTHER_HASH}\tPIV:?[2Jsecond\r\n`));
  t.true(screen.includes(`Paired ${OTHER_HASH} with alice.\r\n`));
});

test('pair without a hash: Enter takes none of several, and the only one', async (t) => {
  const none = await onTerminal(t, twoKeys, '$SC_AUTH pair -u alice', async (terminal) => {
    await terminal.expect('Enter = none: ');
    terminal.send('\r');
  });
  t.is(none.code, 130);
  t.true(none.screen.includes('Cancelled. Nothing was paired.'));
  const one = await onTerminal(t, oneKey, '$SC_AUTH pair -u alice', async (terminal) => {
    await terminal.expect('Pair it? y or n, Enter = yes: ');
    terminal.send('\r');
  });
  t.is(one.code, 0);
});

const oneKey: Script = (call, caller) => {
  caller.reply(call.method.endsWith('AddPairing') ? { pairing: pairing() } : { identities: [identity()] });
};

const paired: Script = (call, caller) => {
  const pairings = [pairing(), pairing({ hash: OTHER_HASH })];
  if (call.method.endsWith('ListPairings')) caller.reply({ pairings, next: null });
  else caller.reply({ removed: call.parameters['all'] === true ? pairings : [pairings[1]], more: 0 });
};

test('U: unpair asks which, and removes nothing before an answer', async (t) => {
  for (const [keys, code, shown] of [
    ['\r', 130, 'Nothing was unpaired.'],
    ['n\r', 130, 'Nothing was unpaired.'],
    ['yes\r2\r', 0, `Unpaired ${OTHER_HASH} from alice.`],
    ['all\r', 0, `Unpaired ${HASH} from alice.`],
  ] as const) {
    const { code: ended, screen } = await onTerminal(
      t,
      paired,
      'SUDO_USER=alice $SC_AUTH unpair',
      async (terminal) => {
        for (const key of keys.match(/[^\r]*\r/g) ?? []) {
          await terminal.expect('1-2 or all, Enter = none: ');
          terminal.send(key);
        }
      },
    );
    t.is(ended, code, screen);
    t.true(screen.includes(shown), screen);
    t.is(screen.includes('Unpaired'), code === 0);
  }
});

test('U: list says on a terminal that there is nothing, and is silent in a pipe', async (t) => {
  const nothing: Script = (_call, caller) => {
    caller.reply({ pairings: [], next: null });
  };
  const here = await onTerminal(t, nothing, '$SC_AUTH list -u alice', () => undefined);
  t.true(here.screen.startsWith('No card is paired with alice. To pair one: sc_auth pair\r\n'));
  const piped = await onTerminal(t, nothing, '$SC_AUTH list -u alice 2>&1 | cat', () => undefined);
  t.true(piped.screen.startsWith('[0]'), piped.screen);
});

for (const [typed, code] of [
  ['y', 0],
  ['Yes', 0],
  ['n', 130],
  ['no', 130],
] as const)
  test(`U: "Pair it?" takes ${typed}, and shows no password that was typed there`, async (t) => {
    const one = await onTerminal(t, oneKey, '$SC_AUTH pair -u alice', async (terminal) => {
      await terminal.expect('Enter = yes: ');
      terminal.send('correct horse\r');
      await terminal.expect('Type y or n.');
      await terminal.expect('Enter = yes: ');
      terminal.send(`${typed}\r`);
    });
    t.is(one.code, code);
    t.notRegex(one.screen, /c.?o.?r.?r|horse/);
    t.is(one.screen.includes('Nothing was paired.'), code !== 0);
  });
