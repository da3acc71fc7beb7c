// Where a peer comes from, by the real D-Bus and dbusmock's logind; the units are what a test says (remote-session.test
// in e2e has real ones).

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Variant } from 'dbus-native';
import type { ProcessUnit } from '../../../agent/base/process-unit.ts';
import { Login1 } from '../../../agent/logind/login1.ts';
import {
  LogindSessions,
  type PeerSessionParts,
  type ProcessFacts,
} from '../../../agent/logind/peer-sessions.ts';
import type { PeerSession } from '../../../agent/model/peer-session.ts';
import { LogindMock } from '../../kit/logind/logind-mock.ts';

const folder = mkdtempSync(join(tmpdir(), 'scauth-logind-'));
const socket = join(folder, 'bus');
const seats = join(folder, 'seats');
const login1 = new Login1(socket);
let logind: LogindMock;

test.before(async () => {
  mkdirSync(seats);
  logind = await LogindMock.start({
    spawn: ([program = '', ...args], env) => spawn(program, args, { env: { ...process.env, ...env } }),
    path: (path) => path,
    socket,
  });
  await logind.add({ id: '3', uid: 1000, user: 'ada', display: ':0' });
  await logind.setDisplay(1000, '3');
  await logind.add({
    id: '5',
    uid: 1001,
    user: 'bob',
    seat: null,
    remoteHost: '192.0.2.7',
    type: 'tty',
    tty: 'pts/3',
  });
});

test.after.always(() => {
  login1.close();
  logind.stop();
  rmSync(folder, { recursive: true });
});

const peer = { pid: 77, uid: 1000, gid: 1000 };
const manager = (uid: number): ProcessUnit => ({ kind: 'user-manager', uid });
const session = (id: string): ProcessUnit => ({ kind: 'session', id });

function source(
  units: Readonly<Record<number, ProcessUnit>>,
  over: Partial<ProcessFacts & PeerSessionParts> = {},
) {
  return new LogindSessions({
    login1,
    seats,
    deadlineMs: 10_000,
    processes: {
      unitOf: (pid) => units[pid] ?? null,
      startTicksOf: (pid) => (pid === peer.pid ? 500 : 100),
      effectiveUidOf: () => 1000,
      auditSessionOf: () => null,
      ...over,
    },
    ...over,
  });
}

const where = (
  unit: ProcessUnit,
  over: Partial<ProcessFacts & PeerSessionParts> = {},
): Promise<PeerSession> => source({ 77: unit }, over).sessionOf(peer);

test.serial('a session at the seat is local, with all that logind says of it', async (t) => {
  const found = await where(session('3'));
  t.is(found.place, 'local');
  t.is(found.detail, 'Session 3 of ada at seat0 (x11 :0)');
  t.like(found.session, {
    id: '3',
    uid: 1000,
    user: 'ada',
    seat: 'seat0',
    type: 'x11',
    class: 'user',
    remote: false,
  });
});

test.serial('L18: a session from another host is remote', async (t) => {
  const found = await where(session('5'));
  t.is(found.place, 'remote');
  t.is(found.detail, 'Session 5 of bob, from 192.0.2.7');
  t.like(found.session, { tty: 'pts/3', seat: null });
});

test.serial('L18: ssh to this very machine is at no seat, so it is not local', async (t) => {
  await logind.add({
    id: '6',
    uid: 1002,
    user: 'eve',
    seat: null,
    remoteHost: 'localhost',
    remote: false,
    type: 'tty',
  });
  const found = await where(session('6'));
  t.is(found.place, 'unclear');
  t.is(found.detail, 'Session 6 of eve (tty) is at no seat of this machine (from localhost)');
});

test.serial('what is left of a session that has ended is not local', async (t) => {
  await logind.change('3', { State: new Variant('s', 'closing') });
  t.is((await where(session('3'))).place, 'unclear');
  await logind.change('3', { State: new Variant('s', 'active') });
});

test.serial('where a session is found is asked once, what it says each time', async (t) => {
  await where(session('3'));
  const before = (await logind.callsOf('GetSession')).length;
  t.is((await where(session('3'))).place, 'local');
  t.is((await logind.callsOf('GetSession')).length, before);
  await logind.change('3', { Remote: new Variant('b', true), RemoteHost: new Variant('s', '192.0.2.9') });
  t.is((await where(session('3'))).place, 'remote');
  await logind.change('3', { Remote: new Variant('b', false), RemoteHost: new Variant('s', '') });
});

test.serial('what is found at a session’s place and has another id is not it', async (t) => {
  t.is((await where(session('3'))).place, 'local');
  await logind.change('3', { Id: new Variant('s', '9') });
  const found = await where(session('3'));
  t.is(found.place, 'unclear');
  t.is(found.session, null);
  await logind.change('3', { Id: new Variant('s', '3') });
});

