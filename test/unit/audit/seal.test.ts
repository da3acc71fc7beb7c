// The seal: what a record's key is, that the chain goes on after each way to stop, and what the log says of its own end
// when records are gone. Rotation too: a file that has another name or none is left, and the chain goes on in the next.

import { createHmac } from 'node:crypto';
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FileAuditLog } from '../../../agent/audit/file-log.ts';
import { decodeSealFile, keyPath, sealPath } from '../../../agent/model/sealed-log/seal-state.ts';
import {
  chainName,
  parseSealedLine,
  parseVerificationKey,
  sealOf,
  stepKey,
} from '../../../agent/model/sealed-log/sealed-line.ts';
import { temporaryFolder } from '../base/folders.ts';
import { granted } from '../../kit/audit/events.ts';

const clock = { nowMs: () => 1000, monotonicMs: () => 0 };

function place(t: ExecutionContext): string {
  return join(temporaryFolder(t), 'audit.jsonl');
}

/** One life of scauthd. */
async function write(path: string, records: number): Promise<void> {
  const log = new FileAuditLog(path, clock);
  await log.start();
  for (let count = 0; count < records; count += 1) await log.record(granted);
  await log.close();
}

function linesOf(...paths: string[]): Buffer[] {
  const text = paths.map((path) => readFileSync(path, 'latin1')).join('');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => Buffer.from(line, 'latin1'));
}

/** How many lines from the first on have the seal and the place that the verification key gives them. */
function goodLines(key: Buffer, lines: readonly Buffer[]): number {
  let at = key;
  let prev = chainName(key);
  for (const [index, bytes] of lines.entries()) {
    const { next, record } = stepKey(at);
    const line = parseSealedLine(bytes);
    if (line?.sequence !== index || line.prev !== prev || line.seal !== sealOf(record, line.signed))
      return index;
    at = next;
    prev = line.seal;
  }
  return lines.length;
}

function keyOf(path: string): Buffer {
  const key = parseVerificationKey(readFileSync(keyPath(path), 'utf8'));
  if (key === null) throw new Error('no key');
  return key;
}

function reasons(path: string): unknown[] {
  return linesOf(path).map(
    (line) => (JSON.parse(line.toString()) as Record<string, unknown>)['status_detail'] ?? null,
  );
}

test('the seal is HMAC-SHA-256', (t) => {
  for (const length of [0, 1, 63, 64, 65, 900, 16_000]) {
    const [key, text] = [Buffer.alloc(32, length), Buffer.alloc(length, 65)];
    t.is(sealOf(key, text), createHmac('sha256', key).update(text).digest('base64url'));
  }
});

test('L26: a log of several lives is one chain; each flipped bit of a record breaks it there', async (t) => {
  const path = place(t);
  await write(path, 2);
  await write(path, 2);
  const [key, lines] = [keyOf(path), linesOf(path)];
  t.is(goodLines(key, lines), 4);
  const target = lines[1] ?? Buffer.alloc(0);
  for (let bit = 0; bit < target.length * 8; bit += 1) {
    const flipped = Buffer.from(target);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (goodLines(key, [lines[0] ?? target, flipped]) !== 1) t.fail(`bit ${bit}`);
  }
  t.is(goodLines(key, lines.toSpliced(1, 1)), 1);
});

test('L26: a line is one of ours from its first byte to its last', async (t) => {
  const path = place(t);
  await write(path, 1);
  const [line = Buffer.alloc(0)] = linesOf(path);
  t.not(parseSealedLine(line), null);
  const [prevAt, sealAt] = [line.lastIndexOf('"prev":'), line.lastIndexOf(',"seal"')];
  for (const at of [0, 1, line.indexOf(':') - 2, prevAt, prevAt + 3, sealAt - 1, sealAt, line.length - 1]) {
    const other = Buffer.from(line);
    other[at] = 0x20;
    t.is(parseSealedLine(other), null, `byte ${at}`);
  }
  t.is(parseSealedLine(Buffer.concat([Buffer.from(' '), line])), null);
  for (let length = 0; length < line.length; length += 1)
    t.is(parseSealedLine(line.subarray(0, length)), null);
});

test('L26: the state holds the key of the next record, and of no earlier one', async (t) => {
  const path = place(t);
  await write(path, 3);
  const file = readFileSync(sealPath(path));
  let key = keyOf(path);
  for (let sequence = 0; sequence < 3; sequence += 1) {
    t.false(file.includes(key), `key ${sequence}`);
    key = stepKey(key).next;
  }
  t.deepEqual(decodeSealFile(file)?.key, key);
});

test('L26: a crash between record and state, a torn slot: the chain goes on from the log', async (t) => {
  const path = place(t);
  await write(path, 1);
  const stale = readFileSync(sealPath(path));
  await write(path, 3);
  writeFileSync(sealPath(path), stale);
  await write(path, 1);
  const torn = readFileSync(sealPath(path));
  torn.fill(0, 20, 60);
  writeFileSync(sealPath(path), torn);
  await write(path, 1);
  t.deepEqual(reasons(path), Array(6).fill(null));
  t.is(goodLines(keyOf(path), linesOf(path)), 6);
});

test('L26: a tail that is gone, a forged end, a whole file and a state that is gone are said in the log', async (t) => {
  const path = place(t);
  await write(path, 3);
  const whole = readFileSync(path);
  truncateSync(path, whole.indexOf(0x0a) + 1);
  await write(path, 1);
  t.deepEqual(reasons(path), [null, 'records-missing', null]);

  writeFileSync(path, Buffer.concat([readFileSync(path), linesOf(path)[0] ?? whole, Buffer.from('x\n')]));
  await write(path, 1);
  t.true(readFileSync(path, 'utf8').includes('"records-altered"'));

  rmSync(path);
  await write(path, 1);
  t.deepEqual(reasons(path), ['records-missing', null]);

  rmSync(sealPath(path));
  await write(path, 1);
  t.deepEqual(reasons(path), ['records-missing', null, 'seal-lost', null]);
});

test('a log that is renamed while it is open goes on under its name, in one chain', async (t) => {
  const path = place(t);
  const log = new FileAuditLog(path, clock);
  await log.record(granted);
  renameSync(path, `${path}.1`);
  await log.record(granted);
  await log.record(granted);
  await log.close();
  t.is(linesOf(`${path}.1`).length, 1);
  t.is(goodLines(keyOf(path), linesOf(`${path}.1`, path)), 3);
  // Rotated while nobody wrote, and the state older than the file that was rotated away.
  const stale = readFileSync(sealPath(path));
  await write(path, 2);
  renameSync(path, `${path}.1`);
  writeFileSync(sealPath(path), stale);
  await write(path, 1);
  t.deepEqual(reasons(path), [null]);
  t.is(parseSealedLine(linesOf(path)[0] ?? stale)?.sequence, 5);
});

test('a log that is deleted while it is open is made anew', async (t) => {
  const path = place(t);
  const log = new FileAuditLog(path, clock);
  await log.record(granted);
  rmSync(path);
  await log.record(granted);
  await log.close();
  t.is(parseSealedLine(linesOf(path)[0] ?? Buffer.alloc(0))?.sequence, 1);
});
