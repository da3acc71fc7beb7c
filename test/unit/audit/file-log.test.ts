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
import { FileAuditLog } from '../../../agent/audit/file-log.ts';
import { AgentError } from '../../../agent/base/errors.ts';
import { MAX_LINE_BYTES } from '../../../agent/model/sealed-log/sealed-line.ts';
import { temporaryFolder } from '../base/folders.ts';
import { granted, login } from '../../kit/audit/events.ts';

const failed = { instanceOf: AgentError, code: 'internal' } as const;

type Line = Record<string, unknown>;

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

function kindsIn(path: string): unknown[] {
  return linesOf(path).map((line) => (line['metadata'] as Line)['event_code']);
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
  t.deepEqual(kindsIn(path), ['gap', 'login']);
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
  t.deepEqual(kindsIn(join(folder, 'absent/audit.jsonl')), ['gap', 'login']);
  await later.close();
  await log.close();
});

test('half a line that a crash left is taken out, and the log says so', async (t) => {
  const { path, log } = place(t);
  await log.record(granted);
  await log.close();
  appendFileSync(path, '{"time":1,"cut');
  await log.record(granted);
  const lines = linesOf(path);
  t.deepEqual(
    lines.map((line) => line['status_detail']),
    [undefined, 'torn-record', undefined],
  );
  t.is((lines[1]?.['unmapped'] as Line)['count'], 14);
});

/** A file size limit stands for the full disk: the kernel cuts the write short, as it does there. */
test('L26: a write that is cut short is an error, nothing of it stays, and the log says later what is missing', (t) => {
  const { path } = place(t);
  const child = `
    import { spawnSync } from 'node:child_process';
    import { FileAuditLog } from './agent/audit/file-log.ts';
    process.on('SIGXFSZ', () => undefined);
    const path = ${JSON.stringify(path)};
    const log = new FileAuditLog(path, { nowMs: () => 1, monotonicMs: () => 0 });
    const event = { kind: 'card-in', tokenId: 'x:1', driver: 'x', reader: 'y' };
    const results = [];
    const record = () => log.record(event).then(() => results.push('ok'), (error) => results.push(error.code));
    for (let i = 0; i < 40; i += 1) await record();
    spawnSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited:unlimited']);
    await record();
    console.log(results.join(' '));
  `;
  const output = execFileSync(
    'prlimit',
    ['--fsize=6000:unlimited', process.execPath, '--input-type=module', '-e', child],
    { cwd: join(import.meta.dirname, '../../..'), encoding: 'utf8' },
  );
  t.regex(output, /^ok( ok)*( internal)+ ok\n$/);
  const failures = output.match(/internal/g)?.length ?? 0;
  const lines = linesOf(path);
  t.deepEqual(
    lines.map((line) => (line['metadata'] as Line)['sequence']),
    lines.map((_line, index) => index),
  );
  const gap = lines.at(-2);
  t.is(gap?.['status_detail'], 'not-written');
  t.is((gap?.['unmapped'] as Line)['count'], failures);
  t.is(lines.length, 40 - failures + 2);
});

test('a clock that is set back is said before the next record; small corrections are not', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'audit.jsonl');
  let time = 100_000;
  const clock = { nowMs: () => time, monotonicMs: () => 0 };
  const log = new FileAuditLog(path, clock);
  await log.record(granted);
  time -= 1500;
  await log.record(granted);
  time = 50_000;
  await log.record(granted);
  await log.close();
  time = 10_000;
  const next = new FileAuditLog(path, clock);
  await next.start();
  await next.close();
  t.deepEqual(
    linesOf(path).map((line) => [line['time'], line['status_detail'] ?? null]),
    [
      [100_000, null],
      [98_500, null],
      [50_000, 'clock-set-back'],
      [50_000, null],
      [10_000, 'clock-set-back'],
    ],
  );
});

test('two agents on one log: the second may not write until the first is gone', async (t) => {
  const { path, log } = place(t);
  await log.record(granted);
  const second = new FileAuditLog(path, { nowMs: () => 9, monotonicMs: () => 0 });
  await t.throwsAsync(second.record(granted), failed);
  await log.record(granted);
  await log.close();
  await second.record(granted);
  await second.close();
  t.deepEqual(
    linesOf(path).map((line) => [(line['metadata'] as Line)['sequence'], line['status_detail'] ?? null]),
    [
      [0, null],
      [1, null],
      [2, 'not-written'],
      [3, null],
    ],
  );
});

test('each record is told to those who pass it on, after it is on disk', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'audit.jsonl');
  const told: number[] = [];
  const log = new FileAuditLog(path, { nowMs: () => 5, monotonicMs: () => 0 }, (record) => {
    told.push(record.sequence);
    t.true(linesOf(path).length > record.sequence);
  });
  await Promise.all([log.record(granted), log.record(granted)]);
  await new Promise(setImmediate);
  t.deepEqual(told, [0, 1]);
  await log.close();
});

test('before the first record there is no last one', async (t) => {
  const { log } = place(t);
  t.is(log.lastRecord(), null, 'not opened');
  await log.start();
  t.is(log.lastRecord(), null, 'empty');
  await log.record(granted);
  t.is(log.lastRecord()?.sequence, 0);
});

test('a record that is longer than a reader takes is not written, and the log says later that one is missing', async (t) => {
  const { path, log } = place(t);
  const of = (length: number) => login({ kind: 'granted' }, { requestId: 'r'.repeat(length) });
  await log.record(of(1));
  const rest = statSync(path).size - 1;
  await log.record(of(MAX_LINE_BYTES - rest));
  t.is(statSync(path).size, rest + 1 + MAX_LINE_BYTES);
  for (const length of [MAX_LINE_BYTES - rest + 1, MAX_LINE_BYTES, 2 * MAX_LINE_BYTES])
    await t.throwsAsync(log.record(of(length)), failed);
  await log.record(granted);
  t.deepEqual(
    linesOf(path).map((line) => line['status_detail'] ?? null),
    [null, null, 'not-written', null],
  );
});

test('L26: what is no file under a rotated name is passed over, and holds nobody up', async (t) => {
  const { path, log } = place(t);
  await log.record(granted);
  await log.close();
  rmSync(path);
  execFileSync('mkfifo', [`${path}.1`]);
  const next = new FileAuditLog(path, { nowMs: () => 9, monotonicMs: () => 0 });
  await next.record(granted);
  await next.close();
  t.deepEqual(
    linesOf(path).map((line) => (line['metadata'] as Line)['sequence']),
    [1],
  );
});
