// Whether the screen of this session is locked, and whether the session is the one in front: by logind, by the screen
// saver service of the session's bus, and by the lockers that tell nobody (i3lock, xsecurelock). In doubt it is locked:
// a dialog that does not open costs one more insertion.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { Bus } from './bus.ts';
import type { Environment } from './pinentry.ts';

export type Screen = 'open' | 'locked' | 'elsewhere';

/** Programs that run exactly while they lock. The kernel keeps 15 characters of a name. */
const LOCKERS: readonly string[] = [
  'i3lock',
  'xsecurelock',
  'swaylock',
  'waylock',
  'gtklock',
  'hyprlock',
  'physlock',
  'vlock',
  'slock',
  'xlock',
  'xtrlock',
  'xscreensaver-gf',
  'kscreenlocker_g',
];

/** Name and path; each has GetActive. */
const SAVERS: readonly (readonly [name: string, path: string])[] = [
  ['org.freedesktop.ScreenSaver', '/org/freedesktop/ScreenSaver'],
  ['org.freedesktop.ScreenSaver', '/ScreenSaver'],
  ['org.gnome.ScreenSaver', '/org/gnome/ScreenSaver'],
  ['org.cinnamon.ScreenSaver', '/org/cinnamon/ScreenSaver'],
  ['org.mate.ScreenSaver', '/org/mate/ScreenSaver'],
  ['org.xfce.ScreenSaver', '/org/xfce/ScreenSaver'],
];

const LOGIND = 'org.freedesktop.login1';

/** A locker of this user runs. */
function lockerRuns(uid: number): boolean {
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      if (statSync(`/proc/${name}`).uid !== uid) return false;
      return LOCKERS.includes(readFileSync(`/proc/${name}/comm`, 'latin1').trim());
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

async function byLogind(env: Environment): Promise<Screen> {
  const bus = await Bus.system();
  if (bus === null) return 'open';
  try {
    if (!(await bus.hasOwner(LOGIND))) return 'open';
    const id = env['XDG_SESSION_ID'];
    // Without a name: logind looks where the caller belongs, or which session the user looks at.
    const path =
      id === undefined || id === ''
        ? `/org/freedesktop/login1/session/auto`
        : await bus.call({
            destination: LOGIND,
            path: '/org/freedesktop/login1',
            interface: `${LOGIND}.Manager`,
            member: 'GetSession',
            signature: 's',
            body: [id],
          });
    if (typeof path !== 'string') return 'locked';
    const session = `${LOGIND}.Session`;
    if ((await bus.property(LOGIND, path, session, 'LockedHint')) === true) return 'locked';
    return (await bus.property(LOGIND, path, session, 'Active')) === false ? 'elsewhere' : 'open';
  } catch (error) {
    // A session that logind does not know is not locked by it; silence is no answer.
    const name = error instanceof Error && 'dbusName' in error ? error.dbusName : null;
    return typeof name === 'string' ? 'open' : 'locked';
  } finally {
    bus.close();
  }
}

async function saverActive(env: Environment): Promise<boolean> {
  const bus = await Bus.session(env);
  if (bus === null) return false;
  try {
    for (const [name, path] of SAVERS) {
      if (!(await bus.hasOwner(name))) continue;
      try {
        if ((await bus.call({ destination: name, path, interface: name, member: 'GetActive' })) === true)
          return true;
      } catch (error) {
        // Some own the name and have no such method; one that does not answer at all may be anything.
        if (!(error instanceof Error && 'dbusName' in error)) return true;
      }
    }
    return false;
  } finally {
    bus.close();
  }
}

export async function lookAtScreen(env: Environment, uid: number): Promise<Screen> {
  if (lockerRuns(uid)) return 'locked';
  const [logind, saver] = await Promise.all([byLogind(env), saverActive(env)]);
  return saver ? 'locked' : logind;
}
