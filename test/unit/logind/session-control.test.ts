// Locking and ending sessions where logind is not there, or does not know the session: that is said, and is no failure.

import test, { type ExecutionContext } from 'ava';
import { SessionControl } from '../../../agent/logind/session-control.ts';
import { FakeInfoPipe } from '../../kit/sssd/fake-infopipe.ts';

async function refusing(t: ExecutionContext, error: string): Promise<SessionControl> {
  const bus = await new FakeInfoPipe().start();
  t.teardown(() => {
    bus.stop();
  });
  bus.answer = () => ({ error });
  return new SessionControl(bus.socketPath);
}

test('without a system bus nothing is locked, and that is no failure', async (t) => {
  const control = new SessionControl('/nonexistent/bus');
  await t.notThrowsAsync(control.prepare());
  t.false(await control.lock('3'));
  t.false(await control.terminate('3'));
});

test('no logind, no such session: false; every other error is one', async (t) => {
  for (const name of [
    'org.freedesktop.DBus.Error.ServiceUnknown',
    'org.freedesktop.DBus.Error.NameHasNoOwner',
    'org.freedesktop.login1.NoSuchSession',
    'org.freedesktop.DBus.Error.UnknownObject',
  ])
    t.false(await (await refusing(t, name)).lock('3'), name);
  const denied = await refusing(t, 'org.freedesktop.DBus.Error.AccessDenied');
  await t.throwsAsync(denied.terminate('3'), { code: 'internal' } as object);
});
