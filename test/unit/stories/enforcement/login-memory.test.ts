// Which process used the card: ids that come again, children, floods and waits.

import test from 'ava';
import type { ProcessFacts } from '../../../../agent/base/process-identity.ts';
import { isThatConsole } from '../../../../agent/base/process-identity.ts';
import { isOnConsole } from '../../../../agent/stories/enforcement/console.ts';
import { LoginMemory } from '../../../../agent/stories/enforcement/login-memory.ts';
import type { PeerSession } from '../../../../agent/model/peer-session.ts';
import { alice, bob } from '../../../kit/story/fakes.ts';
import { HandClock } from './enforcement-fakes.ts';

/** Processes by id; [started, parent]. */
function world(first: Record<number, readonly [startedAt: number, parentPid: number]>) {
  const processes = new Map(Object.entries(first).map(([pid, facts]) => [Number(pid), facts] as const));
  const clock = new HandClock();
  const factsOf = (pid: number): ProcessFacts | null => {
    const [startedAt, parentPid] = processes.get(pid) ?? [];
    return startedAt === undefined || parentPid === undefined
      ? null
      : { pid, startedAt, parentPid, terminal: 0 };
  };
  return { clock, processes, memory: new LoginMemory(clock, factsOf) };
}

const by = (pid: number, service = 'sudo', uid = 0) => ({ peer: { pid, uid, gid: 0 }, service });

test('a process id that comes again is another process', (t) => {
  const { memory, processes } = world({ 5: [100, 1], 1: [0, 0] });
  memory.begin(by(5));
  memory.letIn(by(5), alice.name);
  t.is(memory.asked(by(5), alice.name), 'card');
  processes.set(5, [200, 1]);
  t.is(memory.asked(by(5), alice.name), 'nothing');
});

test('a process that cannot be seen was asked, as far as we know', (t) => {
  const { memory } = world({});
  memory.begin(by(5));
  memory.letIn(by(5), alice.name);
  t.is(memory.asked(by(5), alice.name), 'other');
});

test('who waits long at the password prompt was asked all the same', (t) => {
  const { memory, clock } = world({ 5: [100, 1], 1: [0, 0] });
  memory.begin(by(5));
  clock.pass(86_400_000);
  t.is(memory.asked(by(5), alice.name), 'other');
});

test('a name that came from the card counts for that name alone', (t) => {
  const { memory } = world({ 5: [100, 1], 1: [0, 0] });
  memory.begin(by(5, 'login'));
  memory.letIn(by(5, 'login'), alice.name);
  t.is(memory.asked(by(5, 'login'), bob.name), 'other');
});

test('a child of root’s process authenticates for it; of a user’s it does not', (t) => {
  const { memory, processes } = world({ 5: [100, 4], 4: [50, 1], 1: [0, 0] });
  memory.begin(by(5, 'sshd'));
  memory.letIn(by(5, 'sshd'), alice.name);
  processes.delete(5);
  t.is(memory.asked(by(4, 'sshd'), alice.name), 'card');
  t.is(memory.asked(by(4, 'sshd', 1000), alice.name), 'nothing');
  t.is(memory.asked(by(4, 'login'), alice.name), 'nothing');
});

test('a flood of processes pushes nobody out, and those that ended are forgotten', (t) => {
  const { memory, processes } = world({ 5: [100, 1], 1: [0, 0] });
  memory.begin(by(5));
  for (let pid = 1000; pid < 6000; pid += 1) {
    processes.set(pid, [pid, 1]);
    memory.begin(by(pid));
    // Every other one ends at once.
    if (pid % 2 === 0) processes.delete(pid);
  }
  t.is(memory.asked(by(5), alice.name), 'other');
  for (let pid = 1001; pid < 6000; pid += 2) t.is(memory.asked(by(pid), alice.name), 'other');
  for (let pid = 1001; pid < 6000; pid += 2) processes.delete(pid);
  const { memory: small, processes: ended } = world({ 1: [0, 0] });
  for (let pid = 1000; pid < 6000; pid += 1) {
    ended.set(pid, [pid, 1]);
    small.begin(by(pid));
    ended.delete(pid);
  }
  t.true(small.size <= 260, String(small.size));
});

