// Which process used the card: ids that come again, children, floods and waits.

import test from 'ava';
import type { ProcessFacts } from '../../agent/base/process-identity.ts';
import { isConsoleDevice } from '../../agent/base/process-identity.ts';
import { isOnConsole, LoginMemory } from '../../agent/login/login-memory.ts';
import { alice, bob } from './fakes.ts';
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
  t.true(small.size <= 256, String(small.size));
});

test('consoles by name and by the kernel’s device number', (t) => {
  const on = (tty: string | null, terminal: number, uid = 0): boolean =>
    isOnConsole({ peer: { pid: 5, uid, gid: 0 }, tty }, () => ({
      pid: 5,
      startedAt: 1,
      parentPid: 1,
      terminal,
    }));
  t.true(on('/dev/tty1', 0x401));
  t.true(on('tty3', 0));
  t.true(on('/dev/ttyS0', 0x440));
  t.true(on('/dev/console', 0x501));
  t.false(on('/dev/tty1', 0x8801), 'a pseudo-terminal, whatever PAM_TTY says');
  t.false(on('/dev/pts/1', 0x8801));
  t.false(on(':0', 0));
  t.false(on(null, 0x401));
  t.false(on('/dev/tty1', 0x401, 1000));
  t.false(on('/dev/tty1/../pts/1', 0));
  t.false(isOnConsole({ peer: { pid: 5, uid: 0, gid: 0 }, tty: '/dev/tty1' }, () => null));
  t.true(isConsoleDevice(0xcc40));
  t.false(isConsoleDevice(0x502), 'ptmx');
});
