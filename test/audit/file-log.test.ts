// The audit file: one valid line an event, in order, whatever names are in it; and a failed write is never silent.

import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { FileAuditLog } from '../../agent/audit/file-log.ts';
import { toOcsf } from '../../agent/audit/ocsf.ts';
import { AgentError } from '../../agent/base/errors.ts';
import type { AuditedKey, AuditEvent, LoginOutcome } from '../../agent/model/audit-event.ts';
import { parsePkhh } from '../../agent/model/key.ts';
import { temporaryFolder } from '../base/folders.ts';

const failed = { instanceOf: AgentError, code: 'internal' } as const;
const actor = { pid: 7, uid: 1000, gid: 1000 };
const key: AuditedKey = {
  pkhh: parsePkhh('0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8'),
  tokenId: 'org.scauth.piv:01',
  certificateSerial: '13C81A',
  certificateIssuer: 'CN=CA',
};

function login(outcome: LoginOutcome, more: object = {}): AuditEvent {
  return {
    kind: 'login',
    outcome,
    requestId: 'r1',
    user: 'alice',
    service: 'sudo',
    tty: '/dev/pts/1',
    rhost: null,
    peer: actor,
    key,
    rule: 'login.services',
    detail: null,
    ...more,
  };
}

const granted = login({ kind: 'granted' });

/** Each kind, with what OCSF wants of it: class, activity, status, severity. */
const kinds: readonly (readonly [AuditEvent, number, number, number, number])[] = [
  [granted, 3002, 7, 1, 1],
  [login({ kind: 'granted' }, { service: 'gdm-password' }), 3002, 1, 1, 1],
  [login({ kind: 'denied', reason: 'bad-proof' }), 3002, 7, 2, 3],
  [login({ kind: 'unavailable', reason: 'no-card' }), 3002, 7, 99, 1],
  [login({ kind: 'cancelled' }, { user: null, key: null, tty: null }), 3002, 7, 99, 1],
  [{ kind: 'pin-checked', good: true, tokenId: 'x:1', actor }, 3002, 6, 1, 1],
  [{ kind: 'pin-checked', good: false, tokenId: 'x:1', actor }, 3002, 6, 2, 1],
  [{ kind: 'pairing-added', user: 'alice', actor, key }, 3001, 99, 1, 1],
  [
    { kind: 'pairing-removed', user: 'alice', actor, key: { ...key, certificateSerial: null } },
    3001,
    99,
    1,
    1,
  ],
  [{ kind: 'pairing-refused', user: 'alice', actor, detail: 'wrong-password' }, 3001, 99, 2, 1],
  [{ kind: 'prompt-state', enabled: false, actor }, 3004, 3, 1, 1],
];

type Line = Record<string, unknown>;

for (const [event, classUid, activity, status, severity] of kinds) {
  const name = event.kind === 'login' ? `login ${event.outcome.kind} by ${event.service}` : event.kind;
  test(`${name} (status ${status}) has what OCSF requires`, (t) => {
    const line = toOcsf(event, 1234) as Line;
    t.like(line, {
      time: 1234,
      class_uid: classUid,
      activity_id: activity,
      type_uid: classUid * 100 + activity,
      category_uid: 3,
      severity_id: severity,
      status_id: status,
    });
    t.like(line['metadata'], { version: '1.3.0', product: { name: 'scauth' }, event_code: event.kind });
    if (classUid === 3002) t.truthy((line['service'] as Line)['name']);
    t.truthy(classUid === 3004 ? line['entity'] : line['user']);
    t.like(line['actor'], { process: { pid: 7 }, user: { uid: '1000' } });
  });
}

test('a login says which key, card, certificate, terminal and rule', (t) => {
  const line = toOcsf(login({ kind: 'denied', reason: 'bad-proof' }), 0) as Line;
  t.like(line['unmapped'], {
    pkhh: key.pkhh,
    token: key.tokenId,
    tty: '/dev/pts/1',
    rule: 'login.services',
    request_id: 'r1',
  });
  t.deepEqual(line['certificate'], { serial_number: '13C81A', issuer: 'CN=CA' });
  t.is(line['status_detail'], 'bad-proof');
  t.is(line['is_mfa'], false);
  t.is((toOcsf(login({ kind: 'granted' }), 0) as Line)['is_mfa'], true);
});

interface Place {
  readonly folder: string;
  readonly path: string;
  readonly log: FileAuditLog;
}

function place(t: ExecutionContext): Place {
  const folder = temporaryFolder(t);
  const path = join(folder, 'audit.jsonl');
  let time = 0;
  const log = new FileAuditLog(path, { nowMs: () => (time += 1), monotonicMs: () => 0 });
  t.teardown(() => log.close());
  return { folder, path, log };
}

function linesOf(path: string): Line[] {
  const text = readFileSync(path, 'utf8');
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

test('events are on disk when record returns, in order, also when many come at once', async (t) => {
  const { path, log } = place(t);
  await log.record(granted);
  t.is(linesOf(path).length, 1);
  await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      log.record(login({ kind: 'granted' }, { requestId: `r${index}` })),
    ),
  );
  const lines = linesOf(path);
  t.is(lines.length, 51);
  t.deepEqual(
    lines.map((line) => line['time']),
    Array.from({ length: 51 }, (_, index) => index + 1),
  );
  t.is(statSync(path).mode & 0o777, 0o600);
});

