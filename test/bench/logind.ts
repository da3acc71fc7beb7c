// The same login on a machine with logind (python-dbusmock plays it), in the person's session at the seat: scauthd asks
// whose session it is.
import { LogindMock } from '../kit/logind/logind-mock.ts';
import { Units } from '../kit/logind/units.ts';
import { figure, type Figure } from './figures.ts';
import { Rig } from './rig.ts';
import { compareLogin } from './wall.ts';

const SESSION = '4';
/** Where scauthd sees that there is a logind; and what the stopwatch starts is in the session. */
const ENTER = 'mkdir -p /run/systemd/seats && pidof stopwatch >"$1/cgroup.procs"';

async function inSession(rig: Rig, pairs: number): Promise<Figure[]> {
  const { oursMs, theirsMs } = await compareLogin(rig, 'p256', 0, pairs);
  if (!rig.lastRecord().includes(`"session":{"uid":"${SESSION}"`))
    throw new Error(`scauthd saw no session: ${rig.lastRecord()}`);
  return [
    figure('login-wall-ratio-to-bare-p256-with-logind', oursMs / theirsMs, 'ratio', 1.3),
    figure('login-wall-ms-p256-with-logind', oursMs, 'ms'),
    figure('bare-wall-ms-p256-with-logind', theirsMs, 'ms'),
  ];
}

export async function logindFigures(pairs: number): Promise<Figure[]> {
  process.stderr.write(`login with p256 and a logind, ${pairs} pairs\n`);
  const rig = await Rig.start('p256');
  const { sandbox } = rig;
  const units = await Units.start(sandbox);
  try {
    const logind = await LogindMock.startIn(sandbox);
    const session = await units.make(`user.slice/session-${SESSION}.scope`);
    const { code, stderr } = await sandbox.exec(['sh', '-c', ENTER, 'sh', session]);
    if (code !== 0) throw new Error(`no session: ${stderr}`);
    await logind.add({ id: SESSION, uid: sandbox.uid, user: sandbox.user, type: 'x11', display: ':0' });
    await logind.setDisplay(sandbox.uid, SESSION);
    const figures = await inSession(rig, pairs);
    logind.stop();
    return figures;
  } finally {
    await rig.stop();
    units.remove();
  }
}
