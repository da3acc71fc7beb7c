// The files of scauth-fleet: folders of books, what scauthd asks for, and the book itself.

import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { BookFile } from '../../../agent/fleet/book-file.ts';
import { joinBooks } from '../../../agent/fleet/book.ts';
import { FolderSource } from '../../../agent/fleet/folder-source.ts';
import type { Prefetch } from '../../../agent/fleet/source.ts';
import { readWanted, WantedWatch } from '../../../agent/fleet/wanted-file.ts';
import { head, keyHash, officer, record } from '../../kit/fleet/lines.ts';

const [KEY, OTHER, THIRD] = [keyHash(1), keyHash(2), keyHash(3)];
const NOBODY: Prefetch = { all: false, users: [], groups: [] };

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'scauth-fleet-'));
}

async function fetched(path: string, keys: readonly string[], prefetch = NOBODY): Promise<string[]> {
  const book = await new FolderSource(path).fetch({ keys: new Set(keys), prefetch });
  return joinBooks([book]).toString('latin1').split('\n').slice(0, -1);
}

test('a folder gives head and officers, and the records that are wanted', async (t) => {
  const at = folder();
  writeFileSync(join(at, 'head.book'), `${head(5)}\n${officer('a')}\n`);
  writeFileSync(join(at, 'ada.book'), `${record(KEY)}\nnonsense\n`);
  writeFileSync(join(at, '@staff.book'), `${record(OTHER)}\n`);
  writeFileSync(join(at, 'notes.txt'), `${record(THIRD)}\n`);
  writeFileSync(join(at, '.hidden.book'), `${record(THIRD)}\n`);
  const always = [head(5), officer('a')];
  t.deepEqual(await fetched(at, []), always);
  t.deepEqual(await fetched(at, [KEY, THIRD]), [...always, record(KEY)]);
  t.deepEqual(await fetched(at, [], { ...NOBODY, users: ['ada'] }), [...always, record(KEY)]);
  t.deepEqual(await fetched(at, [], { ...NOBODY, groups: ['staff'] }), [...always, record(OTHER)]);
  t.deepEqual((await fetched(at, [], { ...NOBODY, all: true })).length, 4);
  const source = new FolderSource(at);
  t.deepEqual(
    (await source.lookUp(OTHER)).map(({ line }) => line),
    [record(OTHER)],
  );
  t.deepEqual(await source.lookUp(THIRD), []);
});

test('a single file is a source too; one that ends in the middle of a line gives the lines before', async (t) => {
  const at = join(folder(), 'book');
  writeFileSync(at, `${head(1)}\n${record(KEY)}`);
  t.deepEqual(await fetched(at, [KEY]), [head(1)]);
});

test('a stick with links, pipes, endless lines and lines across the reads holds nobody up', async (t) => {
  const at = folder();
  const secret = join(folder(), 'secret');
  writeFileSync(secret, `${record(OTHER)}\n`);
  symlinkSync(secret, join(at, 'link.book'));
  execFileSync('mkfifo', [join(at, 'pipe.book')]);
  mkdirSync(join(at, 'folder.book'));
  writeFileSync(join(at, 'long.book'), `${'x'.repeat(3_000_000)}\n${record(KEY)}\n`);
  const filler = `${'y'.repeat(1000)}\n`.repeat(262);
  writeFileSync(join(at, 'many.book'), `${filler}${record(THIRD, 'z'.repeat(900))}\n`);
  t.deepEqual(await fetched(at, [KEY, OTHER, THIRD]), [record(KEY), record(THIRD, 'z'.repeat(900))].sort());
});

test('a folder that is not there is a failure, and no empty book', async (t) => {
  await t.throwsAsync(fetched(join(folder(), 'none'), []));
});

