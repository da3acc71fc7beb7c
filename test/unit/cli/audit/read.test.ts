// sc_auth audit tail, search, stats and export: what is asked for comes, and texts that want to be something else stay
// texts in each format. The formats are read back by programs that others wrote: jq, Python's csv, liblognorm.

import { execFileSync } from 'node:child_process';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { actor, eventsWith, examples, hostileTexts, login, promptScopes } from '../../../kit/audit/events.ts';
import { temporaryFolder } from '../../base/folders.ts';
import { OnTerminal } from '../run-sc-auth.ts';
import { append, audit, linesOf, START_MS } from './log.ts';

const HOUR = 3_600_000;

async function mixed(t: ExecutionContext): Promise<string> {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  await append(
    path,
    [
      login({ kind: 'granted' }, { requestId: 'first' }),
      login({ kind: 'denied', reason: 'bad-proof' }, { user: 'bob', service: 'login', requestId: 'second' }),
      login(
        { kind: 'granted' },
        { user: 'bo', detail: 'bob', service: 'swaylock', key: null, requestId: 'third' },
      ),
      { kind: 'pin-blocked', user: 'bob', tokenId: 'x:1', actor: { pid: 1, uid: 0, gid: 0 } },
    ],
    START_MS,
  );
  renameSync(path, `${path}.1`);
  await append(
    path,
    [login({ kind: 'cancelled' }, { user: 'bob', requestId: 'last' })],
    START_MS + 48 * HOUR,
  );
  return path;
}

async function requests(path: string, ...args: string[]): Promise<string[]> {
  const { code, out, err } = await audit(path, ...args, '--json');
  if (code !== 0 || err !== '') throw new Error(`${code ?? ''} ${out} ${err}`);
  return out
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { unmapped: { request_id?: string } }).unmapped.request_id ?? 'none');
}

test('search finds by account, service, key, outcome, kind and time, over rotated files', async (t) => {
  const path = await mixed(t);
  const search = (...args: string[]) => requests(path, 'search', ...args);
  t.deepEqual(await search('--user', 'bob'), ['second', 'none', 'last']);
  t.deepEqual(await search('--user', 'bob', '--outcome', 'denied'), ['second']);
  t.deepEqual(await search('--service', 'login'), ['second']);
  t.deepEqual(await search('--key', '0b1b ea81'), ['first', 'second', 'last']);
  t.deepEqual(await search('--key', '0B1BEA814EE563AAD70C33D5C7F82472AB26C4C9'), []);
  t.deepEqual(await search('--kind', 'pin-blocked'), ['none']);
  t.deepEqual(await search('--since', '2026-01-16'), ['last']);
  t.deepEqual(await search('--until', '2026-01-16', '--outcome', 'granted'), ['first', 'third']);
  t.deepEqual(await search('--since', '2026-01-15T12:00:03Z', '--until', '2026-01-15T12:00:04Z'), [
    'second',
    'third',
  ]);
  const { out } = await audit(path, 'search', '--user', 'bob', '--service', 'login');
  t.regex(out, /^2026-01-1\d \d\d:\d\d:\d\d {2}denied +bob +login +bad-proof {2}key 0B1B/);
});

test('tail shows the last ones, stats counts, wrong words are said', async (t) => {
  const path = await mixed(t);
  t.deepEqual(await requests(path, 'tail', '-n', '2'), ['none', 'last']);
  t.deepEqual(await requests(path, 'tail', '--user', 'alice'), ['first']);
  t.deepEqual(await requests(path, 'tail', '-n', '0'), []);
  const { out } = await audit(path, 'stats', '--json');
  const { records, outcomes } = JSON.parse(out) as { records: number; outcomes: object };
  t.is(records, 5);
  t.deepEqual(outcomes, [
    { name: 'granted', count: 2 },
    { name: 'cancelled', count: 1 },
    { name: 'denied', count: 1 },
  ]);
  const { days, keys } = JSON.parse(out) as { days: { day: string }[]; keys: { owners: string[] }[] };
  t.deepEqual(days, [
    { day: '2026-01-15', granted: 2, denied: 1, unavailable: 0, cancelled: 0 },
    { day: '2026-01-17', granted: 0, denied: 0, unavailable: 0, cancelled: 1 },
  ]);
  t.deepEqual(
    keys.map(({ owners }) => owners),
    [['alice']],
  );
  for (const args of [
    ['search', '--since', '2026-02-30'],
    ['search', '--outcome', 'good'],
    ['search', '--key', 'xyz'],
    ['search', '--kind', 'x'],
    ['tail', '-n', '-1'],
    ['export', '--format', 'xml'],
    ['report'],
  ]) {
    t.is((await audit(path, ...args)).code, 2, args.join(' '));
  }
  t.is((await audit(`${path}.absent`, 'stats')).code, 4);
});

test('a line that is no record is counted, never left out silently', async (t) => {
  const path = await mixed(t);
  appendFileSync(path, 'no record\n');
  for (const verb of ['tail', 'search', 'stats', 'export']) {
    const { code, err } = await audit(path, verb);
    t.is(code, 0);
    t.regex(err, /^1 line is no record/, verb);
  }
});

