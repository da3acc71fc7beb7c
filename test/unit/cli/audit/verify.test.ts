// L26 of the lessons: each attack on the log is found, the exit code says so, and what is named as trusted is exactly
// what the attack left alone.

import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  decodeSealFile,
  encodeSlot,
  keyPath,
  sealPath,
} from '../../../../agent/model/sealed-log/seal-state.ts';
import { parseSealedLine, parseVerificationKey } from '../../../../agent/model/sealed-log/sealed-line.ts';
import { append, audit, forge, linesOf, logins, logOf, START_MS, writeLines } from './log.ts';

interface Verdict {
  readonly whole: boolean;
  readonly faults: readonly { kind: string; from: number | null; to: number | null; line: number | null }[];
  readonly remarks: readonly { detail: string }[];
  readonly trusted: readonly { from: number; to: number }[];
}

async function verify(
  path: string,
  key: string,
  ...more: string[]
): Promise<{ code: number | null; verdict: Verdict }> {
  const { code, out } = await audit(path, 'verify', '--json', '--key', key, ...more);
  return { code, verdict: JSON.parse(out) as Verdict };
}

/** Fault kinds with their records, and the trusted records, as text. */
async function found(
  t: ExecutionContext,
  path: string,
  key: string,
  ...more: string[]
): Promise<{ faults: string[]; trusted: string[] }> {
  const { code, verdict } = await verify(path, key, ...more);
  t.is(code, verdict.faults.length === 0 ? 0 : 1);
  t.is(verdict.whole, verdict.faults.length === 0);
  return {
    faults: verdict.faults.map(({ kind, from, to }) =>
      from === null ? kind : `${kind} ${from}-${to ?? ''}`,
    ),
    trusted: verdict.trusted.map(({ from, to }) => `${from}-${to}`),
  };
}

const WHOLE = (last: number) => ({ faults: [], trusted: [`0-${last}`] });

test('L26: a log of several lives, rotated and packed, is whole', async (t) => {
  const { path, key } = await logOf(t, 4);
  t.deepEqual(await found(t, path, key), WHOLE(3));
  renameSync(path, `${path}.2`);
  execFileSync('gzip', [`${path}.2`]);
  await append(path, logins(3));
  renameSync(path, `${path}.1`);
  await append(path, logins(2));
  t.deepEqual(await found(t, path, key), WHOLE(8));
  const { code, out } = await audit(path, 'verify', '--key', key);
  t.is(code, 0);
  t.regex(out, /The log is whole: 9 records/);
});

test('L26: each byte of a record, changed, is found there, and only there', async (t) => {
  const { path, key } = await logOf(t, 5);
  const lines = linesOf(path);
  const line = lines[2] ?? '';
  for (let at = 0; at < line.length; at += 7) {
    const changed = String.fromCharCode(line.charCodeAt(at) ^ 1);
    writeLines(path, lines.with(2, line.slice(0, at) + changed + line.slice(at + 1)));
    const { faults, trusted } = await found(t, path, key);
    t.true(faults.length > 0, `byte ${at}`);
    t.deepEqual(trusted, ['0-1', '3-4'], `byte ${at}`);
  }
});

test('L26: the tail, the middle, the beginning and the whole file gone', async (t) => {
  const { path, key } = await logOf(t, 6);
  const lines = linesOf(path);
  writeLines(path, lines.slice(0, 4));
  t.deepEqual(await found(t, path, key), { faults: ['tail-missing 4-5'], trusted: ['0-3'] });
  writeLines(path, lines.toSpliced(2, 2));
  t.deepEqual(await found(t, path, key), { faults: ['missing 2-3'], trusted: ['0-1', '4-5'] });
  writeLines(path, lines.slice(3));
  t.deepEqual(await found(t, path, key), { faults: ['missing 0-2'], trusted: ['3-5'] });
  t.deepEqual(await found(t, path, key, '--first', '3'), { faults: [], trusted: ['3-5'] });
  writeLines(path, []);
  t.deepEqual(await found(t, path, key), { faults: ['tail-missing 0-5'], trusted: [] });
  rmSync(path);
  t.is((await audit(path, 'verify', '--key', key)).code, 4);
});

test('L26: records in another order, twice, torn, or from another log', async (t) => {
  const { path, key } = await logOf(t, 5);
  const other = await logOf(t, 5);
  const lines = linesOf(path);
  const [zero = '', one = '', two = '', three = '', four = ''] = lines;
  writeLines(path, [zero, two, one, three, four]);
  t.deepEqual((await found(t, path, key)).trusted, ['0-0', '2-4']);
  writeLines(path, [zero, one, one, two, three, four]);
  t.deepEqual(await found(t, path, key), { faults: ['repeated 1-1'], trusted: ['0-4'] });
  writeLines(path, [zero, one, linesOf(other.path)[2] ?? '', three, four]);
  t.deepEqual(await found(t, path, key), { faults: ['altered 2-2'], trusted: ['0-1', '3-4'] });
  writeLines(path, linesOf(other.path));
  t.deepEqual(await found(t, path, key), { faults: ['no-key 0-4', 'tail-missing 0-4'], trusted: [] });
  writeLines(path, lines);
  truncateSync(path, readFileSync(path).length - 10);
  t.deepEqual((await found(t, path, key)).trusted, ['0-3']);
  writeLines(path, ['{"time":1', '', 'x'.repeat(200_000), ...lines]);
  t.deepEqual((await found(t, path, key)).trusted, ['0-4']);
});