test('what scauthd asks for is read with a limit, and a link is not followed', (t) => {
  const at = folder();
  const path = join(at, 'fleet-wanted');
  t.deepEqual(readWanted(path), []);
  writeFileSync(path, `${KEY}\n${OTHER.toUpperCase()}\n*\n(uid=*)\n${KEY}\n`);
  t.deepEqual(readWanted(path), [KEY, OTHER]);
  writeFileSync(path, Array.from({ length: 5000 }, (_, one) => keyHash(one)).join('\n'));
  t.is(readWanted(path).length, 64);
  const link = join(at, 'link');
  symlinkSync(path, link);
  t.deepEqual(readWanted(link), []);
});

test('a change of the wanted keys is heard of, also in a folder that is made later', async (t) => {
  const at = join(folder(), 'run');
  const heard: string[][] = [];
  const watch = new WantedWatch(join(at, 'fleet-wanted'), (keys) => heard.push([...keys]));
  mkdirSync(at);
  writeFileSync(join(at, 'fleet-wanted'), `${KEY}\n`);
  while (!heard.some((keys) => keys.includes(KEY))) await pause(50);
  writeFileSync(join(at, 'fleet-wanted'), `${OTHER}\n`);
  while (!heard.some((keys) => keys.includes(OTHER))) await pause(10);
  watch.close();
  t.deepEqual(heard[0], []);
});

test('the book is replaced as a whole, readable by all, and not written when nothing changed', (t) => {
  const at = folder();
  const file = new BookFile(at);
  t.true(file.write(Buffer.from(`${head(1)}\n`)));
  const { ino, mode } = statSync(join(at, 'book'));
  t.is(mode & 0o777, 0o644);
  t.false(file.write(Buffer.from(`${head(1)}\n`)));
  t.is(statSync(join(at, 'book')).ino, ino);
  t.true(file.write(Buffer.from(`${head(2)}\n`)));
  t.not(statSync(join(at, 'book')).ino, ino);
  t.is(new BookFile(at).atStart().heads[0]?.name, '2');
});

test('what lies beside the book is not followed, and a folder that cannot be written keeps the old one', (t) => {
  const at = folder();
  const file = new BookFile(at);
  file.write(Buffer.from(`${head(1)}\n`));
  const victim = join(folder(), 'victim');
  writeFileSync(victim, 'mine');
  symlinkSync(victim, join(at, 'book.new'));
  file.write(Buffer.from(`${head(2)}\n`));
  t.is(readFileSync(victim, 'utf8'), 'mine');
  // A folder in the place of the temporary file cannot be removed as a file: stands for each failure before the rename.
  mkdirSync(join(at, 'book.new'));
  t.throws(() => file.write(Buffer.from(`${head(3)}\n`)));
  t.is(readFileSync(join(at, 'book'), 'utf8'), `${head(2)}\n`);
  rmSync(join(at, 'book.new'), { recursive: true });
  t.true(file.write(Buffer.from(`${head(3)}\n`)));
});

test('where the rename fails, as on a full disk, the old book stays and nothing is left beside it', (t) => {
  const at = folder();
  const file = new BookFile(at);
  mkdirSync(join(at, 'book/in-the-way'), { recursive: true });
  t.throws(() => file.write(Buffer.from('new\n')));
  t.deepEqual(readdirSync(at), ['book']);
  rmSync(join(at, 'book'), { recursive: true });
  t.true(file.write(Buffer.from('new\n')), 'written when there is room');
  t.is(readFileSync(join(at, 'book'), 'latin1'), 'new\n');
});

test('a book that was restored from a backup is written over, also by the bytes that were written last', (t) => {
  const at = folder();
  const file = new BookFile(at);
  const now = Buffer.from(`${head(2)}\n`);
  file.write(now);
  writeFileSync(join(at, 'restored'), `${head(1)}\n`);
  renameSync(join(at, 'restored'), join(at, 'book'));
  t.true(file.write(now));
  t.is(readFileSync(join(at, 'book'), 'latin1'), `${head(2)}\n`);
  rmSync(join(at, 'book'));
  t.true(file.write(now));
  t.false(file.write(now));
});