test('S1: however many wait at a prompt, memory is bounded, and the newest are remembered', (t) => {
  const { memory, processes } = world({ 1: [0, 0] });
  for (let pid = 1000; pid < 21_000; pid += 1) {
    processes.set(pid, [pid, 1]);
    memory.begin(by(pid));
  }
  t.true(memory.size < 10_000, String(memory.size));
  t.is(memory.asked(by(20_999), alice.name), 'other');
  // What was pushed out is not known any more: the relay is asked then (permit-entry.test.ts).
  t.is(memory.asked(by(1000), alice.name), 'nothing');
});

/** A session as logind vouches for it. */
function session(state: string, seat: string | null): PeerSession {
  const more = { type: 'tty', class: 'user', display: null, tty: 'tty1', remote: false, remoteHost: null };
  return {
    place: seat === null ? 'unclear' : 'local',
    session: { id: '1', uid: 0, user: 'root', seat, state, ...more },
    detail: '',
  };
}

test('S6: a console is the controlling terminal that PAM_TTY names, of a program that root started', (t) => {
  const on = (tty: string | null, terminal: number | null, realUid: number | null = 0, uid = 0): boolean =>
    isOnConsole({ peer: { pid: 5, uid, gid: 0 }, tty }, undefined, {
      terminalOf: () => terminal,
      realUidOf: () => realUid,
    });
  t.true(on('/dev/tty1', 0x401));
  t.true(on('tty3', 0x403));
  t.true(on('/dev/ttyS0', 0x440));
  t.true(on('/dev/console', 0x501));
  t.true(on('console', 0x440), 'the kernel names what is behind /dev/console');
  t.false(on('/dev/tty1', 0), 'no controlling terminal');
  t.false(on('/dev/tty1', 0x402), 'another one');
  t.false(on('/dev/tty1', 0x8801), 'a pseudo-terminal, whatever PAM_TTY says');
  t.false(on('/dev/ttyS0', 0x440, 1000), 'a user’s su on a line that dialout may open');
  t.false(on('/dev/ttyS0', 0x440, null));
  t.false(on('/dev/pts/1', 0x8801));
  t.false(on(':0', 0));
  t.false(on(null, 0x401));
  t.false(on('/dev/tty1', 0x401, 0, 1000));
  t.false(on('/dev/tty1/../pts/1', 0x401));
  t.false(on('/dev/tty1', null), 'gone');
});

test('S6: without a controlling terminal logind’s active session of a seat vouches, and nothing else', (t) => {
  const on = (one: PeerSession, tty = '/dev/tty1', terminal = 0): boolean =>
    isOnConsole({ peer: { pid: 5, uid: 0, gid: 0 }, tty }, one, {
      terminalOf: () => terminal,
      realUidOf: () => 1000,
    });
  t.true(on(session('active', 'seat0')));
  t.true(on(session('active', 'seat0'), 'tty1', 0x401), 'a su there');
  t.false(on(session('online', 'seat0')), 'somebody else is in front');
  t.false(on(session('active', null)));
  t.false(on({ place: 'none', session: null, detail: '' }));
  t.false(on({ place: 'unknown', session: null, detail: '' }));
  t.false(on(session('active', 'seat0'), ':0'));
  t.false(on(session('active', 'seat0'), 'tty1', 0x8801), 'a pseudo-terminal');
});

test('S6: names and device numbers of consoles', (t) => {
  t.true(isThatConsole('/dev/ttyAMA0', 0xcc40));
  t.true(isThatConsole('hvc0', 0xe500));
  t.false(isThatConsole('console', 0x502), 'ptmx');
  t.false(isThatConsole('tty64', 0x440), 'that is ttyS0');
  t.false(isThatConsole('ttyS', 0x440));
  t.false(isThatConsole('console', 0));
});
