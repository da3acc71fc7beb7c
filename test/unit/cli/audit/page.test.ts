// sc_auth audit page: the log from its newest record back, over rotated and packed files, a page at a time.

import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { AuditEvent } from '../../../../agent/model/sealed-log/audit-event.ts';
import { toOcsf } from '../../../../agent/audit/ocsf/record.ts';
import { chainName, sealLine, type ChainPosition } from '../../../../agent/model/sealed-log/sealed-line.ts';
import { login } from '../../../kit/audit/events.ts';
import { temporaryFolder } from '../../base/folders.ts';
import { NODE } from '../run-sc-auth.ts';
import { append, audit, START_MS } from './log.ts';

const DAY = 86_400_000;

interface Page {
  readonly records: readonly { unmapped: { request_id: string } }[];
  readonly older: string | null;
  readonly backTo: number | null;
  readonly unread: number;
}

function named(from: number, count: number): AuditEvent[] {
  return Array.from({ length: count }, (_, at) => {
    const user = at % 7 === 0 ? 'bob' : 'alice';
    return login({ kind: 'granted' }, { requestId: `r${from + at}`, user });
  });
}

/** As scauthd's own, a second apart and all at once: a record a write would take a minute. */
function write(path: string, events: readonly AuditEvent[], fromMs: number): void {
  let position: ChainPosition = { sequence: 0, key: Buffer.alloc(32), prev: chainName(Buffer.alloc(32)) };
  const lines = events.map((event, at) => {
    const { line, seal, next } = sealLine(toOcsf(event, fromMs + at * 1000, null), position);
    position = { sequence: position.sequence + 1, key: next, prev: seal };
    return line;
  });
  writeFileSync(path, Buffer.concat(lines));
}

/** 3000 records in three files of several blocks, the oldest packed. */
function rotated(t: ExecutionContext): string {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  write(path, named(0, 1000), START_MS);
  writeFileSync(`${path}.2.gz`, gzipSync(readFileSync(path)));
  rmSync(path);
  write(path, named(1000, 1000), START_MS + 7 * DAY);
  renameSync(path, `${path}.1`);
  write(path, named(2000, 1000), START_MS + 14 * DAY);
  return path;
}

function idsOf({ records }: Page): string[] {
  return records.map(({ unmapped }) => unmapped.request_id);
}

async function page(path: string, ...args: string[]): Promise<Page> {
  const { code, out } = await audit(path, 'page', ...args, '--json');
  if (code !== 0 || out.split('\n').length !== 2) throw new Error(`${code ?? ''} ${out.slice(0, 500)}`);
  return JSON.parse(out) as Page;
}

async function all(path: string, ...args: string[]): Promise<string[]> {
  const ids: string[] = [];
  let before: string | null = null;
  do {
    const next: Page = await page(path, ...args, ...(before === null ? [] : ['--before', before]));
    ids.push(...idsOf(next));
    before = next.older;
  } while (before !== null);
  return ids;
}

function expected(fits: (id: number) => boolean): string[] {
  return Array.from({ length: 3000 }, (_, at) => 2999 - at)
    .filter(fits)
    .map((id) => `r${id}`);
}

test('page after page is the whole log backwards, each record once, at any size of page', async (t) => {
  const path = rotated(t);
  for (const lines of ['1000', '333', '97'])
    t.deepEqual(
      await all(path, '-n', lines),
      expected(() => true),
    );
  t.deepEqual(
    await all(path, '-n', '50', '--user', 'bob'),
    expected((id) => (id % 1000) % 7 === 0),
  );
});

test('a page ends where it is full, and says how far back it has looked', async (t) => {
  const path = rotated(t);
  const newest = await page(path, '-n', '10');
  t.deepEqual(idsOf(newest), expected(() => true).slice(0, 10));
  t.is(newest.backTo, START_MS + 14 * DAY + 990 * 1000);
  const none = await page(path, '--user', 'nobody');
  t.deepEqual(idsOf(none), []);
  t.is(none.older, null);
  t.is(none.backTo, START_MS);
});

