// L20: on a real terminal, what is typed while the agent works is not shown and reaches nobody, and no way of
// ending the wait leaves the terminal without echo. The person and the terminal: pty_session.c.
import { execFile } from 'node:child_process';
import { constants } from 'node:os';
import { promisify } from 'node:util';

import test, { type ExecutionContext } from 'ava';

import { buildPam, MODULES, program, type ModuleName } from './build.ts';
import { makePamFolder, PAM } from './client.ts';

const { SIGINT, SIGTERM } = constants.signals;

interface Session {
  readonly values: Readonly<Record<string, string>>;
  readonly answers: readonly string[];
  readonly screen: string;
  /** The application's line on the screen: code, whether its handler ran, whether a signal is still held back. */
  readonly report: string;
}

async function play(t: ExecutionContext, scenario: string, module: ModuleName = 'plain'): Promise<Session> {
  const place = makePamFolder();
  t.teardown(() => {
    place.remove();
  });
  const timeout = scenario === 'silence' ? 1 : 20;
  place.writeService('alone', [
    `auth required ${MODULES[module]} socket=${place.socketPath} timeout=${timeout}`,
  ]);
  const { stdout } = await promisify(execFile)(program('pty_session', 'plain'), [place.folder, scenario]);
  const [lines = '', screen = ''] = stdout.split(/^screen=/m);
  const pairs = lines
    .trim()
    .split('\n')
    .map((line) => line.split('=') as [string, string]);
  return {
    values: Object.fromEntries(pairs),
    answers: pairs.filter(([key]) => key === 'answer').map(([, value]) => value),
    screen,
    report: /\[(code=.*) ready\]/.exec(screen)?.[1] ?? '',
  };
}

test.before(buildPam);

for (const [scenario, code] of [
  ['typed-ahead', PAM.AUTH_ERR],
  ['silence', PAM.AUTHINFO_UNAVAIL],
] as const) {
  test(`L20: ${scenario}: what is typed during the wait is not shown and does not reach the next reader`, async (t) => {
    const session = await play(t, scenario);
    t.is(session.values['echo-while-waiting'], 'off');
    t.is(session.values['echo-afterwards'], 'on');
    t.is(session.report, `code=${code} handled=0 held=0`);
    t.notRegex(session.screen, /hush/);
    t.regex(session.screen, /\[next=whoami end\]/);
    t.deepEqual(session.answers, ['0:123456']);
  });
}

test('L20: what is typed during the wait does not answer the next question', async (t) => {
  const session = await play(t, 'second-ask');
  t.deepEqual(session.answers, ['0:123456', '0:654321']);
  t.notRegex(session.screen, /999999/);
  t.is(session.values['echo-afterwards'], 'on');
});

for (const [scenario, signal] of [
  ['interrupt', SIGINT],
  ['terminate', SIGTERM],
] as const) {
  test(`L20: ${scenario} ends the program as ever, with the echo back`, async (t) => {
    const session = await play(t, scenario);
    t.is(session.values['echo-while-waiting'], 'off');
    t.is(session.values['echo-afterwards'], 'on');
    t.is(session.values['signal'], String(signal));
  });
}

test('L20: a program that handles Ctrl-C gets it, and the wait ends as cancelled', async (t) => {
  const session = await play(t, 'interrupt-handled');
  t.is(session.report, `code=${PAM.CONV_ERR} handled=1 held=0`);
  t.is(session.values['echo-afterwards'], 'on');
});

test('L20: a program that ignores Ctrl-C goes on to the verdict', async (t) => {
  const session = await play(t, 'interrupt-ignored');
  t.is(session.report, `code=${PAM.AUTH_ERR} handled=0 held=0`);
  t.is(session.values['echo-afterwards'], 'on');
});

test('L20: in the background the terminal is left alone, and nothing stops us', async (t) => {
  const session = await play(t, 'background');
  t.is(session.values['echo-while-waiting'], 'on');
  t.is(session.report, `code=${PAM.AUTH_ERR} handled=0 held=0`);
});
