// The file scauth.db: made whole or not at all, checked before SQLite opens it by name, copied before its tables are
// changed. What is in the tables is not known here.

import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AgentError } from '../base/errors.ts';
import { syncPath } from '../base/open-file.ts';
import { checkTrustedFolder, distrustOf, openTrusted } from '../base/trusted-file.ts';
import { bringUpToDate, isOlder, schemaVersionOf } from './migrations.ts';

/** How long another scauthd (the one of before an upgrade) may hold the file; the person waits so long. */
const BUSY_MS = 1500;

/**
 * Opens the table, makes it if there is none, brings it up to date if it is of an older scauth.
 * @throws AgentError `store-unreadable`, `store-newer`, `not-allowed`; the file system's and SQLite's own errors
 */
export function openTableFile(path: string): DatabaseSync {
  const folder = dirname(path);
  if (!checkTrustedFolder(folder)) throw new Error(`${folder} is not there`);
  if (!isThere(path)) makeTable(path);
  const database = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
    const health = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    if (health !== 'ok') throw new AgentError('store-unreadable', { detail: `damaged: ${String(health)}` });
    if (isOlder(database)) {
      // Each table was made whole, with its version: one without is no table of ours, and its pairings are lost.
      if (schemaVersionOf(database) === 0)
        throw new AgentError('store-unreadable', { detail: `${path} has no schema version: restore it` });
      keepCopy(database, path);
      bringUpToDate(database);
    }
  } catch (error) {
    database.close();
    throw error;
  }
  chmodSync(path, 0o600);
  return database;
}

/** Checks the file that is there, and what SQLite would read beside it. @returns false when there is none */
function isThere(path: string): boolean {
  for (const companion of [`${path}-wal`, `${path}-shm`]) {
    if (!existsSync(companion) && !isLink(companion)) continue;
    const why = isLink(companion)
      ? 'is a symbolic link'
      : distrustOf(lstatSync(companion), process.geteuid?.() ?? 0);
    if (why !== null) throw new AgentError('not-allowed', { detail: `${companion} ${why}` });
  }
  const fd = openTrusted(path);
  if (fd === null) return false;
  const { size } = fstatSync(fd);
  closeSync(fd);
  // SQLite would take an empty file for a new table, and everybody for not paired.
  if (size === 0)
    throw new AgentError('store-unreadable', { detail: `${path} is empty: restore it, or remove it` });
  return true;
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** SQLite's own three files beside `path`, and `path`: what an interrupted run may have left. */
function remove(path: string): void {
  for (const left of [path, `${path}-wal`, `${path}-shm`, `${path}-journal`]) rmSync(left, { force: true });
}

/** A table is made under another name: a full disk or a power cut leaves no half of one. */
function makeTable(path: string): void {
  const made = `${path}.new`;
  remove(made);
  closeSync(openSync(made, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600));
  const database = new DatabaseSync(made);
  try {
    bringUpToDate(database);
    database.close();
    // SQLite would play the log of a table that was deleted into this one.
    remove(path);
    putInPlace(made, path);
  } catch (error) {
    if (database.isOpen) database.close();
    remove(made);
    throw error;
  }
}

/**
 * The table as it is before its tables are changed, beside it: a way back for who installs the older scauth again.
 * The copy is overwritten when the same version is brought up to date again.
 */
function keepCopy(database: DatabaseSync, path: string): void {
  const copy = `${path}.schema-${schemaVersionOf(database)}`;
  const made = `${copy}.new`;
  remove(made);
  closeSync(openSync(made, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600));
  try {
    database.prepare('VACUUM INTO ?').run(made);
    putInPlace(made, copy);
  } catch (cause) {
    remove(made);
    throw new AgentError('store-unreadable', { detail: `${copy} cannot be written (disk full?)`, cause });
  }
}

/** Renames, with the content and the name on the disk. */
function putInPlace(from: string, to: string): void {
  syncPath(from);
  renameSync(from, to);
  syncPath(dirname(to));
}