test('records that are too old are not read, but for a day that a clock may have been set back', async (t) => {
  const path = rotated(t);
  writeFileSync(`${path}.2.gz`, 'no gzip');
  const since = new Date(START_MS + 13 * DAY).toISOString();
  const { older, records } = await page(path, '-n', '1000', '--since', since);
  t.is(records.length, 1000);
  const end = await page(path, '-n', '1000', '--since', since, '--before', older ?? '');
  t.deepEqual([end.records.length, end.older], [0, null]);
  // Without it the damaged file is come to, and said.
  const { code, out } = await audit(path, 'page', '-n', '1000', '--user', 'nobody', '--json');
  t.is(code, 1);
  t.is((JSON.parse(out) as { error: string }).error, 'internal');
});

test('a place stays where it is when the file gets another name, and is refused when it is gone', async (t) => {
  const path = rotated(t);
  const { older } = await page(path, '-n', '10');
  rmSync(`${path}.2.gz`);
  renameSync(`${path}.1`, `${path}.2`);
  renameSync(path, `${path}.1`);
  write(path, named(5000, 5), START_MS + 21 * DAY);
  t.deepEqual(
    idsOf(await page(path, '-n', '5', '--before', older ?? '')),
    expected(() => true).slice(10, 15),
  );
  rmSync(`${path}.1`);
  const { code, out } = await audit(path, 'page', '--before', older ?? '', '--json');
  t.is(code, 4);
  t.regex((JSON.parse(out) as { message: string }).message, /rotated meanwhile/);
  for (const wrong of [
    ['--before', '1'],
    ['--before', '-1.end'],
    ['-n', '0'],
    ['-n', '1001'],
  ])
    t.is((await audit(path, 'page', ...wrong)).code, 2, wrong.join(' '));
});

test('what is no record is counted, however long; a page looks at so much and no more', async (t) => {
  const path = rotated(t);
  appendFileSync(path, `${'x'.repeat(3 << 20)}\n{"time":1}`);
  const { records, unread } = await page(path, '-n', '5');
  t.is(records.length, 5);
  t.true(unread >= 1);
  // Some 300 MB of nothing, which takes no room on the disk.
  const hole = join(temporaryFolder(t), 'audit.jsonl');
  write(hole, named(0, 3), START_MS);
  truncateSync(hole, 300 << 20);
  appendFileSync(hole, '\n');
  const first = await page(hole);
  t.is(first.records.length, 0);
  t.not(first.older, null);
  t.deepEqual(idsOf(await page(hole, '--before', first.older ?? '')), ['r2', 'r1', 'r0']);
});

test('by card: the id is compared as a whole', async (t) => {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  const actor = { pid: 1, uid: 0, gid: 0 };
  await append(path, [
    { kind: 'pin-blocked', user: 'bob', tokenId: 'x:1', actor },
    { kind: 'pin-blocked', user: 'bob', tokenId: 'x:10', actor },
    { kind: 'card-in', tokenId: 'x:1', driver: 'd', reader: '"x:1"' },
    { kind: 'card-in', tokenId: 'x:2', driver: 'd', reader: 'x:1' },
  ]);
  t.is((await page(path, '--card', 'x:1')).records.length, 2);
  t.is((await page(path, '--card', 'x:')).records.length, 0);
});

test('for people: a record a line, and how to go on', async (t) => {
  const path = rotated(t);
  const { out, err } = await audit(path, 'page', '-n', '2');
  t.regex(out, /^2026-01-29 [^\n]* granted [^\n]*\n2026-01-29 [^\n]*\n$/);
  t.regex(err, /^Older ones: sc_auth audit page --before \d+\.\d+\n$/);
});

test('-f goes on where the page has ended, over a change of files: nothing is missed, nothing comes twice', async (t) => {
  const path = rotated(t);
  const [program = '', ...args] = NODE;
  const child = spawn(program, [...args, 'audit', 'page', '-f', '-n', '5', '--json', '--log', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  // Of what scauthd says of the seal, which it did not make here, nothing is asked.
  const next = async (): Promise<string[]> =>
    idsOf(JSON.parse((await lines.next()).value as string) as Page).filter(
      (id) => (id as unknown) !== undefined,
    );
  t.deepEqual(await next(), ['r2999', 'r2998', 'r2997', 'r2996', 'r2995']);
  const come: string[] = [];
  await append(path, named(3000, 3), START_MS + 15 * DAY);
  renameSync(path, `${path}.0`);
  await append(path, named(3003, 3), START_MS + 16 * DAY);
  while (come.length < 6) come.push(...(await next()).reverse());
  t.deepEqual(come, ['r3000', 'r3001', 'r3002', 'r3003', 'r3004', 'r3005']);
  child.kill();
  await once(child, 'close');
});