test('a second agent appends to what is there', async (t) => {
  const { path, log } = place(t);
  await log.record(login({ kind: 'cancelled' }));
  await log.close();
  const second = new FileAuditLog(path, { nowMs: () => 99, monotonicMs: () => 0 });
  await second.record(login({ kind: 'granted' }));
  await second.close();
  t.deepEqual(
    linesOf(path).map((line) => line['time']),
    [1, 99],
  );
});

test('hostile names stay on one line and change nothing else in it', async (t) => {
  const { path, log } = place(t);
  const hostile = [
    'a\nb',
    '","class_uid":1,"x":"',
    '\u001b[2J',
    '\u2028',
    '\0',
    '\ud800',
    '\r\n{"time":0}\r\n',
  ];
  for (const text of hostile) {
    await log.record(
      login(
        { kind: 'denied', reason: 'bad-proof' },
        { user: text, service: text, tty: text, rhost: text, detail: text },
      ),
    );
    await log.record({ kind: 'pairing-refused', user: text, actor, detail: text });
  }
  const lines = linesOf(path);
  t.is(lines.length, 2 * hostile.length);
  t.true(lines.every((line) => line['class_uid'] === 3002 || line['class_uid'] === 3001));
  t.is((lines[0]?.['user'] as Line)['name'], 'a\nb');
});

test('any text gives one line of JSON', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const line = JSON.stringify(toOcsf(login({ kind: 'granted' }, { user: text, rhost: text }), 0));
      return !/[\n\r\0]/.test(line) && (JSON.parse(line) as Line)['status_id'] === 1;
    }),
  );
  t.pass();
});

test('L14: a link, FIFO, hard link or file that others may write is refused, and nothing is written through it', async (t) => {
  const { folder, path, log } = place(t);
  const bait = join(folder, 'bait');
  writeFileSync(bait, '');
  symlinkSync(bait, path);
  await t.throwsAsync(log.record(granted), failed);
  rmSync(path);
  execFileSync('mkfifo', [path]);
  await t.throwsAsync(log.record(granted), failed);
  rmSync(path);
  linkSync(bait, path);
  await t.throwsAsync(log.record(granted), failed);
  rmSync(path);
  writeFileSync(path, '');
  chmodSync(path, 0o666);
  await t.throwsAsync(log.record(granted), failed);
  t.is(readFileSync(bait, 'utf8'), '');
  chmodSync(path, 0o600);
  await log.record(granted);
  t.is(linesOf(path).length, 1);
});

test('a write that fails is an error of its own event only; the next works', async (t) => {
  const { folder, log } = place(t);
  const later = new FileAuditLog(join(folder, 'absent/audit.jsonl'), {
    nowMs: () => 1,
    monotonicMs: () => 0,
  });
  const first = later.record(granted);
  await t.throwsAsync(first, failed);
  mkdirSync(join(folder, 'absent'));
  await later.record(granted);
  t.is(linesOf(join(folder, 'absent/audit.jsonl')).length, 1);
  await later.close();
  await log.close();
});

test('half a line that a full disk left is ended before the next', async (t) => {
  const { path, log } = place(t);
  await log.record(granted);
  await log.close();
  appendFileSync(path, '{"time":1,"cut');
  await log.record(granted);
  const lines = readFileSync(path, 'utf8').split('\n');
  t.is(lines.length, 4);
  t.notThrows(() => JSON.parse(lines[0] ?? '') as unknown);
  t.is(lines[1], '{"time":1,"cut');
  t.notThrows(() => JSON.parse(lines[2] ?? '') as unknown);
});

/** A file size limit stands for the full disk: the kernel cuts the write short, as it does there. */
test('a write that is cut short is an error, and the log is whole again afterwards', (t) => {
  const { path } = place(t);
  const child = `
    import { truncateSync } from 'node:fs';
    import { FileAuditLog } from './agent/audit/file-log.ts';
    process.on('SIGXFSZ', () => undefined);
    const path = ${JSON.stringify(path)};
    const log = new FileAuditLog(path, { nowMs: () => 1, monotonicMs: () => 0 });
    const event = { kind: 'prompt-state', enabled: true, actor: { pid: 1, uid: 0, gid: 0 } };
    const results = [];
    for (let i = 0; i < 4; i += 1) {
      await log.record(event).then(() => results.push('ok'), (error) => results.push(error.code));
    }
    truncateSync(path, 100);
    await log.record(event).then(() => results.push('ok'), (error) => results.push(error.code));
    console.log(results.join(' '));
  `;
  const output = execFileSync(
    'prlimit',
    ['--fsize=1000', process.execPath, '--input-type=module', '-e', child],
    {
      cwd: join(import.meta.dirname, '../..'),
      encoding: 'utf8',
    },
  );
  t.regex(output, /^ok( ok)* internal( internal)* ok\n$/);
  const lines = readFileSync(path, 'utf8').split('\n');
  t.is(lines.length, 3);
  t.is((JSON.parse(lines[1] ?? '') as Line)['class_uid'], 3004);
});