test('L26: the past sealed again with the key of today is found, all of it', async (t) => {
  const { path, key } = await logOf(t, 6);
  const state = decodeSealFile(readFileSync(sealPath(path)));
  if (state === null) return t.fail();
  const lines = linesOf(path);
  // Whoever takes the machine over has the key of record 6 and rewrites 3 to 5 with it, and the state too.
  const prev = parseSealedLine(Buffer.from(lines[2] ?? ''))?.seal ?? '';
  const { lines: forged, position } = forge(lines.slice(3), { sequence: 3, key: state.key, prev });
  writeLines(path, [...lines.slice(0, 3), ...forged]);
  const reported = await found(t, path, key);
  t.deepEqual(reported, { faults: ['altered 3-5', 'tail-missing 3-5'], trusted: ['0-2'] });
  writeFileSync(sealPath(path), encodeSlot({ ...position, lastMs: START_MS }));
  t.deepEqual((await found(t, path, key)).trusted, ['0-2']);
});

test('L26: a state that is put back, gone, broken or of another log', async (t) => {
  const { path, key } = await logOf(t, 2);
  const other = await logOf(t, 2);
  const old = readFileSync(sealPath(path));
  await append(path, logins(2));
  const state = readFileSync(sealPath(path));
  // An old state is one before a crash: scauthd walks on from it. Nothing is lost by it.
  writeFileSync(sealPath(path), old);
  t.deepEqual(await found(t, path, key), WHOLE(3));
  copyFileSync(sealPath(other.path), sealPath(path));
  t.deepEqual(await found(t, path, key), { faults: ['state-other'], trusted: ['0-3'] });
  writeFileSync(sealPath(path), state.fill(0, 0, 200).fill(0, 4096));
  t.deepEqual(await found(t, path, key), { faults: ['state-missing'], trusted: ['0-3'] });
  rmSync(sealPath(path));
  t.deepEqual(await found(t, path, key), { faults: ['state-missing'], trusted: ['0-3'] });
  // Then scauthd begins a new chain. The administrator's key knows nothing of it.
  await append(path, logins(1));
  t.deepEqual((await found(t, path, key)).trusted, ['0-3']);
  const both = await found(t, path, keyPath(path));
  t.deepEqual(both.trusted, ['0-3', '0-1']);
  t.deepEqual(both.faults, ['new-chain 4-', 'gap 0-0']);
});

test('L26: the clock set back and a crash between write and key step are no attack, and are said', async (t) => {
  const { path, key } = await logOf(t, 2);
  const stale = readFileSync(sealPath(path));
  await append(path, logins(1));
  writeFileSync(sealPath(path), stale);
  await append(path, logins(1), START_MS - 3_600_000);
  const { code, verdict } = await verify(path, key);
  t.is(code, 0);
  t.deepEqual(
    verdict.remarks.map(({ detail }) => detail),
    ['clock-set-back'],
  );
});

test('L26: an anchor finds what whoever has the verification key wrote anew', async (t) => {
  const { path, key } = await logOf(t, 5);
  const { out: anchor } = await audit(path, 'anchor');
  t.regex(anchor, /^scauth-anchor 1 4 /);
  const anchors = `${path}.kept`;
  writeFileSync(anchors, `Jan 15 12:00:05 host scauthd[7]: ${anchor}`);
  t.deepEqual(await found(t, path, key, '--anchors', anchors), WHOLE(4));
  // With the first key everything can be made anew, the state too.
  const first = parseVerificationKey(readFileSync(key, 'utf8'));
  if (first === null) return t.fail();
  const prev = parseSealedLine(Buffer.from(linesOf(path)[0] ?? ''))?.prev ?? '';
  const { lines: forged, position } = forge(linesOf(path), { sequence: 0, key: first, prev }, (line) =>
    line.replaceAll('alice', 'mallory'),
  );
  writeLines(path, forged);
  writeFileSync(sealPath(path), encodeSlot({ ...position, lastMs: START_MS }));
  const { verdict } = await verify(path, key, '--anchors', anchors);
  t.deepEqual(
    verdict.faults.map(({ kind }) => kind),
    ['anchor'],
  );
});

test('L26: a number in a line is not believed: no walk without end', async (t) => {
  const { path, key } = await logOf(t, 2);
  const line = linesOf(path)[1] ?? '';
  for (let count = 0; count < 200; count += 1) {
    appendFileSync(path, `${line.replace('"sequence":1,', `"sequence":${4_000_000 + count},`)}\n`);
  }
  const { faults, trusted } = await found(t, path, key);
  t.is(faults.length, 1);
  t.deepEqual(trusted, ['0-1']);
});

test('what is asked of verify wrongly is said in a sentence', async (t) => {
  const { path, key } = await logOf(t, 1);
  rmSync(keyPath(path));
  const outcomes = await Promise.all([
    audit(path, 'verify'),
    audit(path, 'verify', '--key', path),
    audit(path, 'verify', '--key', key, '--anchors', key),
    audit(path, 'verify', '--key', key, '--first', 'x'),
    audit(path, 'examine'),
  ]);
  for (const { code, out, err } of outcomes) {
    t.is(code, 2);
    t.is(out, '');
    t.regex(err, /\.\n$|--help\n$|…\n$|FILE\n$/);
  }
});
