// A card is required: root at a seat gets in by password where logind says that it is one, and by no claim of a program.
import test from 'ava';
import { Variant } from 'dbus-native';
import { LogindMock } from '../../kit/logind/logind-mock.ts';
import { Units } from '../../kit/logind/units.ts';
import { enforced, requireAccountPhase } from '../../kit/person/enforcement.ts';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

let sandbox: Sandbox;
let units: Units | null = null;

test.before(async () => {
  sandbox = await Sandbox.start({ config: '' });
  requireAccountPhase(sandbox);
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
  await enforced(sandbox, 'on', '--agent-absent', 'closed');
  await person.expectCardLogin(sandbox);
  await person.untilAgentSays(sandbox, 'confirmed by the card login');
  await person.pullCard(sandbox);
});
test.after.always(async () => {
  await sandbox.stop();
  units?.remove();
});

test.serial('S6: root at a seat by logind’s word gets in, and by PAM_TTY alone does not', async (t) => {
  const made = await sandbox.exec(['mkdir', '-p', '/run/systemd/seats']);
  t.is(made.code, 0);
  units = await Units.start(sandbox);
  const logind = await LogindMock.startIn(sandbox);
  t.teardown(() => {
    logind.stop();
  });
  await logind.add({ id: '9', uid: 0, user: 'root', type: 'tty', tty: 'tty1' });
  const login = ['pamtester', '-I', 'tty=/dev/tty1', 'login', 'root', 'authenticate', 'acct_mgmt'];
  const byPassword = async (argv: readonly string[]) =>
    sandbox.exec(argv, { input: `${sandbox.rootPassword}\n\n` });
  const inSession = await units.inside('user.slice/user-0.slice/session-9.scope', login, 'root');
  const atSeat = await byPassword(inSession);
  t.is(atSeat.code, 0, atSeat.stdout + atSeat.stderr);
  t.not((await byPassword(login)).code, 0, 'a process of no session');
  await logind.change('9', { State: new Variant('s', 'online') });
  t.not((await byPassword(inSession)).code, 0, 'a session that is not in front');
});
