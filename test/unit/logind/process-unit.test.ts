// /proc/PID/cgroup → unit: as systemd reads it, whatever users make of their own part of the tree.

import fc from 'fast-check';
import test from 'ava';
import { auditSessionOf, effectiveUidOf, startTicksOf } from '../../../agent/base/process-facts.ts';
import { parseProcessUnit, processUnitOf } from '../../../agent/base/process-unit.ts';

const user = '/user.slice/user-1000.slice';

test('a session, a user’s manager and what it started, services', (t) => {
  const unit = (path: string) => parseProcessUnit(`0::${path}\n`);
  t.deepEqual(unit(`${user}/session-3.scope`), { kind: 'session', id: '3' });
  t.deepEqual(unit(`${user}/session-c12.scope`), { kind: 'session', id: 'c12' });
  t.deepEqual(unit(`${user}/session-3.scope (deleted)`), { kind: 'session', id: '3' });
  t.deepEqual(unit(`${user}/user@1000.service/init.scope`), { kind: 'user-manager', uid: 1000 });
  t.deepEqual(unit(`${user}/user@1000.service/app.slice/vte-spawn-1.scope`), {
    kind: 'user-manager',
    uid: 1000,
  });
  t.deepEqual(unit('/system.slice/ssh.service'), { kind: 'system', name: 'ssh.service' });
  t.deepEqual(unit('/system.slice/system-getty.slice/getty@tty1.service'), {
    kind: 'system',
    name: 'getty@tty1.service',
  });
  t.deepEqual(unit('/init.scope'), { kind: 'system', name: 'init.scope' });
  t.deepEqual(unit('/'), { kind: 'system', name: '' });
  t.deepEqual(parseProcessUnit(''), { kind: 'system', name: '' });
});

test('a service that was started for one client has the client in its name', (t) => {
  const helper = '/system.slice/system-polkit\\x2dagent\\x2dhelper.slice/polkit-agent-helper@';
  const unit = (instance: string) => parseProcessUnit(`0::${helper}${instance}.service\n`);
  const client = { kind: 'for-client', name: 'polkit-agent-helper', pid: 4321, uid: 1000 };
  t.deepEqual(unit('7-4321-1000'), client);
  t.deepEqual(unit('7-4321_98765-1000'), client, 'with the id of the pidfd');
  t.deepEqual(unit('7-55-4321_98765-1000'), client, 'and with the cookie of the socket');
  t.deepEqual(unit('7-55-4321-1000'), client);
  t.like(unit('7-55-unknown'), { kind: 'for-client', pid: 0 });
  t.is(unit('7-10.0.0.1:22-10.0.0.9:4000').kind, 'system', 'one from the network has none');
  t.is(unit('7-55-10.0.0.1:22-10.0.0.9:4000').kind, 'system');
});

test('L18: a scope that a user makes in their own manager is no session', (t) => {
  for (const path of ['session-3.scope', 'app.slice/session-3.scope', 'a.slice/b.slice/user@0.service'])
    t.deepEqual(parseProcessUnit(`0::${user}/user@1000.service/${path}\n`), {
      kind: 'user-manager',
      uid: 1000,
    });
  t.is(parseProcessUnit(`0::${user}/session-3.scope/session-4.scope\n`).kind, 'session');
  for (const name of ['session-.scope', 'session-3-4.scope', 'session-../1.scope', 'xsession-3.scope'])
    t.is(parseProcessUnit(`0::${user}/${name}\n`).kind, 'system', name);
});

test('two hierarchies: the one that says something counts, and they may not disagree', (t) => {
  const both = (named: string, unified: string) =>
    parseProcessUnit(`1:name=systemd:${named}\n0::${unified}\n`);
  t.deepEqual(both(`${user}/session-3.scope`, '/'), { kind: 'session', id: '3' });
  t.deepEqual(both('/', `${user}/session-3.scope`), { kind: 'session', id: '3' });
  t.deepEqual(both(`${user}/session-3.scope`, `${user}/session-3.scope`), { kind: 'session', id: '3' });
  // In the old hierarchy a user may move a process of theirs into their own manager's part.
  t.is(both(`${user}/user@1000.service/x.scope`, `${user}/session-3.scope`).kind, 'contradictory');
  t.is(parseProcessUnit(`4:memory:${user}/session-3.scope\n0::/\n`).kind, 'system', 'memory is no unit');
});

test('elogind: the hierarchy’s path is the session', (t) => {
  t.deepEqual(parseProcessUnit('1:name=elogind:/5\n0::/\n'), { kind: 'session', id: '5' });
  t.is(parseProcessUnit('1:name=elogind:/\n0::/\n').kind, 'system');
  t.is(parseProcessUnit('1:name=elogind:/a/b\n0::/\n').kind, 'contradictory');
});

test('nothing that a file may hold throws', (t) => {
  const line = fc.tuple(fc.nat(20), fc.constantFrom('', 'name=systemd', 'name=elogind', 'pids'), fc.string());
  fc.assert(
    fc.property(fc.array(line), fc.string(), (lines, rest) => {
      parseProcessUnit(`${lines.map((parts) => parts.join(':/')).join('\n')}${rest}`);
    }),
  );
  t.pass();
});

test('facts of this process, and of one that there is not', (t) => {
  t.truthy(processUnitOf(process.pid));
  t.true((startTicksOf(process.pid) ?? 0) > 0);
  t.is(effectiveUidOf(process.pid), process.geteuid?.() ?? -1);
  t.notThrows(() => auditSessionOf(process.pid));
  const nobody = 2 ** 22 + 1; // above the largest pid_max
  for (const fact of [processUnitOf, startTicksOf, effectiveUidOf, auditSessionOf]) t.is(fact(nobody), null);
});