test('tail -f goes on over a change of files; its reader may go', async (t) => {
  const path = await mixed(t);
  const terminal = new OnTerminal('/absent', `$SC_AUTH audit tail -n 1 -f --log ${path}`);
  t.teardown(() => {
    terminal.kill();
  });
  await terminal.expect('cancelled');
  await append(path, [login({ kind: 'granted' }, { user: 'carol' })]);
  await terminal.expect('carol');
  renameSync(path, `${path}.0`);
  await append(path, [login({ kind: 'granted' }, { user: 'dave' })]);
  await terminal.expect('dave');
  const piped = new OnTerminal('/absent', `$SC_AUTH audit search --log ${path} | head -1; echo done`);
  await piped.expect('done');
  t.is(await piped.exit, 0);
});

test('the pairing prompt: search says which level was switched, and finds it by account', async (t) => {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  await append(
    path,
    promptScopes.map((scope) => ({ kind: 'prompt-state', enabled: false, scope, actor })),
  );
  const all = (await audit(path, 'search')).out;
  t.regex(all, /pairing prompt off \(machine\)/);
  const { out } = await audit(path, 'search', '--user', 'ada');
  t.notRegex(out, /\(machine\)/);
  t.regex(out, /pairing prompt off \(user\)[^]*pairing prompt off \(org\.scauth\.piv:01\)/);
});

/** A log with each kind, and each hostile text in each place. */
async function hostile(t: ExecutionContext): Promise<string> {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  await append(path, [...examples.map(({ event }) => event), ...hostileTexts.flatMap(eventsWith)]);
  return path;
}

async function exported(path: string, format: string): Promise<string> {
  const { code, out, err } = await audit(path, 'export', '--format', format);
  if (code !== 0 || err !== '') throw new Error(err);
  return out;
}

test('hostile names: OCSF and ECS are one document a line for jq; OCSF as sealed', async (t) => {
  const path = await hostile(t);
  const ocsf = await exported(path, 'ocsf');
  t.deepEqual(
    ocsf.split('\n').slice(0, -1),
    Buffer.from(linesOf(path).join('\n'), 'latin1').toString().split('\n'),
  );
  const count = linesOf(path).length;
  for (const [format, filter] of [
    ['ocsf', '.class_uid, .time'],
    ['ecs', '.event.category[0], ."@timestamp"'],
  ] as const) {
    const lines = execFileSync('jq', ['-r', filter], {
      input: await exported(path, format),
      encoding: 'utf8',
    });
    t.is(lines.split('\n').length - 1, 2 * count, format);
  }
  const users = execFileSync('jq', ['-rc', '.user.name? // empty | length'], {
    input: ocsf,
    encoding: 'utf8',
  });
  t.true(users.split('\n').every((length) => Number(length) <= 512));
});

test('hostile names: each CSV row has its columns for another reader, and no cell is a formula', async (t) => {
  const path = await hostile(t);
  const program = `
import csv, json, sys
csv.field_size_limit(10**7)
rows = list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))
json.dump(rows, sys.stdout)`;
  const file = `${path}.csv`;
  writeFileSync(file, await exported(path, 'csv'));
  const rows = JSON.parse(
    execFileSync('python3', ['-c', program, file], { encoding: 'utf8', maxBuffer: 1 << 28 }),
  ) as string[][];
  t.is(rows.length, linesOf(path).length + 1);
  for (const row of rows) {
    t.is(row.length, 20);
    for (const text of row) {
      t.notRegex(text, /^\s*[=+\-@]/);
      t.notRegex(text, /[\p{Cc}\p{Zl}\p{Zp}]/u);
    }
  }
});

test('hostile names: CEF is one line a record, and liblognorm reads its fields back', async (t) => {
  const path = await hostile(t);
  const lines = (await exported(path, 'cef')).split('\n').slice(0, -1);
  t.is(lines.length, linesOf(path).length);
  const rules = `${path}.rulebase`;
  writeFileSync(rules, 'version=2\nrule=:%f:cef%\n');
  const read = execFileSync('lognormalizer', ['-r', rules, '-e', 'json'], {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const found = read.split('\n').filter((line) => line !== '');
  t.is(found.length, lines.length);
  for (const text of found) {
    const { f } = JSON.parse(text) as { f?: { DeviceVendor: string; Severity: string; Extensions: object } };
    t.is(f?.DeviceVendor, 'scauth', text);
    t.regex(f?.Severity ?? '', /^\d+$/);
  }
  const bob = found
    .map((text) => (JSON.parse(text) as { f: { Extensions: Record<string, string> } }).f.Extensions)
    .map(({ duser }) => duser);
  t.true(bob.includes('CEF:0|a|b|c=d\\|e\\=f'));
});

test('hostile names: on a terminal nothing is obeyed', async (t) => {
  const path = await hostile(t);
  for (const args of [
    ['search'],
    ['search', '--json'],
    ['tail', '-n', '100'],
    ['stats'],
    ['stats', '--json'],
  ]) {
    const { out } = await audit(path, ...args);
    t.notRegex(out.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u, args.join(' '));
  }
  t.is((await audit(path, 'search')).out.split('\n').length - 1, linesOf(path).length);
});