test.serial(
  'a session that has ended is no more where it was, and one of its id is found anew',
  async (t) => {
    const one = { id: '11', uid: 1000, user: 'ada', type: 'tty', tty: 'tty4' };
    await logind.add(one);
    t.is((await where(session('11'))).place, 'local');
    await logind.remove(one);
    t.is((await where(session('11'))).place, 'unclear');
    await logind.add(one);
    t.is((await where(session('11'))).place, 'local');
    await logind.remove(one);
  },
);

test.serial('a program of the user’s manager has the user’s session', async (t) => {
  const found = await where(manager(1000));
  t.is(found.place, 'local');
  t.is(found.session?.id, '3');
  t.is((await where(manager(1001))).place, 'remote');
});

test.serial('L18: with a session from elsewhere too, a program of the manager is not local', async (t) => {
  await logind.add({ id: '8', uid: 1000, user: 'ada', seat: null, remoteHost: '192.0.2.9', type: 'tty' });
  const found = await where(manager(1000));
  t.is(found.place, 'unclear');
  t.is(found.detail, 'It may belong to another session too. Session 8 of ada, from 192.0.2.9');
  t.is((await where(session('3'))).place, 'local', 'what is in the local session itself is');
  // The manager's own session and that of a job are nobody's who sits somewhere.
  await logind.change('8', { Class: new Variant('s', 'manager') });
  t.is((await where(manager(1000))).place, 'local');
  await logind.remove({ id: '8', uid: 1000 });
});

test.serial('a session that logind does not know, a user without one: unclear', async (t) => {
  t.is((await where(session('99'))).place, 'unclear');
  t.is((await where(manager(4711))).place, 'unclear');
});

test.serial('a service of the system is none; what a login has left behind there is unclear', async (t) => {
  const ssh: ProcessUnit = { kind: 'system', name: 'ssh.service' };
  t.is((await where(ssh)).place, 'none');
  t.is((await where(ssh, { auditSessionOf: (pid) => (pid === 77 ? '12' : null) })).place, 'unclear');
  t.is(
    (await where(ssh, { auditSessionOf: () => '12' })).place,
    'none',
    'scauthd was started by that login too',
  );
  t.is((await where({ kind: 'contradictory' })).place, 'unclear');
});

test.serial('L18: polkit’s helper has the session of the agent that it works for', async (t) => {
  const helper: ProcessUnit = { kind: 'for-client', name: 'polkit-agent-helper', pid: 40, uid: 1000 };
  const place = async (agent: ProcessUnit, over: Partial<ProcessFacts> = {}) =>
    (await source({ 77: helper, 40: agent }, over).sessionOf(peer)).place;
  t.is(await place(session('3')), 'local');
  t.is(await place(session('5')), 'remote');
  // The number of the agent is another's by now, or the agent is gone.
  t.is(await place(session('3'), { startTicksOf: (pid) => (pid === 77 ? 500 : 501) }), 'unclear');
  t.is(await place(session('3'), { effectiveUidOf: () => 0 }), 'unclear');
  t.is((await source({ 77: helper }).sessionOf(peer)).place, 'unclear');
  t.is(await place(helper), 'unclear');
});

test.serial('L19: a process that has ended meanwhile is nobody', async (t) => {
  const ended = { ...peer, process: { runs: () => false } };
  const found = await source({ 77: session('3') }).sessionOf(ended);
  t.is(found.place, 'unclear');
  t.is(found.session, null);
});

test.serial('L19: where the process is hidden from us, logind is asked by its number', async (t) => {
  t.is((await source({}).sessionOf(peer)).place, 'unclear', 'this logind does not know');
  await logind.addMethod('GetSessionByPID', 'u', 'o', 'ret = "/org/freedesktop/login1/session/3"');
  t.is((await source({}).sessionOf(peer)).place, 'local');
});

test.serial('without logind nobody knows, and no bus is asked', async (t) => {
  const nowhere = new Login1(join(folder, 'no-bus'));
  t.is((await where(session('3'), { login1: nowhere, seats: join(folder, 'no-seats') })).place, 'unknown');
  // logind is there, and the bus is not: in doubt it is not local.
  t.is((await where(session('3'), { login1: nowhere })).place, 'unclear');
});

test.serial(
  'a logind that hangs: unclear within the deadline, and the next question is answered again',
  async (t) => {
    logind.freeze(true);
    const log: string[] = [];
    const found = await where(session('3'), { deadlineMs: 50, log: (line) => log.push(line) });
    t.is(found.place, 'unclear');
    t.deepEqual(log, ['no session for pid 77: logind does not answer']);
    logind.freeze(false);
    t.is((await where(session('3'))).place, 'local');
  },
);

test.serial('an answer that makes no sense is unclear', async (t) => {
  await logind.change('5', { Remote: new Variant('s', 'no') });
  t.is((await where(session('5'))).place, 'unclear');
  await logind.change('5', { Remote: new Variant('b', true), RemoteHost: new Variant('s', '\u001b[2Jx') });
  t.is((await where(session('5'))).detail, 'Session 5 of bob, from ?[2Jx');
});
