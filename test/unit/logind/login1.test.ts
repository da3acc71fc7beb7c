// logind's answers as nobody should have to read them: what of them is refused. Those of a logind that is well are in
// test/system/login/peer-sessions.test.ts.

import test, { type ExecutionContext } from 'ava';
import { Variant } from 'dbus-native';
import { Login1 } from '../../../agent/logind/login1.ts';
import { FakeInfoPipe, type FakeAnswer } from '../../kit/sssd/fake-infopipe.ts';

const ROOT = '/org/freedesktop/login1';
const THREE: Readonly<Record<string, Variant>> = {
  Id: new Variant('s', '3'),
  User: new Variant('(uo)', [1000, `${ROOT}/user/_1000`]),
  Name: new Variant('s', 'ada'),
  Seat: new Variant('(so)', ['seat0', `${ROOT}/seat/seat0`]),
  Type: new Variant('s', 'x11'),
  Class: new Variant('s', 'user'),
  Display: new Variant('s', ':0'),
  TTY: new Variant('s', ''),
  Remote: new Variant('b', false),
  RemoteHost: new Variant('s', ''),
  State: new Variant('s', 'active'),
};

interface Answers {
  /** Where the session, or the user, is said to be. */
  readonly at?: { readonly signature: string; readonly body: unknown[] };
  readonly session?: FakeAnswer;
  readonly user?: FakeAnswer;
}

const properties = (all: Readonly<Record<string, Variant>>): FakeAnswer => ({
  signature: 'a{sv}',
  body: [Object.entries(all)],
});

/** A bus whose every call has these answers, and who asks there. */
async function logind(t: ExecutionContext, answers: Answers = {}) {
  const { at, session = properties(THREE), user } = answers;
  const bus = await new FakeInfoPipe().start();
  bus.answer = (message) => {
    const { member, body = [] } = message as { member?: string; body?: unknown[] };
    if (member !== 'GetAll') return at ?? { signature: 'o', body: [`${ROOT}/session/_33`] };
    return String(body[0]).endsWith('.User') ? user : session;
  };
  const login1 = new Login1(bus.socketPath);
  t.teardown(() => {
    login1.close();
    bus.stop();
  });
  return { bus, login1 };
}

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

test('a session as logind says it is', async (t) => {
  const { login1 } = await logind(t);
  t.like(await login1.session('3', soon()), { id: '3', uid: 1000, seat: 'seat0', remote: false, tty: null });
});

test('L19: an object that is none of logind’s is not asked', async (t) => {
  for (const at of [
    { signature: 'o', body: ['/'] },
    { signature: 'o', body: ['/org/freedesktop/login1'] },
    { signature: 'o', body: ['/org/freedesktop/login2/session/_33'] },
    { signature: 'u', body: [3] },
  ]) {
    const { bus, login1 } = await logind(t, { at });
    await t.throwsAsync(login1.session('3', soon()), { message: /object path/ }, String(at.body[0]));
    t.is(bus.calls.length, 1, 'nothing was asked there');
  }
});

test('L19: another session than the one that was asked for is nobody’s', async (t) => {
  const { login1 } = await logind(t, { session: properties({ ...THREE, Id: new Variant('s', '4') }) });
  await t.throwsAsync(login1.session('3', soon()), { message: /Id$/ });
});

test('L19: properties that are missing, or of another type, make no session', async (t) => {
  const wrong: [string, Variant | null][] = [
    ...Object.keys(THREE).map((name): [string, null] => [name, null]),
    ['Id', new Variant('u', 3)],
    ['User', new Variant('s', 'ada')],
    ['User', new Variant('(so)', ['1000', '/'])],
    ['Seat', new Variant('s', 'seat0')],
    ['Seat', new Variant('(uo)', [0, '/'])],
    ['Remote', new Variant('s', 'no')],
    ['State', new Variant('u', 1)],
    ['RemoteHost', new Variant('b', false)],
  ];
  for (const [name, value] of wrong) {
    const { [name]: _left, ...others } = THREE;
    const session = properties(value === null ? others : { ...others, [name]: value });
    const { login1 } = await logind(t, { session });
    await t.throwsAsync(login1.session('3', soon()), { message: /makes no sense/ }, name);
  }
  for (const session of [
    { signature: 's', body: ['x'] },
    { signature: '', body: [] },
  ]) {
    const { login1 } = await logind(t, { session });
    await t.throwsAsync(login1.session('3', soon()), { message: /makes no sense/ });
  }
});

test('S16: of a user with more sessions than anybody has none is looked at', async (t) => {
  const user = (count: number): FakeAnswer =>
    properties({
      Display: new Variant('(so)', ['', '/']),
      Sessions: new Variant(
        'a(so)',
        Array.from({ length: count }, (_, at) => [String(at), `${ROOT}/session/_${at}`]),
      ),
    });
  const few = await logind(t, { user: user(2) });
  t.like(await few.login1.sessionsOfUser(1000, soon()), { display: null, sessions: { length: 2 } });
  const many = await logind(t, { user: user(65) });
  await t.throwsAsync(many.login1.sessionsOfUser(1000, soon()), { message: /too many sessions/ });
  t.is(many.bus.calls.length, 2, 'none of them was asked');
});
